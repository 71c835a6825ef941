"""An e-process: a bet against the null, spread over alternatives and over the moments at which a fault may begin.

Under the null its mean never exceeds 1, so the chance that it *ever* reaches 1/alpha is at most alpha (Ville 1939): it
may be looked at after every interval, and stopped at any moment (Howard & Ramdas 2021; Shin, Ramdas & Rinaldo 2024).
"""

import math
from functools import lru_cache

import msgspec

FROM_START = 0.5
"""Half the mass bets that the fault is there from the start; the rest waits for a fault that begins later."""
CEILING = 1e12
"""Evidence beyond this is not told apart."""


class Process(msgspec.Struct, frozen=True, array_like=True):
    """`mass` is what each alternative's bets have become, `waiting` what has not been bet yet.

    `fresh` is what each alternative gains when the next interval that says something comes.
    """

    mass: tuple[float, ...]
    waiting: float
    fresh: float = 0.0

    @property
    def e_value(self) -> float:
        """The evidence: 1 is none, 100 is "100 to 1 against the null"."""
        return sum(self.mass) + self.waiting + self.fresh * len(self.mass)


def start_process(points: int) -> Process:
    """Nothing seen yet: an e-value of 1."""
    return Process((FROM_START / points,) * points, 1.0 - FROM_START)


def advance(process: Process, logs: list[float], cap: float, release: float) -> Process:
    """One more interval, with each alternative's log-likelihood ratio against the null in `logs`.

    Before it, the share `release` of the waiting mass starts to bet (the restart mixture, with a geometric time of
    onset as Shiryaev's; each restart is an e-process, and so is their average). No alternative gains more than `cap`
    in one interval: a smaller factor is still a valid one, and no verdict then rests on a single burst.
    """
    fresh = process.fresh + process.waiting * release / len(process.mass)
    capped = logs if max(logs) <= cap else [min(log, cap) for log in logs]
    mass = [(m + fresh) * factor for m, factor in zip(process.mass, map(math.exp, capped), strict=True)]
    if max(mass) > CEILING:
        mass = [min(CEILING, m) for m in mass]
    return Process(tuple(mass), process.waiting * (1 - release))


def idle(process: Process, release: float) -> Process:
    """An interval that says nothing: the onset moves on, the evidence stays."""
    begun = process.waiting * release
    return Process(process.mass, process.waiting - begun, process.fresh + begun / len(process.mass))


# The alternatives that evidence is spread over: ratios of bad shares, ever wider apart away from what is allowed.
#
# Betting on a ratio next to the true one loses a part of the growth that depends on the gap over the distance from the
# null, in logarithms: so these distances are a geometric series, and a dozen points lose less than twenty evenly
# spaced.

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
