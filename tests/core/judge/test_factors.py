"""Every factor that evidence is multiplied by has a mean of at most 1 under the null: enumerated exactly."""

import math
from collections.abc import Callable
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.core.judge.evidence.counts import Pair, conditional_logs
from headgate.core.judge.evidence.mirror import Harm, mirror_log
from headgate.core.judge.evidence.process import Grid, grid_above, grid_below, odds_grid
from headgate.core.judge.evidence.proportions import (
    nearest_on_difference,
    nearest_on_ratio,
    proportion_logs,
    share_logs,
)

SIZES = st.integers(1, 7)
SHARES = st.floats(0.0, 1.0)
TOLERANCE = 1e-7


def binomial(n: int, x: int, p: float) -> float:
    return math.comb(n, x) * p**x * (1 - p) ** (n - x)


def poisson(mean: float, x: int) -> float:
    return math.exp(-mean) * mean**x / math.factorial(x)


def means(logs_of: Callable[[Pair], list[float]], n1: int, n0: int, p1: float, p0: float) -> list[float]:
    """The exact mean of each alternative's factor for Bernoulli cases."""
    total: list[float] = []
    for x1, x0 in product(range(n1 + 1), range(n0 + 1)):
        chance = binomial(n1, x1, p1) * binomial(n0, x0, p0)
        factors = [chance * math.exp(log) for log in logs_of(Pair(n1, x1, n0, x0))]
        total = [a + b for a, b in zip(total, factors, strict=True)] if total else factors
    return total


@given(SIZES, SIZES, SHARES, SHARES, st.sampled_from([1.0, 1.25, 2.0]), st.sampled_from([1.0, 2.5]))
def test_conditional_counts_at_any_height(
    n1: int, n0: int, p0: float, below: float, factor: float, phi: float
) -> None:
    grid = grid_above(factor, 20)
    p1 = min(1.0, factor * p0) * below
    got = means(lambda pair: [log / phi for log in conditional_logs(grid, pair)], n1, n0, p1, p0)
    assert max(got) <= 1 + TOLERANCE


@given(st.floats(0.01, 2.0), st.sampled_from([1.0, 1.25, 3.0]), st.integers(1, 9), st.integers(1, 9))
def test_conditional_counts_are_exact_for_poisson(rate: float, factor: float, n1: int, n0: int) -> None:
    grid = grid_above(factor, 4)
    low, high = rate * n0 / 10, rate * factor * n1 / 10
    total = [0.0] * 4
    for x1, x0 in product(range(60), range(30)):
        chance = poisson(high, x1) * poisson(low, x0)
        logs = conditional_logs(grid, Pair(n1, x1, n0, x0))
        total = [a + chance * math.exp(log) for a, log in zip(total, logs, strict=True)]
    # the tails that are cut off matter for the farthest alternatives only
    assert total[0] == pytest.approx(1.0, abs=1e-6)
    assert max(total) <= 1 + TOLERANCE


@given(SIZES, SIZES, SHARES, SHARES, st.floats(0.001, 0.999), st.sampled_from([1.0, 1.25, 2.0]))
def test_proportions_above(n1: int, n0: int, p0: float, below: float, guess: float, factor: float) -> None:
    grid = grid_above(factor, 6)
    p1 = min(1.0, factor * p0) * below
    got = means(lambda pair: proportion_logs(grid, pair, guess), n1, n0, p1, p0)
    assert max(got) <= 1 + TOLERANCE


@given(SIZES, SIZES, SHARES, SHARES, st.floats(0.001, 0.999), st.sampled_from([0.5, 0.8, 1.0]))
def test_proportions_below(n1: int, n0: int, p0: float, up: float, guess: float, factor: float) -> None:
    grid = grid_below(factor, 6)
    p1 = factor * p0 + (1 - factor * p0) * up
    got = means(lambda pair: proportion_logs(grid, pair, guess), n1, n0, p1, p0)
    assert max(got) <= 1 + TOLERANCE


@given(st.integers(1, 12), st.floats(0.0, 1.0), st.sampled_from([0.001, 0.01, 0.3, 0.9, 0.999]))
def test_one_arm_against_a_limit(n: int, below: float, limit: float) -> None:
    grid = odds_grid(limit, 8)
    p = limit * below
    total = [0.0] * 8
    for x in range(n + 1):
        logs = share_logs(grid, n, x)
        total = [a + binomial(n, x, p) * math.exp(log) for a, log in zip(total, logs, strict=True)]
    assert max(total) <= 1 + TOLERANCE
    assert all(limit < share < 1 for share in grid.alternatives)


@given(SIZES, SIZES, SHARES, SHARES, st.floats(0.0001, 0.9), st.sampled_from([1.5, 2.0, 4.0]))
def test_the_mirror_has_harm_for_its_null(
    n1: int, n0: int, p0: float, up: float, guess: float, ratio: float
) -> None:
    harm = Harm(ratio, 0.05)
    least = max(ratio * p0, p0 + 0.05)
    if least > 1:
        return
    p1 = least + (1 - least) * up
    got = means(lambda pair: [mirror_log(harm, pair, guess)], n1, n0, p1, p0)
    assert max(got) <= 1 + TOLERANCE


@given(SIZES, SIZES, SHARES, st.floats(0.0, 1.0), st.floats(0.001, 0.999))
def test_the_mirror_of_a_share_that_should_be_high(
    n1: int, n0: int, p0: float, down: float, guess: float
) -> None:
    got = means(lambda pair: [mirror_log(Harm(0.5, None), pair, guess)], n1, n0, 0.5 * p0 * down, p0)
    assert max(got) <= 1 + TOLERANCE


def divergence(a: float, b: float) -> float:
    return a * math.log(a / b) + (1 - a) * math.log((1 - a) / (1 - b))


@given(st.integers(1, 300), st.integers(1, 3000), st.floats(1e-6, 0.9), st.floats(0.01, 0.09))
def test_the_nearest_point_on_a_difference(n1: int, n0: int, a: float, difference: float) -> None:
    b = nearest_on_difference(difference, n1, n0, a, a)

    def distance(b0: float) -> float:
        return n0 * divergence(a, b0) + n1 * divergence(a, b0 + difference)

    assert 0 < b <= a
    for other in (b * 0.99, b * 1.01, b * 0.5, min(b * 2, 0.9)):
        assert distance(b) <= distance(other) + 1e-9


@given(st.integers(1, 300), st.integers(1, 3000), st.floats(1e-6, 0.999), st.floats(1e-6, 0.999))
def test_the_nearest_point_on_a_ratio(n1: int, n0: int, a1: float, a0: float) -> None:
    for ratio in (0.5, 1.0, 1.25, 3.0):
        b = nearest_on_ratio(ratio, n1, n0, a1, a0)
        top = min(1, 1 / ratio)
        assert 0 < b < top
        best = n0 * divergence(a0, b) + n1 * divergence(a1, ratio * b)
        for other in (b * 0.98, b + (top - b) * 0.02):
            worse = n0 * divergence(a0, other) + n1 * divergence(a1, ratio * other)
            assert best <= worse * (1 + 1e-9) + 1e-9


@given(st.integers(1, 500), st.integers(1, 5000), st.integers(0, 20), st.integers(0, 20), st.integers(2, 9))
def test_splitting_an_interval_changes_nothing(n1: int, n0: int, x1: int, x0: int, parts: int) -> None:
    grid = grid_above(1.25, 20)
    whole = conditional_logs(grid, Pair(parts * n1, x1, parts * n0, x0))
    split = [0.0] * 20
    for k in range(parts):
        share = Pair(n1, x1 if k == 0 else 0, n0, x0 if k == parts - 1 else 0)
        split = [a + b for a, b in zip(split, conditional_logs(grid, share), strict=True)]
    assert split == pytest.approx(whole, abs=1e-9)


@given(st.integers(1, 500), st.integers(1, 5000), st.integers(0, 20), st.integers(0, 20), st.integers(2, 9))
def test_only_the_ratio_of_requests_matters(n1: int, n0: int, x1: int, x0: int, scale: int) -> None:
    grid = grid_above(1.25, 20)
    once = conditional_logs(grid, Pair(n1, x1, n0, x0))
    assert conditional_logs(grid, Pair(scale * n1, x1, scale * n0, x0)) == pytest.approx(once, abs=1e-9)


@given(st.integers(5, 500), st.integers(5, 5000), st.integers(0, 4), st.integers(0, 4))
def test_more_canary_errors_are_more_evidence(n1: int, n0: int, x1: int, x0: int) -> None:
    grid = grid_above(1.25, 20)
    few, more = (conditional_logs(grid, Pair(n1, x, n0, x0)) for x in (x1, x1 + 1))
    assert all(a <= b for a, b in zip(few, more, strict=True))
    fewer, on_stable = (conditional_logs(grid, Pair(n1, x1, n0, x)) for x in (x0, x0 + 1))
    assert all(a >= b for a, b in zip(fewer, on_stable, strict=True))


@pytest.mark.parametrize("grid", [grid_above(1.25, 20), grid_below(0.8, 8), odds_grid(0.01, 10)])
def test_a_grid_leads_away_from_its_null(grid: Grid) -> None:
    logs = [math.log(alternative / grid.null) for alternative in grid.alternatives]
    assert list(grid.logs) == pytest.approx(logs)
    assert all(log > 0 for log in logs) or all(log < 0 for log in logs)
