"""Two weeks of freezes, day by day (UTC)."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import msgspec

from headgate.web.api.home import FreezeState

DAYS = 14


class Day(msgspec.Struct, frozen=True):
    """One day and what is frozen in it."""

    date: str
    weekday: str
    today: bool
    freezes: list[FreezeState]


def days(freezes: Iterable[FreezeState], now: float) -> list[Day]:
    """The days from today on, each with the freezes that hold for any part of it."""
    known = list(freezes)
    start = datetime.fromtimestamp(now, UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return [_day(start + timedelta(days=n), known, today=not n) for n in range(DAYS)]


def _day(start: datetime, known: list[FreezeState], *, today: bool) -> Day:
    begins, ends = start.timestamp(), (start + timedelta(days=1)).timestamp()
    held = [one for one in known if one.begins_at < ends and _end(one) > begins]
    return Day(f"{start:%d %b}", f"{start:%a}", today, held)


def _end(freeze: FreezeState) -> float:
    ends = (end for end in (freeze.ends_at, freeze.lifted_at) if end is not None)
    return min(ends, default=float("inf"))
