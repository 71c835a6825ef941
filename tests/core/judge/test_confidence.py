"""The ratio's interval that is valid at any time."""

import random

import pytest

from headgate.core.judge.conditional import conditional_logs
from headgate.core.judge.confidence import LEVEL, observe_likelihood, ratio_interval
from headgate.core.judge.grid import grid_around
from headgate.core.judge.pair import Pair
from tests.core.judge.traffic import bad

GRID = grid_around(1.25, 16, 5)
Likelihood = tuple[float, ...]


def start_likelihood() -> Likelihood:
    return (0.0,) * len(GRID.alternatives)


def observed(likelihood: Likelihood, pair: Pair) -> Likelihood:
    return observe_likelihood(likelihood, conditional_logs(GRID, pair))


def test_nothing_seen_bounds_nothing() -> None:
    assert ratio_interval(GRID, start_likelihood()) == (None, None)


def test_no_errors_bound_nothing() -> None:
    assert ratio_interval(GRID, observed(start_likelihood(), Pair(100, 0, 900, 0))) == (None, None)


@pytest.mark.parametrize("ratio", [0.5, 1.0, 4.0])
def test_it_covers_the_truth_at_all_times(ratio: float) -> None:
    rng, missed, runs = random.Random(11), 0, 60
    for _ in range(runs):
        likelihood = start_likelihood()
        ever = False
        for k in range(40):
            n1 = 30 + 40 * (k % 5)  # the weight changes all the time
            pair = Pair(n1, bad(rng, n1, 0.02 * ratio), 200, bad(rng, 200, 0.02))
            likelihood = observed(likelihood, pair)
            low, high = ratio_interval(GRID, likelihood)
            ever = ever or (low or 0) > ratio or (high or 1e9) < ratio
        missed += ever
    assert missed / runs <= 2 * LEVEL


def test_it_closes_in() -> None:
    likelihood = start_likelihood()
    for _ in range(300):
        likelihood = observed(likelihood, Pair(100, 6, 100, 2))
    low, high = ratio_interval(GRID, likelihood)
    assert low is not None
    assert high is not None
    assert 2.2 < low < 3 < high < 4


def test_without_an_error_on_stable_it_is_open_above() -> None:
    likelihood = start_likelihood()
    for _ in range(10):
        likelihood = observed(likelihood, Pair(20, 4, 180, 0))
    low, high = ratio_interval(GRID, likelihood)
    assert low is not None
    assert low > 5
    assert high is None
