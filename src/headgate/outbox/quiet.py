"""Quiet hours: when they are, and what was kept back during them, told as one."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from headgate.core.model import QuietHours
from headgate.core.model.audience import Severity
from headgate.core.story.account import one_line
from headgate.ports.notifier import Message

LINES_MAX = 40
"""A digest names so many; the rest are counted."""

_GRAVE: tuple[Severity, ...] = ("info", "warning", "critical")


def quiet(hours: QuietHours | None, at: float) -> bool:
    """True when `at` (seconds since the epoch) lies in quiet hours; never in a time zone that nobody here knows.

    Hours that end the next day belong to the day they begin on.
    """
    if hours is None:
        return False
    try:
        local = datetime.fromtimestamp(at, ZoneInfo(hours.zone))
    except (OSError, ValueError, KeyError):
        return False
    minute, today = local.hour * 60 + local.minute, local.weekday()
    yesterday = (local.date() - timedelta(days=1)).weekday()
    if hours.start < hours.end:
        return today in hours.days and hours.start <= minute < hours.end
    return (today in hours.days and minute >= hours.start) or (yesterday in hours.days and minute < hours.end)


def worse(one: Severity, other: Severity) -> Severity:
    """The graver of two."""
    return one if _GRAVE.index(one) >= _GRAVE.index(other) else other


def reaches(severity: Severity, least: Severity) -> bool:
    """True when `severity` is at least `least`."""
    return _GRAVE.index(severity) >= _GRAVE.index(least)


def digest(kept: Sequence[Message], missed: int, hours: QuietHours | None, at: float) -> Message:
    """Everything that was kept back, oldest first, as one message. `kept` has at least one."""
    releases = list(dict.fromkeys(one.release for one in kept))
    severity: Severity = "info"
    for one in kept:
        severity = worse(severity, one.severity)
    shown = [f"{_clock(one.at, hours)} {one.title}" for one in kept[-LINES_MAX:]]
    left = len(kept) - len(shown) + missed
    lines = (*([f"{left} earlier ones are not shown."] if left else []), *map(one_line, shown))
    count = f"{len(kept) + missed} messages of {_listed(releases)}"
    return Message(
        key=f"digest/{kept[0].key}/{kept[-1].key}",
        release=releases[-1],
        moment=kept[-1].moment,
        severity=severity,
        title=f"While it was quiet: {count}",
        lines=lines,
        at=at,
    )


def _listed(releases: Sequence[str]) -> str:
    return ", ".join(releases) if len(releases) <= 3 else f"{len(releases)} releases"  # noqa: PLR2004


def _clock(at: float, hours: QuietHours | None) -> str:
    try:
        zone = ZoneInfo(hours.zone) if hours is not None else UTC
    except (OSError, ValueError, KeyError):
        zone = UTC
    return f"{datetime.fromtimestamp(at, zone):%H:%M}"
