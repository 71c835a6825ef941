"""Quiet hours: over midnight, on some days, in a zone that changes its clock, and in one that nobody knows."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from headgate.core.model import QuietHours
from headgate.outbox.quiet import LINES_MAX, digest, quiet
from headgate.testing.notifiers import message

BERLIN = "Europe/Berlin"
WEEKNIGHTS = QuietHours(22 * 60, 7 * 60, BERLIN, (0, 1, 2, 3, 4))
LUNCH = QuietHours(12 * 60, 13 * 60, BERLIN)


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(BERLIN)).timestamp()


@pytest.mark.parametrize(
    ("hours", "when", "is_quiet"),
    [
        (WEEKNIGHTS, "2026-09-21 21:59", False),  # a Monday
        (WEEKNIGHTS, "2026-09-21 22:00", True),
        (WEEKNIGHTS, "2026-09-22 06:59", True),
        (WEEKNIGHTS, "2026-09-22 07:00", False),
        (WEEKNIGHTS, "2026-09-26 06:59", True),  # Saturday morning belongs to Friday night
        (WEEKNIGHTS, "2026-09-26 23:00", False),
        (WEEKNIGHTS, "2026-09-28 06:00", False),  # Monday morning belongs to Sunday night
        (WEEKNIGHTS, "2026-03-30 06:30", False),  # the clock was changed on Sunday
        (WEEKNIGHTS, "2026-03-31 06:30", True),
        (LUNCH, "2026-09-26 12:30", True),
        (LUNCH, "2026-09-26 13:00", False),
        (None, "2026-09-26 13:00", False),
    ],
)
def test_when_it_is_quiet(hours: QuietHours | None, when: str, is_quiet: bool) -> None:  # noqa: FBT001 - a table
    assert quiet(hours, at(when)) is is_quiet


@pytest.mark.parametrize("zone", ["Nowhere/Land", "", "../../etc/passwd", "\x00"])
def test_a_zone_that_nobody_knows_hides_nothing(zone: str) -> None:
    assert not quiet(QuietHours(0, 1439, zone), at("2026-09-26 13:00"))


def test_a_digest_names_the_newest_and_counts_the_rest() -> None:
    kept = [message(f"k{n}", release=f"r{n}", title=f"r{n} was promoted") for n in range(LINES_MAX + 5)]
    told = digest(kept, 3, WEEKNIGHTS, 5.0)
    assert told.title == f"While it was quiet: {LINES_MAX + 8} messages of {LINES_MAX + 5} releases"
    assert told.lines[0] == "8 earlier ones are not shown."
    assert told.lines[-1] == f"16:13 r{LINES_MAX + 4} was promoted"
    assert len(told.lines) == LINES_MAX + 1
    assert told.key == f"digest/k0/k{LINES_MAX + 4}"
