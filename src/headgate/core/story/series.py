"""Series of a release over time, for charts: bounded in points, however long it takes.

Intervals are summed in pairs whenever there are too many of them. Counts are added, never rates averaged, so a ratio or
a quantile of a merged point is that of all its requests. What the judge said is the last it said in the point.
"""

import math

import msgspec
from msgspec.structs import replace

from headgate.core.judge.evidence.histogram import COMPLETE_MS
from headgate.core.model import Arm, Histogram, Mean, Sample, Verdict

POINTS_MAX = 480
QUANTILES = (0.5, 0.99)


class Count(msgspec.Struct, frozen=True):
    """One arm in one point. `latency_ms` None: nothing is known of it."""

    requests: int = 0
    errors: int = 0
    latency_ms: Histogram | None = None
    means: dict[str, Mean] = {}

    def mean(self, name: str) -> float | None:
        """A business signal; None without cases."""
        found = self.means.get(name)
        return found.sum / found.n if found is not None and found.n > 0 else None

    @property
    def error_ratio(self) -> float | None:
        """None without requests."""
        return self.errors / self.requests if self.requests else None

    def quantile_ms(self, q: float) -> float | None:
        """The latency that a share `q` of the requests stays within, interpolated in its bucket; for the eye only.

        None where nothing was counted, or where it is beyond the last bound.
        """
        histogram = self.latency_ms
        if histogram is None or not histogram.count:
            return None
        whole = (
            histogram.count[-1]
            if histogram.le[-1] >= COMPLETE_MS
            else max(self.requests, histogram.count[-1])
        )
        if not whole:
            return None
        wanted, low, below = q * whole, 0.0, 0
        for bound, count in zip(histogram.le, histogram.count, strict=True):
            if count >= wanted:
                if math.isinf(bound):
                    return None
                return low + (bound - low) * (wanted - below) / (count - below) if count > below else bound
            low, below = bound, count
        return None


class Point(msgspec.Struct, frozen=True):
    """A stretch of one leg: it ends at `at` (seconds since the epoch). `evidence` and `needed` are the verdict's.

    `ratio` in [`low`, `high`] compares the error ratios of canary and stable; see `model.Evidence`.
    """

    at: float
    interval_s: float
    weight: int
    stable: Count
    canary: Count
    kind: str = "watch"
    evidence: float = 1.0
    needed: float = 100.0
    ratio: float | None = None
    low: float | None = None
    high: float | None = None


class Course:
    """One leg's points, in order. `add` takes one interval after another."""

    def __init__(self, points_max: int = POINTS_MAX) -> None:
        self._max = max(2, points_max)
        self._points: list[Point] = []
        self._fold = 1
        self._open: list[Point] = []

    def add(self, sample: Sample, verdict: Verdict) -> None:
        """One more interval and what the judge said of it."""
        self._open.append(_point(sample, verdict))
        if len(self._open) < self._fold:
            return
        self._points.append(_merged(self._open))
        self._open = []
        if len(self._points) >= self._max:
            pairs = zip(self._points[::2], self._points[1::2], strict=False)
            odd = self._points[-1:] if len(self._points) % 2 else []
            self._points = [_merged(pair) for pair in pairs]
            self._open, self._fold = odd, self._fold * 2

    def points(self) -> tuple[Point, ...]:
        """All of them; the last one may still grow."""
        return (*self._points, _merged(self._open)) if self._open else tuple(self._points)


def _point(sample: Sample, verdict: Verdict) -> Point:
    errors = next((one for one in verdict.metrics if one.metric == "error_ratio"), None)
    return Point(
        at=sample.at,
        interval_s=sample.interval_s,
        weight=sample.weight,
        stable=_count(sample.stable),
        canary=_count(sample.canary),
        kind=verdict.kind,
        evidence=verdict.evidence,
        needed=verdict.needed,
        ratio=errors.ratio if errors else None,
        low=errors.low if errors else None,
        high=errors.high if errors else None,
    )


def _count(arm: Arm | None) -> Count:
    return Count(arm.requests, arm.errors, arm.latency_ms, arm.means) if arm is not None else Count()


def _merged(points: "list[Point] | tuple[Point, ...]") -> Point:
    last = points[-1]
    if len(points) == 1:
        return last
    stable, canary = points[0].stable, points[0].canary
    for point in points[1:]:
        stable, canary = _sum(stable, point.stable), _sum(canary, point.canary)
    return replace(last, interval_s=sum(point.interval_s for point in points), stable=stable, canary=canary)


def _sum(one: Count, other: Count) -> Count:
    return Count(
        one.requests + other.requests,
        one.errors + other.errors,
        _added(one.latency_ms, other.latency_ms),
        {name: _mean(one.means.get(name), other.means.get(name)) for name in one.means | other.means},
    )


def _mean(one: Mean | None, other: Mean | None) -> Mean:
    known = [mean for mean in (one, other) if mean is not None]
    return Mean(sum(mean.sum for mean in known), sum(mean.n for mean in known))


def _added(one: Histogram | None, other: Histogram | None) -> Histogram | None:
    """The sum; of two that have other bounds, the newer one."""
    if one is None or other is None:
        return other or one
    if one.le != other.le:
        return other
    return Histogram(one.le, tuple(a + b for a, b in zip(one.count, other.count, strict=True)))
