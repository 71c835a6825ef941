"""Series of data points made into increments: cumulative or not, restarted, doubled, out of order, interleaved.

opentelemetry.io/docs/specs/otel/metrics/data-model: a stream is one series since one start. Another start is another
stream, so a process that restarts, or several that send the same resource, need no guessing.
"""

from collections import deque

import msgspec

from headgate.plugins.vendors.otlp.facts import Point
from headgate.plugins.vendors.otlp.spread import Explicit, Exponential

STREAMS_MAX = 10_000
"""Of one metric, over all versions. One more is refused, which makes its version unknown."""

IDLE_S = 600.0
"""A stream that was silent so long may make room for others."""

SKEW_MAX_S = 5.0
"""A clock further ahead than this is not believed when it says that a process is young."""

DOUBLES_MAX = 16
_NS = 1_000_000_000


class Increment(msgspec.Struct, frozen=True):
    """What a point adds to the counters."""

    count: int
    spread: Explicit | Exponential | None


class Refused(ValueError):  # noqa: N818 - what becomes of the point
    """A point that cannot be counted, so that the counters are not whole any more."""


class _Stream:
    """What was taken of one stream until now: the last point of a cumulative one, the last few of others."""

    def __init__(self) -> None:
        self.last: Point | None = None
        self.heard_at = 0.0
        self.taken: deque[tuple[int, int]] = deque(maxlen=DOUBLES_MAX)


class Streams:
    """Every stream of one metric. Only what happened since `began_s` (seconds since the epoch) is counted."""

    def __init__(self, began_s: float) -> None:
        self._began_ns = int(began_s * _NS)
        self._streams: dict[tuple[bytes, int], _Stream] = {}

    def take(self, point: Point, now: float) -> Increment | None:
        """What `point` adds; None for one that was taken before or came too late. Raises Refused."""
        key = (point.stream, point.start_ns if point.cumulative else 0)
        stream = self._streams.pop(key, None)
        if stream is None:
            self._make_room(now)
            stream = _Stream()
        self._streams[key] = stream  # the one heard of longest ago comes first
        stream.heard_at = now
        return self._cumulative(stream, point, now) if point.cumulative else self._increment(stream, point)

    def _cumulative(self, stream: _Stream, point: Point, now: float) -> Increment | None:
        before, whole = stream.last, Increment(point.count, point.spread)
        if before is not None and point.at_ns <= before.at_ns:
            return None
        stream.last = point
        if before is None:
            return whole if self._young(point, now) else None
        if point.count >= before.count:
            grown = _spread_since(before, point)
            if grown is not None or point.spread is None:
                return Increment(point.count - before.count, grown)
        if not point.start_ns:
            return whole  # it does not say since when it counts: it began again
        raise Refused("a cumulative point has less than the one before, since the same start")

    def _increment(self, stream: _Stream, point: Point) -> Increment | None:
        window = (point.start_ns, point.at_ns)
        if window in stream.taken or point.at_ns < self._began_ns:
            return None
        stream.taken.append(window)
        return Increment(point.count, point.spread)

    def _young(self, point: Point, now: float) -> bool:
        """Whether all that it counts happened while we listened; an older process is counted from here on."""
        return point.start_ns >= self._began_ns and point.at_ns <= int((now + SKEW_MAX_S) * _NS)

    def _make_room(self, now: float) -> None:
        if len(self._streams) < STREAMS_MAX:
            return
        oldest = next(iter(self._streams))
        if now - self._streams[oldest].heard_at < IDLE_S:
            raise Refused(f"more than {STREAMS_MAX} series: drop attributes with a view")
        del self._streams[oldest]
        self._began_ns = max(self._began_ns, int(now * _NS))  # should it come back, it was counted already


def _spread_since(before: Point, point: Point) -> Explicit | Exponential | None:
    match before.spread, point.spread:
        case Explicit() as old, Explicit() as new:
            return new.since(old)
        case Exponential() as old, Exponential() as new:
            return new.since(old)
        case _:
            return None
