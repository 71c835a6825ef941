import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.config.quantities import (
    parse_duration,
    parse_factor,
    parse_percentage,
    parse_size,
    write_duration,
    write_factor,
    write_percentage,
    write_size,
)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("30s", 30), ("1m30s", 90), ("250ms", 0.25), ("2h", 7200), ("1.5s", 1.5), ("1d12h", 129600), ("0s", 0)],
)
def test_durations_as_people_write_them(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "30", "s", "30 s", "30S", "-1s", "1m1m", "30s1m", "0.5ms", "1e3s", "\u0661s", "1s\n"]
)
def test_other_texts_are_no_durations(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_duration(text)


def test_sizes_tell_thousands_from_powers_of_two() -> None:
    assert (parse_size("512MiB"), parse_size("10MB"), parse_size("1.5KiB")) == (536870912, 10_000_000, 1536)
    assert (write_size(536870912), write_size(10_000_000), write_size(1537)) == ("512MiB", "10MB", "1537B")
    with pytest.raises(ValueError, match="whole"):
        parse_size("0.5B")


def test_written_back_as_people_write_them() -> None:
    assert [write_duration(seconds) for seconds in (90, 0.25, 7200, 0)] == ["1m30s", "250ms", "2h", "0s"]
    assert [write_percentage(share) for share in (0.05, 0.005, 1.0, 0.0)] == ["5%", "0.5%", "100%", "0%"]
    assert [write_factor(factor) for factor in (1.5, 2.0)] == ["1.5x", "2x"]


@given(st.integers(0, 10**12))
def test_a_duration_survives(milliseconds: int) -> None:
    assert parse_duration(write_duration(milliseconds / 1000)) == milliseconds / 1000


@given(st.integers(0, 2**60))
def test_a_size_survives(size_bytes: int) -> None:
    assert parse_size(write_size(size_bytes)) == size_bytes


@given(st.integers(0, 10**9))
def test_a_percentage_survives(millionths: int) -> None:
    assert parse_percentage(write_percentage(millionths / 10**6)) == millionths / 10**6


@given(st.integers(0, 10**9))
def test_a_factor_survives(thousandths: int) -> None:
    assert parse_factor(write_factor(thousandths / 1000)) == thousandths / 1000
