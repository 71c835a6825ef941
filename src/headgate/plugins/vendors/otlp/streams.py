"""Series of data points made into increments: cumulative or not, restarted, doubled, out of order, interleaved.

opentelemetry.io/docs/specs/otel/metrics/data-model: a stream is one series since one start. Another start is another
stream, so a process that restarts, or several that send the same resource, need no guessing.
"""

from collections import deque
from itertools import accumulate

import msgspec

from headgate.core.model import Arm, Counts, Histogram
from headgate.plugins.vendors.otlp.resource import Point
from headgate.plugins.vendors.otlp.spread import Buckets, Explicit, Exponential

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


# The counters of one version by one measure: they only rise.

INSTANCES_MAX = 256
LAYOUTS_MAX = 4
OTHERS = "others"
"""Where instances over INSTANCES_MAX are counted together."""


class Tally:
    """Requests and errors in all and by instance, and latencies by the bounds they came with."""

    def __init__(self) -> None:
        self._instances: dict[str, Counts] = {}
        self._layouts: dict[tuple[float, ...], list[int]] = {}
        self._spread_all = True

    def add(self, instance: str, counts: Counts, buckets: Buckets | None = None) -> None:
        """Count what was added; without `buckets`, nothing can be said of the latency of these requests."""
        name = instance if instance in self._instances or len(self._instances) < INSTANCES_MAX else OTHERS
        before = self._instances.get(name, Counts(0, 0))
        self._instances[name] = Counts(before.requests + counts.requests, before.errors + counts.errors)
        known = buckets is not None and (buckets.le_ms in self._layouts or len(self._layouts) < LAYOUTS_MAX)
        if buckets is not None and known:
            layout = self._layouts.setdefault(buckets.le_ms, [0] * len(buckets.le_ms))
            for index, n in enumerate(buckets.count):
                layout[index] += n
        elif counts.requests:
            self._spread_all = False

    def arm(self) -> Arm:
        """The counters as they are now. Latency is told only where it is known of every request."""
        return Arm(
            requests=sum(counts.requests for counts in self._instances.values()),
            errors=sum(counts.errors for counts in self._instances.values()),
            latency_ms=self._latency() if self._spread_all else None,
            instances=dict(self._instances),
        )

    def _latency(self) -> Histogram | None:
        """All layouts over the bounds that they have in common: there, cumulative counts add up exactly."""
        layouts = {le: dict(zip(le, accumulate(count), strict=True)) for le, count in self._layouts.items()}
        if not layouts:
            return None
        shared = sorted(bound for bound in next(iter(layouts)) if all(bound in le for le in layouts))
        if not shared:
            return None
        return Histogram(
            tuple(shared), tuple(sum(one[bound] for one in layouts.values()) for bound in shared)
        )
