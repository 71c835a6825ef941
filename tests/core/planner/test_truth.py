"""The planner's figures against the real judge's: within 15% on average, and 25% at the 90th percentile."""

from __future__ import annotations

import random

import pytest

from headgate.core.judge.planner import (
    Stretch,
    Traffic,
    Workload,
    forecast,
    passage,
    promotion_s,
    soonest,
    watched,
)
from headgate.core.judge.planner.forecast import found_by
from headgate.core.machine.steps import Bake
from headgate.core.model.criteria import ErrorRatio, JudgeSpec, MeanCriterion
from tests.core.planner.truth import found_after, judged_after, passes_after

RUNS = 250
MEAN, TAIL = 0.15, 0.25
CELLS = [
    # requests/s, share that fails, weight, times worse, seconds of an interval, declared dispersion
    (200.0, 0.001, 5.0, 5.0, 5.0, None),
    (200.0, 0.001, 5.0, 10.0, 5.0, None),
    (200.0, 0.001, 50.0, 5.0, 5.0, None),
    (1000.0, 0.01, 10.0, 2.0, 5.0, None),
    (1000.0, 0.01, 10.0, 2.0, 5.0, 1.0),
    (50.0, 0.02, 10.0, 2.0, 15.0, 1.0),
    (50.0, 0.01, 25.0, 3.0, 15.0, None),
    (2.0, 0.01, 50.0, 5.0, 15.0, None),
    (200.0, 0.05, 10.0, 3.0, 5.0, None),
]


@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_a_fault_is_found_when_it_was_foretold(
    cell: tuple[float, float, float, float, float, float | None],
) -> None:
    rate, base, weight, factor, interval_s, phi = cell
    spec = JudgeSpec((ErrorRatio(),), interval_s=interval_s, dispersion=phi)
    traffic = Traffic(rate, base)
    (way,) = watched(spec, Workload(traffic))
    deadline = 20 * passage(way, (Stretch(weight, 0.0),), factor).mean_s
    true = found_after(spec, traffic, weight, factor, RUNS, deadline)
    _, told = found_by((way,), (Stretch(weight, 0.0),), factor, (random.Random(5).random, False))
    assert told.mean_s == pytest.approx(sum(true) / RUNS, rel=MEAN)
    assert told.quantile_s(0.9) == pytest.approx(true[int(0.9 * RUNS)], rel=TAIL)


@pytest.mark.parametrize("cell", [CELLS[0], CELLS[1], CELLS[5]], ids=str)
def test_so_it_is_beside_a_fresh_baseline(
    cell: tuple[float, float, float, float, float, float | None],
) -> None:
    rate, base, weight, factor, interval_s, phi = cell
    spec = JudgeSpec((ErrorRatio(),), interval_s=interval_s, dispersion=phi)
    traffic, path = Traffic(rate, base), (Stretch(weight, 0.0),)
    (way,), (plain,) = (watched(spec, Workload(traffic, fresh=fresh)) for fresh in (True, False))
    deadline = 20 * passage(way, path, factor).mean_s
    true = found_after(spec, traffic, weight, factor, RUNS, deadline, fresh=True)
    _, told = found_by((way,), path, factor, (random.Random(5).random, False))
    assert told.mean_s == pytest.approx(sum(true) / RUNS, rel=MEAN)
    assert told.quantile_s(0.9) == pytest.approx(true[int(0.9 * RUNS)], rel=TAIL)
    assert told.mean_s > passage(plain, path, factor).mean_s, "what it is compared with is less"


LIMITED = JudgeSpec((ErrorRatio(max=0.02),), interval_s=5.0)
ORDERS = JudgeSpec((ErrorRatio(), MeanCriterion("orders")), interval_s=5.0)
COMPLAINTS = JudgeSpec((ErrorRatio(), MeanCriterion("complaints", higher_is_better=False)), interval_s=5.0)
OTHER_CELLS = [
    # spec, errors, signals, the signal that gets worse, weight, times worse
    (LIMITED, Traffic(100.0, 0.01), (), "errors", 10.0, 4.0),
    (ORDERS, Traffic(50.0, 0.001), (("orders", Traffic(10.0, 0.6)),), "orders", 25.0, 1.8),
    (COMPLAINTS, Traffic(50.0, 0.001), (("complaints", Traffic(20.0, 0.05)),), "complaints", 25.0, 3.0),
]


@pytest.mark.parametrize("cell", OTHER_CELLS, ids=["limit", "orders", "complaints"])
def test_what_other_criteria_find_is_foretold_too(
    cell: tuple[JudgeSpec, Traffic, tuple[tuple[str, Traffic], ...], str, float, float],
) -> None:
    spec, errors, signals, signal, weight, factor = cell
    workload, runs, path = Workload(errors, (), signals), 60, (Stretch(cell[4], 0.0),)
    ways = tuple(way for way in watched(spec, workload) if way.signal == signal)
    way, _ = soonest(ways, path, factor)
    _, told = found_by(ways, path, factor, (random.Random(5).random, False))
    true = judged_after(spec, workload, way, weight, factor, runs)
    assert told.mean_s == pytest.approx(sum(true) / runs, rel=0.3)


def test_bursts_of_errors_cost_what_was_foretold() -> None:
    spec, traffic = JudgeSpec((ErrorRatio(),), interval_s=5.0), Traffic(500.0, 0.01, 2.5)
    ways, path = watched(spec, Workload(traffic)), (Stretch(10.0, 0.0),)
    _, told = found_by(ways, path, 3.0, (random.Random(5).random, False))
    true = found_after(spec, traffic, 10.0, 3.0, RUNS, 20 * told.mean_s)
    assert told.mean_s == pytest.approx(sum(true) / RUNS, rel=0.3)


@pytest.mark.parametrize(
    ("rate", "base", "weight"), [(20.0, 0.001, 5.0), (50.0, 0.02, 10.0), (20.0, 0.01, 50.0)]
)
def test_a_good_version_passes_when_it_was_foretold(rate: float, base: float, weight: float) -> None:
    spec, traffic = JudgeSpec((ErrorRatio(),), interval_s=2.0), Traffic(rate, base)
    told = promotion_s(spec, Workload(traffic), weight)
    true = passes_after(spec, traffic, weight, 60, 20 * told)
    assert told == pytest.approx(true, rel=0.35, abs=2 * spec.interval_s)


def test_where_few_errors_decide_the_forecast_is_simulated() -> None:
    spec, bakes = JudgeSpec((ErrorRatio(),), interval_s=5.0, dispersion=1.0), ((5, Bake(600.0, 600.0)),)
    workload = Workload(Traffic(200.0, 0.001))
    closed = forecast(spec, workload, bakes)
    counted = forecast(spec, workload, bakes, random.Random(1).random)
    assert not any(sight.simulated for sight in closed.steps[0].signals[0].sights)
    assert [sight.simulated for sight in counted.steps[0].signals[0].sights] == [False, False, True]
    assert forecast(spec, workload, bakes, random.Random(1).random) == counted
    _, asked = found_by(watched(spec, workload), (Stretch(5.0, 0.0),), 5.0, (random.Random(1).random, True))
    assert asked.quantiles
