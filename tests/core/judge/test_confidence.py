"""The ratio's interval that is valid at any time."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from headgate.core.judge.evidence.confidence import LEVEL, SMALLEST, log_mixture, ratio_interval
from headgate.core.judge.evidence.counts import Pair, conditional_logs, share
from headgate.core.judge.evidence.process import Grid
from headgate.core.model.criteria import ErrorRatio, JudgeSpec, Latency, MeanCriterion
from headgate.core.model.sample import Mean
from tests.core.judge.traffic import arm, bad, judged, sample

COUNTS = st.integers(0, 400)
FORMS = pytest.mark.parametrize("exact", [False, True])


def test_nothing_seen_bounds_nothing() -> None:
    assert ratio_interval(Pair(0, 0, 0, 0)) == (None, None)
    assert ratio_interval(Pair(0, 0, 900, 3)) == (None, None)


def test_no_errors_bound_nothing() -> None:
    assert ratio_interval(Pair(100, 0, 900, 0)) == (None, None)


@given(COUNTS, COUNTS, st.integers(0, 100_000), st.integers(0, 100_000), st.floats(1, 50), st.booleans())
def test_the_estimate_is_inside(x1: int, x0: int, good1: int, good0: int, phi: float, exact: bool) -> None:  # noqa: FBT001
    pair = Pair(x1 + good1, x1, x0 + good0, x0)
    low, high = ratio_interval(pair, phi, exact=exact)
    canary, stable = share(x1, pair.canary_n), share(x0, pair.stable_n)
    if canary is not None and stable:
        ratio = canary / stable
        assert low is None or low <= ratio
        assert high is None or high >= ratio
        assert x1 or low is None


@given(st.floats(0, 100), st.floats(0, 100), st.floats(0.1, 1000), st.floats(0.1, 1000))
def test_quantities_that_are_not_whole(x1: float, x0: float, more1: float, more0: float) -> None:
    pair = Pair(math.ceil(x1 + more1), x1, math.ceil(x0 + more0), x0)
    low, high = ratio_interval(pair, exact=True)
    ratio = x1 * pair.stable_n / (x0 * pair.canary_n) if x0 > SMALLEST else math.inf
    assert (low or 0) <= ratio
    assert x1 <= SMALLEST or ratio <= (high or math.inf)


def ever_missed(rng: random.Random, ratio: float, stable: float, *, exact: bool, burst: int) -> bool:
    """Whether the interval of one step ever excluded the truth, while both arms' shares go up and down together."""
    counts, day = [0, 0, 0, 0], 1.0
    for k in range(40):
        day = (0.3, 1.0, 1.6)[k // 8 % 3]
        n1, n0 = 40 + rng.randrange(20), 300 + rng.randrange(100)
        p = stable * day / burst
        x1, x0 = (min(n, burst * bad(rng, n, share)) for n, share in ((n1, ratio * p), (n0, p)))
        counts = [a + b for a, b in zip(counts, (n1, x1, n0, x0), strict=True)]
        low, high = ratio_interval(Pair(*counts), float(burst), exact=exact)
        if (low or 0) > ratio or (high or math.inf) < ratio:
            return True
    return False


@pytest.mark.parametrize(
    ("ratio", "stable", "exact", "burst"),
    [
        (0.5, 0.02, False, 1),
        (1.0, 0.02, False, 1),
        (4.0, 0.02, False, 1),
        (2.0, 0.02, False, 3),
        (1.0, 0.3, False, 1),
        (1.0, 0.3, True, 1),
        (0.8, 0.5, True, 1),
    ],
)
def test_it_covers_the_truth_at_all_times(ratio: float, stable: float, exact: bool, burst: int) -> None:  # noqa: FBT001
    rng, runs = random.Random(11), 80
    missed = sum(ever_missed(rng, ratio, stable, exact=exact, burst=burst) for _ in range(runs))
    assert missed / runs <= LEVEL


@FORMS
def test_it_closes_in(exact: bool) -> None:  # noqa: FBT001
    low, high = ratio_interval(Pair(30_000, 1800, 30_000, 600), exact=exact)
    assert low is not None
    assert high is not None
    assert 2.3 < low < 3 < high < 3.9


def test_proportions_are_the_sharper_ones_at_high_shares() -> None:
    pair = Pair(1000, 870, 5000, 4500)
    (low, high), (wide_low, wide_high) = (ratio_interval(pair, exact=exact) for exact in (True, False))
    assert None not in (low, high, wide_low, wide_high)
    assert (high or 0) - (low or 0) < 0.5 * ((wide_high or 0) - (wide_low or 0))


@FORMS
def test_without_an_error_on_stable_it_is_open_above(exact: bool) -> None:  # noqa: FBT001
    low, high = ratio_interval(Pair(200, 40, 1800, 0), exact=exact)
    assert low is not None
    assert low > 5
    assert high is None


@FORMS
def test_without_an_error_on_the_canary_it_is_open_below(exact: bool) -> None:  # noqa: FBT001
    low, high = ratio_interval(Pair(2000, 0, 2000, 40), exact=exact)
    assert low is None
    assert high is not None
    assert high < 0.5


SLOW = (0.35, 0.3, 0.2, 0.07, 0.035, 0.03, 0.015, 0.0, 0.0)


def test_every_compared_metric_shows_it() -> None:
    rng = random.Random(3)
    spec = JudgeSpec((ErrorRatio(), Latency(), MeanCriterion("orders")), promote=False)
    seconds = [
        sample(
            replace(arm(rng, 180, 0.05, SLOW), means={"orders": Mean(80, 90)}),
            replace(arm(rng, 60, 0.05, SLOW), means={"orders": Mean(25, 30)}),
            at=float(k),
            weight=25,
        )
        for k in range(40)
    ]
    _, verdicts = judged(spec, seconds)
    assert [m.metric for m in verdicts[-1].metrics] == ["error_ratio", "latency_p99", "orders"]
    for metric in verdicts[-1].metrics:
        assert metric.low is not None
        ratio = metric.ratio or math.inf  # nothing over that bound on stable
        assert metric.low < ratio
        assert ratio == math.inf or (metric.high is not None and ratio < metric.high)


def exact_mixture(x1: int, x0: int) -> float:
    return math.gamma(x1 + 0.5) * math.gamma(x0 + 0.5) / math.gamma(x1 + x0 + 1) / math.pi


@given(st.integers(0, 40), st.integers(0, 40), st.integers(1, 500), st.integers(1, 500))
def test_the_closed_form_is_the_limit_of_the_grids(x1: int, x0: int, n1: int, n0: int) -> None:
    """The Beta mixture against "the ratio is 1" agrees exactly with an equal mixture over a grid of ratios.

    The grid's points are the quantiles of Beta(1/2, 1/2): Gauss and Chebyshev's nodes, whose equal mean is the integral
    of any polynomial of a degree under twice their number; q^x1 (1-q)^x0 is one.
    """
    points = x1 + x0 + 2
    nodes = [math.sin(math.pi * (k + 0.5) / (2 * points)) ** 2 for k in range(points)]
    ratios = [q / (1 - q) * n0 / n1 for q in nodes]
    grid = Grid(1.0, tuple(ratios), (), tuple((math.log(r), r - 1) for r in ratios))
    pair = Pair(n1, x1, n0, x0)
    by_grid = sum(math.exp(log) for log in conditional_logs(grid, pair)) / points
    null = n1 / (n1 + n0)
    closed = math.exp(log_mixture(x1, x0) - x1 * math.log(null) - x0 * math.log1p(-null))
    assert by_grid == pytest.approx(closed, rel=1e-8)
    assert exact_mixture(x1, x0) == pytest.approx(math.exp(log_mixture(x1, x0)), rel=1e-9)
