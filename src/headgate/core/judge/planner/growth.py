"""How the evidence grows: what one bad case of either arm adds to the log-evidence of each alternative, how often."""

from functools import lru_cache

import msgspec

from headgate.core.judge.evidence.pair import Pair
from headgate.core.judge.verdict.way import Watched

_SECONDS = 1_000_000
"""Counts are taken over a long time, and divided by it: rates need not be whole."""


class Growth(msgspec.Struct, frozen=True):
    """Untempered, for each alternative: the drift a second, and what a count of the canary or of stable adds.

    `canary` and `stable` are the variances, a second, of the two numbers of counts.
    """

    drift: tuple[float, ...]
    of_canary: tuple[float, ...]
    of_stable: tuple[float, ...]
    canary: float
    stable: float


@lru_cache(maxsize=4096)
def growth(way: Watched, weight: float, factor: float) -> Growth:
    """The growth of the evidence against a canary with `weight` percent that is `factor` times worse than stable."""
    traffic, charged = way.traffic, way.counted(weight)
    n = traffic.rate * _SECONDS
    n1 = max(round(n * weight / 100), 1)
    n0 = max(round(way.beside(weight) * _SECONDS), 1)
    clean = way.logs(Pair(n1, 0.0, n0, 0.0))
    of_canary = [b - a for a, b in zip(clean, way.logs(Pair(n1, 1.0, n0, 0.0)), strict=True)]
    of_stable = [b - a for a, b in zip(clean, way.logs(Pair(n1, 0.0, n0, 1.0)), strict=True)]
    share = way.share(factor)
    x1, x0 = traffic.rate * weight / 100 * share, way.beside(weight) * traffic.share
    drift = [a / _SECONDS + x1 * b + x0 * c for a, b, c in zip(clean, of_canary, of_stable, strict=True)]
    return Growth(
        tuple([charged * one for one in drift]),
        tuple(of_canary),
        tuple(of_stable),
        charged * x1 * (1 - share) * traffic.phi,
        charged * x0 * (1 - traffic.share) * traffic.phi,
    )
