"""What must hold of every forecast, whatever the figures."""

from __future__ import annotations

import math
import random
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headgate.core.criteria import ErrorRatio, JudgeSpec
from headgate.core.judge.planner import (
    Stretch,
    Traffic,
    best_ladder,
    forecast,
    ladder_harm,
    measured,
    passage,
    promotion_s,
    stretches,
)
from headgate.core.judge.planner.forecast import smallest
from headgate.core.judge.planner.simulation import binomial, count
from headgate.core.model import Bake, Expose, Prepare, Promote
from headgate.core.model.sample import Arm
from tests.core.judge.traffic import sample

SPEC = JudgeSpec(latency=(), interval_s=5.0)
ALMOST = 1.05
"""What is believed of the dispersion moves in small steps."""
rates = st.floats(1.0, 5000.0)
bases = st.floats(0.0001, 0.05)
weights = st.sampled_from([1.0, 5.0, 10.0, 25.0, 50.0])
factors = st.floats(1.8, 15.0)


def mean_s(traffic: Traffic, weight: float, factor: float, spec: JudgeSpec = SPEC) -> float:
    return passage(spec, traffic, (Stretch(weight, 0.0),), factor).mean_s


@settings(max_examples=20, deadline=None)
@given(rates, bases, weights, factors)
def test_what_is_worse_is_found_sooner(rate: float, base: float, weight: float, factor: float) -> None:
    traffic = Traffic(rate, base)
    sooner, later = mean_s(traffic, weight, factor * 1.3), mean_s(traffic, weight, factor)
    assert sooner <= ALMOST * later + SPEC.interval_s / 2


@settings(max_examples=20, deadline=None)
@given(rates, bases, weights, factors)
def test_more_traffic_and_less_caution_find_it_sooner(
    rate: float, base: float, weight: float, factor: float
) -> None:
    traffic = Traffic(rate, base)
    plain = mean_s(traffic, weight, factor)
    assert mean_s(Traffic(2 * rate, base), weight, factor) <= ALMOST * plain + SPEC.interval_s / 2
    assert (
        mean_s(traffic, weight, factor, JudgeSpec(latency=(), interval_s=5.0, alpha=0.1))
        <= plain + SPEC.interval_s / 2
    )
    assert mean_s(Traffic(rate, base, 3.0), weight, factor) + SPEC.interval_s / 2 >= plain / ALMOST


@settings(max_examples=15, deadline=None)
@given(rates, bases, weights, factors)
def test_chances_rise_with_time(rate: float, base: float, weight: float, factor: float) -> None:
    found = passage(SPEC, Traffic(rate, base), (Stretch(weight, 0.0),), factor)
    times = [found.mean_s * k / 4 for k in range(12)]
    chances = [found.chance(at) for at in times]
    assert chances == sorted(chances)
    assert found.chance(found.quantile_s(0.9)) == pytest.approx(0.9, abs=0.01)
    assert found.quantile_s(0.5) <= found.quantile_s(0.9)


@settings(max_examples=8, deadline=None)
@given(st.floats(10.0, 2000.0), bases, weights)
def test_a_longer_step_sees_smaller_faults(rate: float, base: float, weight: float) -> None:
    traffic, path = Traffic(rate, base), (Stretch(weight, 0.0),)
    seen = [smallest(SPEC, traffic, path, within_s) or math.inf for within_s in (300.0, 3000.0, 30000.0)]
    assert all(later <= ALMOST * sooner for sooner, later in pairwise(seen))
    assert all(factor > 1.25 for factor in seen)


@settings(max_examples=15, deadline=None)
@given(rates, bases, weights)
def test_a_good_version_passes_sooner_with_more_traffic(rate: float, base: float, weight: float) -> None:
    assert (
        promotion_s(SPEC, Traffic(2 * rate, base), weight)
        <= promotion_s(SPEC, Traffic(rate, base), weight) + 5
    )


def test_what_is_allowed_is_never_found() -> None:
    traffic = Traffic(200.0, 0.01)
    assert mean_s(traffic, 10.0, 1.2) == math.inf
    assert mean_s(traffic, 100.0, 5.0) == math.inf
    assert mean_s(traffic, 10.0, 5.0, JudgeSpec(error_ratio=None)) == math.inf
    assert mean_s(traffic, 10.0, 5.0, JudgeSpec(error_ratio=ErrorRatio(weight=0.0))) == math.inf


def test_other_metrics_take_their_part_of_the_budget() -> None:
    traffic = Traffic(200.0, 0.001)
    assert mean_s(traffic, 10.0, 5.0, JudgeSpec(interval_s=5.0)) > mean_s(traffic, 10.0, 5.0)


def test_only_steps_with_two_arms_are_foretold() -> None:
    steps = (
        Prepare(1),
        Expose(),
        Bake(1, 5),
        Expose(5),
        Bake(60, 300),
        Expose(100),
        Bake(30, 150),
        Promote(),
    )
    assert stretches(steps) == ((5, Bake(60, 300)),)


def test_a_step_that_cannot_see_a_doubling_says_what_would() -> None:
    (step,) = forecast(SPEC, Traffic(2.0, 0.01), ((5, Bake(600.0, 600.0)),)).steps
    assert step.sights[0].chance < 0.01
    assert step.doubling_s is not None
    assert step.doubling_half_s is not None
    assert 600 < step.doubling_half_s < step.doubling_s
    (seeing,) = forecast(SPEC, Traffic(2000.0, 0.01), ((50, Bake(600.0, 600.0)),)).steps
    assert seeing.doubling_s is None
    assert seeing.smallest is not None
    assert seeing.smallest < 2


def test_nobody_can_be_more_than_all_bad() -> None:
    (step,) = forecast(SPEC, Traffic(100.0, 0.3), ((10, Bake(600.0, 600.0)),)).steps
    assert [sight.factor for sight in step.sights] == [2.0]


def test_the_proposed_ladder_is_as_long_as_asked_and_does_less_harm() -> None:
    traffic = Traffic(200.0, 0.001)
    ladder = best_ladder(SPEC, traffic, 1800.0)
    assert sum(step.seconds for step in ladder.steps) == pytest.approx(1800.0)
    assert [step.weight for step in ladder.steps] == sorted(step.weight for step in ladder.steps)
    today = (Stretch(5, 600.0), Stretch(25, 600.0), Stretch(50, 600.0))
    assert ladder.harm <= ladder_harm(SPEC, traffic, today)


def test_traffic_is_measured_from_samples() -> None:
    rng = random.Random(2)
    samples = [
        sample(Arm(900, binomial(rng.random, 900, 0.01)), Arm(100, 9), interval_s=5.0) for _ in range(200)
    ]
    seen = measured([sample(None, Arm(5, 5)), *samples])
    assert seen is not None
    assert seen.rate == pytest.approx(200.0)
    assert seen.base == pytest.approx(0.01, rel=0.1)
    assert 1 <= seen.phi < 1.5
    assert measured(samples[:0]) is None


def test_counts_have_the_dispersion_they_should() -> None:
    rng = random.Random(3)
    for n, share, phi in ((1000, 0.01, 1.0), (1000, 0.01, 4.0), (100_000, 0.01, 1.0)):
        seen = [count(rng.random, n, share, phi) for _ in range(3000)]
        mean = sum(seen) / len(seen)
        variance = sum((x - mean) ** 2 for x in seen) / len(seen)
        assert mean == pytest.approx(n * share, rel=0.05)
        assert variance == pytest.approx(phi * mean, rel=0.15)
