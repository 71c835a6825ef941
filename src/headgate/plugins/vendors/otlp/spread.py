"""Distributions of durations as OTLP has them, and as Headgate does: counts per bucket below fixed bounds.

opentelemetry.io/docs/specs/otel/metrics/data-model: Histogram, ExponentialHistogram ("all scales are mergeable").
"""

import math
from bisect import bisect_left
from itertools import pairwise

import msgspec

GRID_MS = (
    1.0,
    2.0,
    5.0,
    10.0,
    25.0,
    50.0,
    75.0,
    100.0,
    250.0,
    500.0,
    750.0,
    1e3,
    2.5e3,
    5e3,
    7.5e3,
    1e4,
    3e4,
    6e4,
)
"""The bounds that durations of spans and exponential histograms are counted by, in milliseconds."""

BUCKETS_MAX = 512
SCALES = range(-10, 21)
_TOLERANCE = 1e-9


class Buckets(msgspec.Struct, frozen=True):
    """`count[i]` observations were over `le_ms[i-1]` and at most `le_ms[i]`; what is over the last is left out."""

    le_ms: tuple[float, ...]
    count: tuple[int, ...]


class Explicit(msgspec.Struct, frozen=True):
    """A histogram with bounds of its own: one more count than bounds."""

    le_ms: tuple[float, ...]
    count: tuple[int, ...]

    @property
    def total(self) -> int:
        """All observations."""
        return sum(self.count)

    def wrong(self) -> str:
        """Why it cannot be; empty when it can."""
        if not 0 < len(self.le_ms) <= BUCKETS_MAX or len(self.count) != len(self.le_ms) + 1:
            return f"a histogram must have 1 to {BUCKETS_MAX} bounds, and one count more than bounds"
        if not all(map(math.isfinite, self.le_ms)) or any(low >= high for low, high in pairwise(self.le_ms)):
            return "a histogram's bounds must rise"
        return ""

    def since(self, before: "Explicit") -> "Explicit | None":
        """What was added to `before`; None when this is not `before` and more."""
        if before.le_ms != self.le_ms:
            return None
        count = tuple(new - old for old, new in zip(before.count, self.count, strict=True))
        return Explicit(self.le_ms, count) if min(count) >= 0 else None

    def buckets(self) -> Buckets:
        """The same, without what is over the last bound."""
        return Buckets(self.le_ms, self.count[:-1])


class Exponential(msgspec.Struct, frozen=True):
    """A base-2 exponential histogram: `count[i]` observations in (base^(offset+i), base^(offset+i+1)] units.

    base = 2^(2^-scale); one unit is `unit_ms` milliseconds; `zero` observations were too small for any bucket.
    """

    scale: int
    offset: int
    count: tuple[int, ...]
    zero: int
    unit_ms: float

    @property
    def total(self) -> int:
        """All observations."""
        return self.zero + sum(self.count)

    def wrong(self) -> str:
        """Why it cannot be; empty when it can."""
        if self.scale not in SCALES or len(self.count) > BUCKETS_MAX:
            return (
                f"an exponential histogram must have a scale from -10 to 20 and at most {BUCKETS_MAX} buckets"
            )
        return ""

    def since(self, before: "Exponential") -> "Exponential | None":
        """What was added to `before`, at the coarser scale of both; None when this is not `before` and more."""
        scale = min(before.scale, self.scale)
        old, new = before.at_scale(scale), self.at_scale(scale)
        left = {index: n - old.get(index, 0) for index, n in new.items()}
        if self.zero < before.zero or old.keys() - new.keys() or min(left.values(), default=0) < 0:
            return None
        low, high = min(left, default=0), max(left, default=-1)
        count = tuple(left.get(index, 0) for index in range(low, high + 1))
        return Exponential(scale, low, count, self.zero - before.zero, self.unit_ms)

    def buckets(self) -> Buckets:
        """The same over GRID_MS. A bucket that reaches over a bound is counted above it: never better than it was."""
        below = [self.zero + sum(self.count[: self._whole(bound)]) for bound in GRID_MS]
        return Buckets(GRID_MS, tuple(n - before for before, n in pairwise([0, *below])))

    def _whole(self, bound_ms: float) -> int:
        """How many of the buckets lie below `bound_ms` as a whole: base^(index + 1) <= bound."""
        reach = math.log2(bound_ms / self.unit_ms) * 2.0**self.scale
        return max(0, min(math.floor(reach + _TOLERANCE) - self.offset, len(self.count)))

    def at_scale(self, scale: int) -> dict[int, int]:
        """What is in each bucket that is not empty, at a coarser scale: each step down merges neighbours."""
        merged: dict[int, int] = {}
        for position, n in enumerate(self.count):
            if n:
                index = (self.offset + position) >> (self.scale - scale)
                merged[index] = merged.get(index, 0) + n
        return merged


def single(duration_ms: float) -> Buckets:
    """One observation over GRID_MS."""
    at = bisect_left(GRID_MS, duration_ms)
    return Buckets(GRID_MS, tuple(int(index == at) for index in range(len(GRID_MS))))
