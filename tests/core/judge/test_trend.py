"""The test for a rise: exact while values are exchangeable, quick where they rise, bounded in what it remembers."""

from __future__ import annotations

import random
from itertools import permutations

import pytest

from headgate.core.judge.evidence.gauges import MEMORY, Trend, extend, rank_factor, slope


def fed(values: list[float]) -> Trend:
    trend = Trend()
    for value in values:
        trend = extend(trend, value)
    return trend


@pytest.mark.parametrize("n", [2, 3, 5, 7])
def test_its_mean_is_one_over_all_orders(n: int) -> None:
    """Every order of n values is as likely: the mean of the product over all of them is 1, exactly."""
    orders = list(permutations([float(k) for k in range(n)]))
    assert sum(fed(list(order)).wealth for order in orders) / len(orders) == pytest.approx(1.0)


def test_equal_values_are_no_rise() -> None:
    assert fed([5.0] * 30).e_value <= 1.0
    assert rank_factor([1.0, 1.0], 1.0) < 1.0


def test_a_steady_rise_is_plain_after_ten_values() -> None:
    trend = fed([100.0 + 0.01 * k for k in range(10)])
    assert trend.e_value > 100
    assert slope(trend) == pytest.approx(0.01)


def test_it_falls_as_silently_as_it_stays() -> None:
    assert fed([100.0 - k for k in range(40)]).e_value < 1.0


def test_what_is_remembered_is_bounded_and_a_slow_rise_is_found_for_all_that() -> None:
    rng = random.Random(3)
    trend = fed([100.0 + 0.05 * k + rng.gauss(0.0, 10.0) for k in range(1000)])
    assert len(trend.values) < MEMORY
    assert trend.span == 32
    assert trend.e_value > 100
    assert slope(trend) == pytest.approx(0.05, rel=0.3)


def test_false_alarms_among_independent_values() -> None:
    """At most 1 in 100, at whatever moment one looks."""
    alarms = 0
    for seed in range(300):
        rng, trend, highest = random.Random(seed), Trend(), 1.0
        for _ in range(120):
            trend = extend(trend, rng.lognormvariate(0.0, 1.0))
            highest = max(highest, trend.e_value)
        alarms += highest >= 100
    assert alarms <= 6
