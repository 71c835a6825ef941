"""The alternatives that evidence is spread over: ratios of bad shares, ever wider apart away from what is allowed.

Betting on a ratio next to the true one loses a part of the growth that depends on the gap over the distance from the
null, in logarithms: so these distances are a geometric series, and a dozen points lose less than twenty evenly spaced.
"""

import math
from functools import lru_cache

import msgspec

NEAREST = 1.3
"""The nearest alternative lies this factor away from what is allowed ..."""
FARTHEST = 800.0
"""... and the farthest this one: with no error on stable, every error of the canary speaks for it."""


class Grid(msgspec.Struct, frozen=True):
    """Alternatives to `null`, with the logarithm of alternative over null, each with the same share of the mass.

    `pairs` are these logarithms, each with the alternative's distance from the null: what an interval is weighed with.
    """

    null: float
    alternatives: tuple[float, ...]
    logs: tuple[float, ...]
    pairs: tuple[tuple[float, float], ...]


def _grid(null: float, factors: list[float]) -> Grid:
    logs = tuple(math.log(factor) for factor in factors)
    pairs = tuple((log, null * (factor - 1)) for log, factor in zip(logs, factors, strict=True))
    return Grid(null, tuple(null * factor for factor in factors), logs, pairs)


@lru_cache(maxsize=256)
def grid_above(null: float, points: int) -> Grid:
    """`points` ratios above `null`: the method of mixtures (Robbins 1970) on a grid."""
    nearest, farthest = math.log(NEAREST), math.log(FARTHEST)
    wider = (farthest / nearest) ** (1 / (points - 1))
    return _grid(null, [math.exp(nearest * wider**k) for k in range(points)])


@lru_cache(maxsize=256)
def grid_below(null: float, points: int) -> Grid:
    """`points` ratios below `null`, evenly spaced down to almost nothing: for shares that should be high."""
    return _grid(null, [max(0.9 * (1 - k / (points - 1)), 0.01) for k in range(points)])


@lru_cache(maxsize=256)
def odds_grid(share: float, points: int) -> Grid:
    """`points` shares above `share`, evenly spaced in log-odds up to 0.99 (or beyond, where `share` is higher)."""
    low, high = math.log(share / (1 - share)), max(math.log(99.0), math.log(share / (1 - share)) + 1)
    odds = [low + (high - low) * (k + 0.5) / points for k in range(points)]
    return _grid(share, [1 / (1 + math.exp(-o)) / share for o in odds])
