"""Hours of the day in a zone, so that the core can tell when they come without asking the world."""

import msgspec

DAY_S = 86_400
_MINUTE_S = 60


class Hours(msgspec.Struct, frozen=True):
    """From `start` to `end`, in minutes after midnight in `zone`; `end` None: from `start` on, whenever that is.

    `offsets` are the zone's: from when on (seconds since the epoch) local time is how many seconds ahead of UTC, in the
    order of time. They are part of the value, so that a release replays alike whatever a time zone database says later.
    """

    start: int
    end: int | None
    zone: str
    offsets: tuple[tuple[int, int], ...]

    def __str__(self) -> str:
        """`22:00 Europe/Berlin`, or `22:00-06:00 Europe/Berlin`."""
        until = "" if self.end is None else f"-{_clock(self.end)}"
        return f"{_clock(self.start)}{until} {self.zone}"


def holds(hours: Hours, at: float) -> bool:
    """Whether `at` lies within the hours; never, where they have no end."""
    if hours.end is None:
        return False
    minute = (_local(hours, at) % DAY_S) // _MINUTE_S
    if hours.start < hours.end:
        return hours.start <= minute < hours.end
    return minute >= hours.start or minute < hours.end


def next_start(hours: Hours, after: float) -> float:
    """When the hours begin next, in seconds since the epoch: later than `after`.

    A time that a day does not have, as clocks go forward, comes as much later as they go.
    """
    today = _local(hours, after) // DAY_S
    starts = (
        _epoch(hours, day * DAY_S + hours.start * _MINUTE_S) for day in range(int(today) - 1, int(today) + 3)
    )
    return next(start for start in starts if start > after)


def _local(hours: Hours, at: float) -> float:
    return at + _offset(hours, at)


def _epoch(hours: Hours, local: int) -> float:
    """The first moment at which local time is `local`, or the one that it would have been."""
    before, after = _offset(hours, local - DAY_S), _offset(hours, local + DAY_S)
    found = [local - offset for offset in (before, after) if _offset(hours, local - offset) == offset]
    return float(min(found, default=local - before))


def _offset(hours: Hours, at: float) -> int:
    found = hours.offsets[0][1]
    for since, offset in hours.offsets:
        if since > at:
            break
        found = offset
    return found


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"
