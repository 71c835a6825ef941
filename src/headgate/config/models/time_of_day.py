"""A time of day (`22:00`), alone or in a zone, and hours of the day: `22:00-06:00 Europe/Berlin`."""

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Annotated
from zoneinfo import ZoneInfo, available_timezones

from pydantic import BeforeValidator, PlainValidator, WithJsonSchema

from headgate.config.models.complaint import in_quotes, shown, wrong
from headgate.config.problems import closest
from headgate.core.model import Hours

FIRST_YEAR, LAST_YEAR = 2020, 2040
"""What a zone's clocks do is read for these years; afterwards they stay as they are by then."""

_FORM = "a time of day and a zone like `22:00 Europe/Berlin`, or hours like `22:00-06:00 Europe/Berlin`"
_CLOCK = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")
_WRITTEN = re.compile(rf"{_CLOCK.pattern}(?:-{_CLOCK.pattern})?(?: ([A-Za-z0-9_+/-]{{1,64}}))?")
_CLOCK_FORM = "a time of day like `22:00`"


def _read_clock(value: object) -> int:
    """Minutes after midnight of a time of day without a zone."""
    found = _CLOCK.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise wrong(f"{shown(value)} is not a time of day", _CLOCK_FORM, in_quotes(value))
    return _minutes(found[1], found[2])


def _read(value: object) -> Hours:
    found = _WRITTEN.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise wrong(f"{shown(value)} is no time of day", _FORM, in_quotes(value))
    zone = found[5] or "UTC"
    if zone not in available_timezones():
        near = closest(zone, sorted(available_timezones()))
        raise wrong(
            f"{shown(zone)} is no zone",
            "a zone like `Europe/Berlin`",
            f"did you mean `{near}`?" if near else "",
        )
    start, end = _minutes(found[1], found[2]), _minutes(found[3], found[4]) if found[3] else None
    if start == end:
        raise wrong(f"{shown(value)} is no time at all", "hours that end at another time than they begin")
    return Hours(start, end, zone, offsets_of(zone))


def _minutes(hours: str, minutes: str) -> int:
    return 60 * int(hours) + int(minutes)


@lru_cache(maxsize=64)
def offsets_of(zone: str) -> tuple[tuple[int, int], ...]:
    """From when on a zone's local time is how many seconds ahead of UTC, by the time zone database of this machine."""
    clock, day = ZoneInfo(zone), timedelta(days=1)
    at, end = datetime(FIRST_YEAR, 1, 1, tzinfo=UTC), datetime(LAST_YEAR, 1, 1, tzinfo=UTC)
    found = [(int(at.timestamp()), _ahead(clock, at))]
    while at < end:
        if _ahead(clock, at + day) != found[-1][1]:
            moment = _change(clock, at, at + day)
            found.append((int(moment.timestamp()), _ahead(clock, moment)))
        at += day
    return tuple(found)


def _change(clock: ZoneInfo, before: datetime, after: datetime) -> datetime:
    """The first second of the new offset between two moments of different ones."""
    while after - before > timedelta(seconds=1):
        middle = before + (after - before) // 2
        middle = middle.replace(microsecond=0)
        before, after = (
            (before, middle) if _ahead(clock, middle) != _ahead(clock, before) else (middle, after)
        )
    return after


def _ahead(clock: ZoneInfo, at: datetime) -> int:
    return int((at.astimezone(clock).utcoffset() or timedelta()).total_seconds())


Clock = Annotated[
    int, BeforeValidator(_read_clock), WithJsonSchema({"type": "string", "pattern": f"^{_CLOCK.pattern}$"})
]
TimeOfDay = Annotated[Hours, PlainValidator(_read), WithJsonSchema({"type": "string"})]
