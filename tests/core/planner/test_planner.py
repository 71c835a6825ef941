"""What must hold of every forecast, whatever the figures."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from itertools import combinations, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headgate.core.judge.planner import (
    Stretch,
    Traffic,
    Watched,
    Workload,
    best_ladder,
    forecast,
    ladder_harm,
    measured,
    passage,
    promotion_s,
    soonest,
    stretches,
    watched,
)
from headgate.core.judge.planner.forecast import smallest
from headgate.core.judge.planner.ladder import WEIGHTS, search_of
from headgate.core.judge.planner.simulation import binomial, count
from headgate.core.machine.steps import Bake, Expose, Prepare, Promote
from headgate.core.model.criteria import ErrorRatio, JudgeSpec, Latency, MeanCriterion
from headgate.core.model.sample import Arm, Histogram, Mean
from tests.core.judge.traffic import sample

SPEC = JudgeSpec((ErrorRatio(),), interval_s=5.0)
ALMOST = 1.05
"""What is believed of the dispersion moves in small steps."""
rates = st.floats(1.0, 5000.0)
bases = st.floats(0.0001, 0.05)
weights = st.sampled_from([1.0, 5.0, 10.0, 25.0, 50.0])
factors = st.floats(1.8, 15.0)


def errors_of(traffic: Traffic, spec: JudgeSpec = SPEC) -> tuple[Watched, ...]:
    return tuple(way for way in watched(spec, Workload(traffic)) if way.signal == "errors")


def mean_s(traffic: Traffic, weight: float, factor: float, spec: JudgeSpec = SPEC) -> float:
    ways = errors_of(traffic, spec)
    return soonest(ways, (Stretch(weight, 0.0),), factor)[1].mean_s if ways else math.inf


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
        mean_s(traffic, weight, factor, JudgeSpec((ErrorRatio(),), interval_s=5.0, alpha=0.1))
        <= plain + SPEC.interval_s / 2
    )
    assert mean_s(Traffic(rate, base, 3.0), weight, factor) + SPEC.interval_s / 2 >= plain / ALMOST


@settings(max_examples=15, deadline=None)
@given(rates, bases, weights, factors)
def test_chances_rise_with_time(rate: float, base: float, weight: float, factor: float) -> None:
    found = passage(errors_of(Traffic(rate, base))[0], (Stretch(weight, 0.0),), factor)
    times = [found.mean_s * k / 4 for k in range(12)]
    chances = [found.chance(at) for at in times]
    assert chances == sorted(chances)
    assert found.chance(found.quantile_s(0.9)) == pytest.approx(0.9, abs=0.01)
    assert found.quantile_s(0.5) <= found.quantile_s(0.9)


@settings(max_examples=8, deadline=None)
@given(st.floats(10.0, 2000.0), bases, weights)
def test_a_longer_step_sees_smaller_faults(rate: float, base: float, weight: float) -> None:
    traffic, path = Traffic(rate, base), (Stretch(weight, 0.0),)
    ways = errors_of(traffic)
    seen = [smallest(ways, path, within_s) or math.inf for within_s in (300.0, 3000.0, 30000.0)]
    assert all(later <= ALMOST * sooner for sooner, later in pairwise(seen))
    assert all(factor > 1.25 for factor in seen)


@settings(max_examples=15, deadline=None)
@given(rates, bases, weights)
def test_a_good_version_passes_sooner_with_more_traffic(rate: float, base: float, weight: float) -> None:
    assert (
        promotion_s(SPEC, Workload(Traffic(2 * rate, base)), weight)
        <= promotion_s(SPEC, Workload(Traffic(rate, base)), weight) + 5
    )


def test_what_is_allowed_is_never_found() -> None:
    traffic = Traffic(200.0, 0.01)
    assert mean_s(traffic, 10.0, 1.2) == math.inf
    assert mean_s(traffic, 100.0, 5.0) == math.inf
    assert mean_s(traffic, 10.0, 5.0, JudgeSpec((Latency(),))) == math.inf
    assert mean_s(traffic, 10.0, 5.0, JudgeSpec((ErrorRatio(weight=0.0), Latency()))) == math.inf


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
    (step,) = forecast(SPEC, Workload(Traffic(2.0, 0.01)), ((5, Bake(600.0, 600.0)),)).steps
    (errors,) = step.signals
    assert errors.sights[0].chance < 0.01
    assert errors.doubling_s is not None
    assert errors.doubling_half_s is not None
    assert 600 < errors.doubling_half_s < errors.doubling_s
    (seeing,) = forecast(SPEC, Workload(Traffic(2000.0, 0.01)), ((50, Bake(600.0, 600.0)),)).steps
    (errors,) = seeing.signals
    assert errors.doubling_s is None
    assert errors.smallest is not None
    assert errors.smallest < 2


def test_nobody_can_be_more_than_all_bad() -> None:
    (step,) = forecast(SPEC, Workload(Traffic(100.0, 0.3)), ((10, Bake(600.0, 600.0)),)).steps
    assert [sight.factor for sight in step.signals[0].sights] == [2.0]


WHOLE = JudgeSpec(
    (
        ErrorRatio(max=0.01),
        Latency(max_ms=250.0),
        MeanCriterion("orders", limit=0.4),
        MeanCriterion("refunds", higher_is_better=False),
    ),
    interval_s=5.0,
)
SHOP = Workload(
    Traffic(200.0, 0.001),
    ((50.0, 0.05), (100.0, 0.008), (250.0, 0.001)),
    (("orders", Traffic(10.0, 0.6)), ("refunds", Traffic(10.0, 0.02))),
)


def test_every_signal_is_foretold_in_every_step() -> None:
    seen = forecast(WHOLE, SHOP, ((5, Bake(600.0, 600.0)), (50, Bake(600.0, 600.0))))
    names = ["errors", "latency_p99", "orders", "refunds"]
    assert [[signal.signal for signal in step.signals] for step in seen.steps] == [names, names]
    assert [signal.signal for signal in seen.whole] == names
    for signal in seen.steps[0].signals:
        times = [sight.mean_s for sight in signal.sights]
        assert times == sorted(times, reverse=True)
        assert all(math.isfinite(at) for at in times)
        assert signal.smallest is None or signal.smallest > 1
    assert seen.unknown == ()


def test_what_nothing_is_known_of_is_said_to_be_left_out() -> None:
    seen = forecast(WHOLE, Workload(Traffic(200.0, 0.001)), ((5, Bake(600.0, 600.0)),))
    assert [signal.signal for signal in seen.whole] == ["errors", "latency_p99"]
    assert seen.unknown == ("latency_p99 limit", "orders", "refunds")


def test_a_margin_in_milliseconds_lets_more_pass() -> None:
    def slow_found(slower_ms: float | None) -> float:
        spec = JudgeSpec((Latency(slower_ms=slower_ms),), interval_s=5.0)
        ways = watched(spec, Workload(SHOP.errors, SHOP.slow))
        return soonest(ways, (Stretch(10.0, 0.0),), 5.0)[1].mean_s

    assert slow_found(None) < slow_found(40.0)
    blind = JudgeSpec((Latency(slower_ms=40.0),))
    assert watched(blind, Workload(SHOP.errors)) == ()
    seen = forecast(blind, Workload(SHOP.errors), ((5, Bake(600.0, 600.0)),))
    assert seen.unknown == ("latency_p99 margin",)


def test_a_limit_is_charged_only_while_stable_keeps_it() -> None:
    def limited(base: float) -> Watched:
        return errors_of(Traffic(200.0, base), WHOLE)[1]

    path = (Stretch(10.0, 0.0),)
    assert passage(limited(0.02), path, 5.0).mean_s == math.inf
    assert passage(limited(0.001), path, 5.0).mean_s == math.inf  # 0.5% is under the limit of 1%
    far, near = (passage(limited(base), path, 0.03 / base) for base in (0.001, 0.0099))
    assert math.isfinite(far.mean_s)
    assert near.mean_s > 1.2 * far.mean_s  # stable itself breaks it in many an interval


def test_a_limit_that_is_broken_is_found_sooner_than_the_ratio_alone() -> None:
    relative, limit = errors_of(Traffic(200.0, 0.004), WHOLE)
    path = (Stretch(5.0, 0.0),)
    assert soonest((relative, limit), path, 10.0)[1].mean_s == min(
        passage(relative, path, 10.0).mean_s, passage(limit, path, 10.0).mean_s
    )


def test_the_proposed_ladder_is_as_long_as_asked_and_does_less_harm() -> None:
    workload = Workload(Traffic(200.0, 0.001))
    ladder = best_ladder(SPEC, workload, 1800.0)
    assert sum(step.seconds for step in ladder.steps) == pytest.approx(1800.0)
    assert [step.weight for step in ladder.steps] == sorted(step.weight for step in ladder.steps)
    assert ladder.enough
    today = (Stretch(5, 600.0), Stretch(25, 600.0), Stretch(50, 600.0))
    assert ladder.harm <= ladder_harm(SPEC, workload, today)


def test_no_ladder_of_a_small_grid_is_much_better() -> None:
    workload, within_s = Workload(Traffic(20.0, 0.01)), 3600.0
    search = search_of(SPEC, workload, within_s)
    grid = [path for path in _every_ladder(within_s, parts=5) if search.allows(path)]
    least = min(search.cost(path) for path in grid)
    assert len(grid) > 50
    ladder = best_ladder(SPEC, workload, within_s)
    assert search.cost(ladder.steps) <= 1.02 * least
    assert best_ladder(SPEC, workload, within_s) == ladder


def _every_ladder(within_s: float, parts: int) -> Iterator[tuple[Stretch, ...]]:
    """All ladders of rising weights whose bakes are so many parts of the time."""
    for n in range(1, 4):
        for weights in combinations(WEIGHTS, n):
            for cuts in combinations(range(1, parts), n - 1):
                ends = [0, *cuts, parts]
                lengths = [(high - low) * within_s / parts for low, high in pairwise(ends)]
                yield tuple(Stretch(w, s) for w, s in zip(weights, lengths, strict=True))


def test_a_time_too_short_for_any_good_version_is_said_so() -> None:
    ladder = best_ladder(SPEC, Workload(Traffic(0.2, 0.01)), 60.0)
    assert not ladder.enough
    assert [step.weight for step in ladder.steps] == [50]


def test_traffic_is_measured_from_samples() -> None:
    rng = random.Random(2)
    samples = [
        sample(Arm(900, binomial(rng.random, 900, 0.01)), Arm(100, 9), interval_s=5.0) for _ in range(200)
    ]
    seen = measured([sample(None, Arm(5, 5)), *samples])
    assert seen is not None
    assert seen.errors.rate == pytest.approx(200.0)
    assert seen.errors.base == pytest.approx(0.01, rel=0.1)
    assert 1 <= seen.errors.phi < 1.5
    assert (seen.slow, seen.signals) == ((), ())
    assert measured(samples[:0]) is None


def test_latency_and_business_signals_are_measured_too() -> None:
    stable = Arm(900, 1, Histogram((50.0, 100.0), (810, 882)), means={"orders": Mean(54.0, 90)})
    canary = Arm(100, 0, Histogram((50.0, 100.0), (90, 98)), means={"orders": Mean(1.0, 10)})
    odd = Arm(900, 1, Histogram((50.0, 100.0), (882, 810)), means={"orders": Mean(math.nan, 90)})
    good = [sample(stable, canary, interval_s=5.0)] * 9
    seen = measured([*good, sample(odd, canary, interval_s=5.0)])
    assert seen is not None
    assert [le for le, _ in seen.slow] == [50.0, 100.0]
    assert [share for _, share in seen.slow] == pytest.approx([0.1, 0.02])
    ((name, orders),) = seen.signals
    assert name == "orders"
    assert orders.base == pytest.approx(0.6)
    assert orders.rate == pytest.approx(18.0)  # 100 cases in nine of ten intervals of 5 s


def test_counts_have_the_dispersion_they_should() -> None:
    rng = random.Random(3)
    for n, share, phi in ((1000, 0.01, 1.0), (1000, 0.01, 4.0), (100_000, 0.01, 1.0)):
        seen = [count(rng.random, n, share, phi) for _ in range(3000)]
        mean = sum(seen) / len(seen)
        variance = sum((x - mean) ** 2 for x in seen) / len(seen)
        assert mean == pytest.approx(n * share, rel=0.05)
        assert variance == pytest.approx(phi * mean, rel=0.15)
