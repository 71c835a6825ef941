"""The planner's figures against the real judge's: within 15% on average, and 25% at the 90th percentile."""

from __future__ import annotations

import random

import pytest

from headgate.core.criteria import JudgeSpec
from headgate.core.judge.planner import Stretch, Traffic, forecast, passage, promotion_s, simulated
from headgate.core.model import Bake
from tests.core.planner.truth import found_after, passes_after

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
    spec = JudgeSpec(latency=(), interval_s=interval_s, dispersion=phi)
    traffic = Traffic(rate, base)
    deadline = 20 * passage(spec, traffic, (Stretch(weight, 0.0),), factor).mean_s
    true = found_after(spec, traffic, weight, factor, RUNS, deadline)
    told = _told(spec, traffic, weight, factor)
    assert told[0] == pytest.approx(sum(true) / RUNS, rel=MEAN)
    assert told[1] == pytest.approx(true[int(0.9 * RUNS)], rel=TAIL)


def _told(spec: JudgeSpec, traffic: Traffic, weight: float, factor: float) -> tuple[float, float]:
    """What the planner says, be it by its closed form or, where few errors decide, by its own simulation."""
    path, draw = (Stretch(weight, 0.0),), random.Random(5).random
    closed = passage(spec, traffic, path, factor)
    if closed.errors >= 10 and closed.intervals >= 4:
        return closed.mean_s, closed.quantile_s(0.9)
    counted = simulated(spec, traffic, path, factor, closed.mean_s, draw)
    return counted.mean_s, counted.quantile_s(0.9)


def test_bursts_of_errors_cost_what_was_foretold() -> None:
    spec, traffic = JudgeSpec(latency=(), interval_s=5.0), Traffic(500.0, 0.01, 2.5)
    told = passage(spec, traffic, (Stretch(10.0, 0.0),), 3.0)
    true = found_after(spec, traffic, 10.0, 3.0, RUNS, 20 * told.mean_s)
    assert told.mean_s == pytest.approx(sum(true) / RUNS, rel=0.3)


@pytest.mark.parametrize(
    ("rate", "base", "weight"), [(20.0, 0.001, 5.0), (50.0, 0.02, 10.0), (20.0, 0.01, 50.0)]
)
def test_a_good_version_passes_when_it_was_foretold(rate: float, base: float, weight: float) -> None:
    spec, traffic = JudgeSpec(latency=(), interval_s=2.0), Traffic(rate, base)
    told = promotion_s(spec, traffic, weight)
    true = passes_after(spec, traffic, weight, 60, 20 * told)
    assert told == pytest.approx(true, rel=0.35, abs=2 * spec.interval_s)


def test_where_few_errors_decide_the_forecast_is_simulated() -> None:
    spec, bakes = JudgeSpec(latency=(), interval_s=5.0, dispersion=1.0), ((5, Bake(600.0, 600.0)),)
    traffic = Traffic(200.0, 0.001)
    closed = forecast(spec, traffic, bakes)
    counted = forecast(spec, traffic, bakes, random.Random(1).random)
    assert not any(sight.simulated for sight in closed.steps[0].sights)
    assert [sight.simulated for sight in counted.steps[0].sights] == [False, False, True]
    assert forecast(spec, traffic, bakes, random.Random(1).random) == counted
    assert all(
        s.simulated for s in forecast(spec, traffic, bakes, random.Random(1).random, simulate=True).whole
    )
