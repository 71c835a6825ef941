"""Both text formats, read by grammar: an odd line is left out, and work grows no faster than the page."""

import math
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.plugins.signals.scrape.exposition import (
    LABELS_MAX,
    LINE_MAX_CHARACTERS,
    LINES_MAX,
    PAGE_MAX_BYTES,
    Selector,
    Series,
    parse,
    selector,
    total,
)

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
    found = list(parse(PROMETHEUS.encode()).series)
    assert found[0] == Series("http_requests_total", {"method": "post", "code": "200"}, 1027.0)
    assert found[2].labels == {"path": "C:\\DIR\\FILE.TXT", "error": 'Cannot find file:\n"FILE.TXT" {}'}
    assert found[3] == Series("metric_without_timestamp_and_labels", {}, 12.47)
    assert found[4].value == math.inf
    assert found[5].labels == {"le": "0.05"}


def test_openmetrics() -> None:
    assert parse(OPENMETRICS.encode()).series[0] == Series("orders_total", {"result": "completed"}, 17.0)


@pytest.mark.parametrize(
    "line", ["<html>", "name", "name{a=b} 1", 'name{a="b} 1', "na-me 1", "name one", "1name 1"]
)
def test_what_is_no_metric_is_named_with_its_line(line: str) -> None:
    page = parse(f"up 1\n{line}\ndown 2\n".encode())
    assert [series.name for series in page.series] == ["up", "down"]
    assert (page.skipped, page.odd.startswith("line 2 is no metric")) == (1, True)
    with pytest.raises(ValueError, match="line 1"):
        parse(line.encode())


def test_a_selector_sums_what_it_means() -> None:
    series = list(parse(PROMETHEUS.encode()).series)
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
        total(parse(f"orders {value}".encode()).series, Selector("orders"))


@given(
    st.dictionaries(
        st.text(string.ascii_letters, min_size=1),
        st.text(st.characters(exclude_categories=["Cc", "Cs"])),
    )
)
def test_labels_come_back_as_they_were(labels: dict[str, str]) -> None:
    quoted = ",".join(
        f'{name}="{value.replace(chr(92), chr(92) * 2).replace(chr(34), chr(92) + chr(34))}"'
        for name, value in labels.items()
    )
    assert parse(f"m{{{quoted}}} 1".encode()).series == (Series("m", labels, 1.0),)


ODD = """\ufeffup 1
{"http.server.requests",code="200"} 7
{"a b", "c.d"="e"} 8
quoted{text="one\u2028two"} 9
latency_bucket{le="0.1"} 8 # {trace_id="a b"} 0.05 1.5
latency{} 3
name3
1_000 2
thousand 1_000
"""


def test_one_odd_line_makes_no_page_unreadable() -> None:
    page = parse(ODD.encode())
    assert page.series == (
        Series("up", {}, 1.0),
        Series("http.server.requests", {"code": "200"}, 7.0),
        Series("a b", {"c.d": "e"}, 8.0),
        Series("quoted", {"text": "one\u2028two"}, 9.0),
        Series("latency_bucket", {"le": "0.1"}, 8.0),
        Series("latency", {}, 3.0),
    )
    assert page.skipped == 3


def test_only_what_is_asked_about_is_kept() -> None:
    assert parse(PROMETHEUS.encode(), {"something_weird"}).series[0].name == "something_weird"
    assert len(parse(PROMETHEUS.encode(), {"something_weird"}).series) == 1


def test_of_a_long_page_only_the_lines_with_a_name_are_read() -> None:
    lines = [
        "a 1",
        *('filler{x="y"} 1' for _ in range(1000)),
        "b 2",
        "not b",
        'c{of="b"} 3',
        "a 4",
        *("z 1" for _ in range(9)),
    ]
    page = parse("\n".join(lines).encode(), {"a", "b", "nowhere"})
    assert page.series == (Series("a", {}, 1.0), Series("b", {}, 2.0), Series("a", {}, 4.0))
    assert (page.skipped, page.odd) == (1, "line 1003 is no metric: 'not b'")
    quoted = "\n".join(["up 1"] * 200 + ['{"say \\"b\\""} 2']).encode()
    assert parse(quoted, {'say "b"'}).series == (Series('say "b"', {}, 2.0),)


def test_a_page_is_bounded() -> None:
    with pytest.raises(ValueError, match="larger than"):
        parse(b"x 1\n" * (PAGE_MAX_BYTES // 4 + 1))
    with pytest.raises(ValueError, match="lines"):
        parse(b"\n" * (LINES_MAX + 2))
    many = ",".join(f'a{n}="b"' for n in range(LABELS_MAX + 1))
    assert parse(f"up 1\nx{{{many}}} 1\nx {'9' * LINE_MAX_CHARACTERS}".encode()).skipped == 2
