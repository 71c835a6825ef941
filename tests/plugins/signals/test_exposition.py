"""Both text formats, read strictly."""

import math
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.plugins.signals.scrape.exposition import Selector, Series, parse, selector, total

PROMETHEUS = r"""
# HELP http_requests_total The total number of HTTP requests.
# TYPE http_requests_total counter
http_requests_total{method="post",code="200"} 1027 1395066363000
http_requests_total{method="post",code="400"}    3 1395066363000

msdos_file_access_time_seconds{path="C:\\DIR\\FILE.TXT",error="Cannot find file:\n\"FILE.TXT\" {}"} 1.458255915e9
metric_without_timestamp_and_labels 12.47
something_weird{problem="division by zero"} +Inf -3982045
http_request_duration_seconds_bucket{le="0.05",} 24054
"""

OPENMETRICS = """# TYPE orders counter
orders_total{result="completed"} 17.0 1520879607.789 # {trace_id="KOO5S4vxi0o"} 0.67
orders_created{result="completed"} 1605281325.0
# EOF
"""


def test_prometheus() -> None:
    found = list(parse(PROMETHEUS))
    assert found[0] == Series("http_requests_total", {"method": "post", "code": "200"}, 1027.0)
    assert found[2].labels == {"path": "C:\\DIR\\FILE.TXT", "error": 'Cannot find file:\n"FILE.TXT" {}'}
    assert found[3] == Series("metric_without_timestamp_and_labels", {}, 12.47)
    assert found[4].value == math.inf
    assert found[5].labels == {"le": "0.05"}


def test_openmetrics() -> None:
    assert next(iter(parse(OPENMETRICS))) == Series("orders_total", {"result": "completed"}, 17.0)


@pytest.mark.parametrize(
    "line", ["<html>", "name", "name{a=b} 1", 'name{a="b} 1', "na-me 1", "name one", "1name 1"]
)
def test_what_is_no_metric_is_named_with_its_line(line: str) -> None:
    with pytest.raises(ValueError, match="line 2"):
        list(parse(f"up 1\n{line}\n"))


def test_a_selector_sums_what_it_means() -> None:
    series = list(parse(PROMETHEUS))
    assert total(series, selector("http_requests_total")) == 1030
    assert total(series, selector('http_requests_total{code="400", method="post"}')) == 3
    assert total(series, selector('http_requests_total{code="500"}')) is None
    assert total(series, selector("http_requests")) is None


@pytest.mark.parametrize("text", ["", "a b", "a{b}c", "{}", "a{"])
def test_what_selects_nothing_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="names no metric"):
        selector(text)


@pytest.mark.parametrize("value", ["NaN", "+Inf", "-1"])
def test_what_no_counter_can_be_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="no counter"):
        total(parse(f"orders {value}"), Selector("orders"))


@given(
    st.dictionaries(
        st.text(string.ascii_letters, min_size=1),
        st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"])),
    )
)
def test_labels_come_back_as_they_were(labels: dict[str, str]) -> None:
    quoted = ",".join(
        f'{name}="{value.replace(chr(92), chr(92) * 2).replace(chr(34), chr(92) + chr(34))}"'
        for name, value in labels.items()
    )
    assert list(parse(f"m{{{quoted}}} 1")) == [Series("m", labels, 1.0)]
