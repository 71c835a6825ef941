"""Why high shares are compared as proportions and not by Fisher's noncentral hypergeometric law.

Everything is enumerated: all counts of two small arms. docs/decisions/0008-two-proportions-at-high-shares.md tells it.
"""

import math
from collections.abc import Iterator
from functools import cache
from itertools import product

import pytest

from headgate.core.judge.evidence.counts import Pair
from headgate.core.judge.evidence.process import Grid
from headgate.core.judge.evidence.proportions import proportion_logs

N1, N0 = 8, 24


@cache
def law(x: int, odds_ratio: float) -> dict[int, float]:
    """The canary's errors given `x` in all (Fisher's noncentral hypergeometric law)."""
    support = range(max(0, x - N0), min(N1, x) + 1)
    weights = {k: math.comb(N1, k) * math.comb(N0, x - k) * odds_ratio**k for k in support}
    total = sum(weights.values())
    return {k: weight / total for k, weight in weights.items()}


def counts(p1: float, p0: float) -> Iterator[tuple[float, Pair]]:
    for x1, x0 in product(range(N1 + 1), range(N0 + 1)):
        canary = math.comb(N1, x1) * p1**x1 * (1 - p1) ** (N1 - x1)
        yield canary * math.comb(N0, x0) * p0**x0 * (1 - p0) ** (N0 - x0), Pair(N1, x1, N0, x0)


def odds_ratio(ratio: float, p0: float) -> float:
    """The odds ratio of shares `ratio` * p0 and p0."""
    return ratio * (1 - p0) / (1 - ratio * p0)


def hypergeometric_log(pair: Pair, alternative: float, null: float) -> float:
    x = int(pair.canary_x + pair.stable_x)
    return math.log(law(x, alternative)[int(pair.canary_x)] / law(x, null)[int(pair.canary_x)])


def two_proportion_log(pair: Pair, ratio: float, null: float, p0: float) -> float:
    grid = Grid(null, (ratio,), (math.log(ratio / null),), ((math.log(ratio / null), ratio - null),))
    return proportion_logs(grid, pair, p0)[0]


@pytest.mark.parametrize(("p0", "ratio"), [(0.1, 2.0), (0.2, 2.0), (0.3, 2.0), (0.5, 1.6)])
def test_without_a_margin_two_proportions_grow_as_fast(p0: float, ratio: float) -> None:
    alternative = odds_ratio(ratio, p0)
    both = list(counts(ratio * p0, p0))
    two = sum(chance * two_proportion_log(pair, ratio, 1.0, p0) for chance, pair in both)
    given_totals = sum(chance * hypergeometric_log(pair, alternative, 1.0) for chance, pair in both)
    assert two >= given_totals > 0


@pytest.mark.parametrize("p0", [0.3, 0.4, 0.5, 0.6, 0.7])
def test_with_a_margin_only_two_proportions_keep_the_null(p0: float) -> None:
    """The canary is exactly 1.25 times as bad; the bets were placed for a stable share of 30%."""
    null, guess, ratio = 1.25, 0.3, 2.0
    alternative, odds_null = odds_ratio(ratio, guess), odds_ratio(null, guess)
    both = list(counts(null * p0, p0))
    two = sum(chance * math.exp(two_proportion_log(pair, ratio, null, guess)) for chance, pair in both)
    conditional = sum(
        chance * math.exp(hypergeometric_log(pair, alternative, odds_null)) for chance, pair in both
    )
    assert two <= 1 + 1e-9
    assert p0 <= guess or conditional > 1.05  # false rollbacks, the more the higher the share


def test_no_odds_ratio_bounds_a_ratio_of_shares() -> None:
    assert [round(odds_ratio(1.25, p0), 1) for p0 in (0.1, 0.5, 0.7, 0.79)] == [1.3, 1.7, 3.0, 21.0]
