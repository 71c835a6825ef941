"""Counting slow requests: how many of an arm's observations were over a bucket's bound."""

import math
from collections.abc import Collection, Sequence
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


# Which bucket bounds can tell something: those that a fair share, but not most, of stable's requests are over.

COMMON = 20.0
"""A bound is useful while at most this many times the criterion's share are over it ..."""
COMMON_MAX = 0.5
"""... and at most this share in any case."""
RARE = 0.1
"""Under this many times the criterion's share a bound counts as never passed ..."""
SPARE = 2
"""... and so many bounds beyond the first such one are of use."""


def useful_bounds(
    le: Sequence[float],
    shares: Sequence[float],
    share: float,
    slots: int,
    among: Collection[int] | None = None,
) -> tuple[int, ...]:
    """The numbers of at most `slots` bounds, given stable's share of requests over each bound (falling).

    `among`: the only ones to choose from (all finite ones, otherwise).
    The first is the one nearest to the criterion (at most `share` are over it): it is the one that proves no harm. Of
    the others those nearest to it are taken, on either side, up to the third that is practically never passed: a slow
    tail shows there best, and what is over that one is over the others too.
    """
    finite = [k for k, bound in enumerate(le) if bound != float("inf") and (among is None or k in among)]
    if not finite:
        return ()
    usable = [k for k in finite if shares[k] <= min(COMMON * share, COMMON_MAX)]
    never = next((k for k in usable if shares[k] <= RARE * share), None)
    candidates = [k for k in usable if never is None or k <= never + SPARE] or finite[-1:]
    first = next((k for k in candidates if shares[k] <= share), candidates[-1])
    ranked = sorted(candidates, key=lambda k: (abs(k - first), -k))
    return tuple(ranked[:slots])
