"""Counting slow requests: how many of an arm's observations were over a bucket's bound."""

import math
from functools import lru_cache
from itertools import pairwise

from headgate.core.model.sample import Arm, Histogram

COMPLETE_MS = 60_000.0
"""A histogram that reaches so far has everything in its buckets; its own total is then the number of requests."""


def observations(arm: Arm) -> int:
    """How many requests the arm's histogram speaks about."""
    histogram = arm.latency_ms
    if histogram is None or not histogram.count:
        return 0
    if histogram.le[-1] >= COMPLETE_MS:
        return histogram.count[-1]
    return max(arm.requests, histogram.count[-1])


@lru_cache(maxsize=256)
def _rising(le: tuple[float, ...]) -> bool:
    return not math.isnan(le[0]) and all(low < high for low, high in pairwise(le))


def histogram_defect(histogram: Histogram) -> str:
    """What is wrong with a histogram, or nothing."""
    le, count = histogram.le, histogram.count
    if len(le) != len(count) or not le:
        return "a histogram whose bounds and counts do not match"
    if not _rising(le):
        return "a histogram whose bounds do not rise"
    if count[0] < 0 or sorted(count) != list(count):
        return "a histogram whose cumulative counts fall"
    return ""


def over(arm: Arm, index: int, n: int) -> int:
    """How many of the arm's `n` observations were over the bound number `index`."""
    return n - arm.latency_ms.count[index] if arm.latency_ms is not None else 0


def shifted(le: tuple[float, ...], ms: float) -> dict[int, int]:
    """For each bound the number of the lowest finite one that is at least `ms` higher, where there is one."""
    found = {k: bound_at(le, bound + ms) for k, bound in enumerate(le) if math.isfinite(bound)}
    return {k: higher for k, higher in found.items() if higher is not None}


def bound_at(le: tuple[float, ...], ms: float) -> int | None:
    """The number of the lowest bound at or above `ms`: it holds whatever holds at `ms`."""
    return next((k for k, bound in enumerate(le) if bound >= ms and math.isfinite(bound)), None)
