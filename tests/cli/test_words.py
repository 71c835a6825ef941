"""Numbers and times as people read them."""

from __future__ import annotations

import pytest

from headgate.cli.render import words
from tests.cli.stories import API, NOON, WEB, version


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 ms"),
        (0.085, "85 ms"),
        (2.14, "2.1 s"),
        (42.4, "42 s"),
        (72, "1m 12s"),
        (11_100, "3h 05m"),
        (190_000, "2d 4h"),
    ],
)
def test_span(seconds: float, text: str) -> None:
    assert words.span(seconds) == text


@pytest.mark.parametrize(
    ("passed", "text"),
    [(-5, "just now"), (3, "just now"), (720, "12 min ago"), (10_800, "3 h ago"), (300_000, "3 days ago")],
)
def test_ago(passed: float, text: str) -> None:
    assert words.ago(NOON, NOON + passed) == text


@pytest.mark.parametrize(
    ("part", "whole", "text"),
    [(0, 0, "-"), (0, 9, "0%"), (9, 9, "100%"), (1, 200, "0.50%"), (1, 4, "25.0%")],
)
def test_percent(part: float, whole: float, text: str) -> None:
    assert words.percent(part, whole) == text


@pytest.mark.parametrize(
    ("evidence", "text"),
    [
        (1.0, "1"),
        (3.4, "3.4"),
        (31.2, "31"),
        (1234.0, "1,234"),
        (1e12, "over 1,000,000"),
        (float("inf"), "over 1,000,000"),
    ],
)
def test_odds(evidence: float, text: str) -> None:
    assert words.odds(evidence) == text


def test_names() -> None:
    assert words.version(version("b"), "v2") == "v2 (bbbbbbbbbbbb-cccccccc)"
    assert words.version(None) == "nothing"
    assert words.name(version("b")) == "bbbbbbbbbbbb"
    assert words.place([WEB]) == "shop/production/web"
    assert words.place([API, WEB]) == "shop/production: api, web"
    assert words.count(1, "gate") == "1 gate"
    assert words.moment(NOON) == "2026-09-21 14:13:20"
