"""Deadlines that nobody declared: the time in which a good version passes, by what was measured of the traffic."""

from __future__ import annotations

import math
import random

import pytest
from msgspec.structs import replace

from headgate.core.judge.judge import observe, start
from headgate.core.judge.planner import passing_s, promotion_s
from headgate.core.judge.planner.promotion import poisson_s
from headgate.core.judge.traffic import Traffic, Workload
from headgate.core.machine.steps import Bake
from headgate.core.model import Arm, Intent, Listener, Rollout, Sample, Stage
from headgate.core.model.criteria import ErrorRatio, JudgeSpec, Saturation
from headgate.core.release.deadlines import MOST, SPARE
from headgate.core.release.planning import Policies, plan
from tests.core.ride import NEW, OLD, WEB

SPEC = JudgeSpec((ErrorRatio(),), interval_s=1.0)
BUSY, SLOW = Workload(Traffic(2000.0, 0.001)), Workload(Traffic(8.0, 0.001))


def deadlines(stages: tuple[Stage, ...], workload: Workload | None, spec: JudgeSpec = SPEC) -> list[float]:
    asked = Intent(WEB, NEW, Listener(8000), Rollout(stages=stages), spec)
    drawn = plan((asked,), {WEB: OLD}, Policies(), workloads={} if workload is None else {WEB: workload})
    return [step.deadline_s for step in drawn.legs[0].steps if isinstance(step, Bake)]


TEN, HALF = Stage(weight=10, bake_s=10.0), Stage(weight=50, bake_s=60.0)


def test_without_measurements_it_is_five_times_the_bake() -> None:
    assert deadlines((TEN, HALF), None) == [50.0, 300.0, 30.0]


def test_with_much_traffic_it_stays_so() -> None:
    assert deadlines((TEN, HALF), BUSY) == [50.0, 300.0, 30.0]


def test_with_little_traffic_a_good_version_gets_the_time_it_takes() -> None:
    ten, half, whole = deadlines((TEN, HALF), SLOW)
    spec = replace(SPEC, ahead=((0, 50),))
    assert ten == SPARE * passing_s(spec, SLOW, 10, 0.5)
    assert ten > 100.0
    assert (half, whole) == (300.0, 30.0)


def test_what_was_declared_is_kept() -> None:
    assert deadlines((replace(TEN, deadline_s=20.0), HALF), SLOW)[0] == 20.0
    assert deadlines((replace(TEN, deadline_s=50.0), HALF), SLOW)[0] == 50.0


def test_nobody_waits_without_end() -> None:
    hopeless = Workload(Traffic(0.001, 0.001))
    assert passing_s(SPEC, hopeless, 10, 0.5) > MOST * 50.0
    assert deadlines((TEN,), hopeless)[0] == MOST * 50.0
    never = Workload(Traffic(10.0, 0.99))
    assert passing_s(SPEC, never, 10, 0.5) == math.inf
    assert deadlines((TEN,), never)[0] == 50.0


def test_an_instance_has_time_to_warm_up() -> None:
    spec = replace(SPEC, criteria=(ErrorRatio(), Saturation("memory", warm_up_s=120.0, block_s=10.0)))
    assert deadlines((TEN, HALF), None, spec) == [280.0, 300.0, 280.0]
    assert deadlines((TEN,), BUSY, spec)[0] == 280.0
    shown_only = replace(spec, criteria=(ErrorRatio(), Saturation("memory", weight=0.0)))
    assert deadlines((TEN,), None, shown_only)[0] == 50.0


def test_it_takes_longer_to_be_surer() -> None:
    times = [passing_s(SPEC, SLOW, 10, 0.5, sure) for sure in (0.5, 0.9, 0.95, 0.99)]
    assert times == sorted(times)
    assert times[0] < times[-1]
    assert passing_s(SPEC, SLOW, 0, 0.5) == math.inf
    assert passing_s(SPEC, SLOW, 10, 0.5) > promotion_s(SPEC, SLOW, 10, 0.5)


def test_cases_come_as_they_come() -> None:
    assert poisson_s(1, 2.0, 0.95) == pytest.approx(-math.log(0.05) / 2.0, rel=1e-4)


def passed_after(rng: random.Random, traffic: Traffic, weight: int, limit_s: float) -> float:
    """When a version as good as stable passes, with cases one by one."""
    spec = replace(SPEC, ahead=((0, 100),), external=True)
    state, chances = start(spec), (traffic.rate * weight / 100, traffic.rate * (1 - weight / 100))
    for at in range(1, int(limit_s) + 1):
        arms = [_arm(rng, mean, traffic.base) for mean in chances]
        state, verdict = observe(spec, state, Sample(WEB, float(at), 1.0, weight, arms[1], arms[0]), 0)
        if verdict.kind == "pass":
            return float(at)
    return math.inf


def _arm(rng: random.Random, mean: float, base: float) -> Arm:
    n, left = 0, rng.expovariate(1.0)
    while left < mean:
        n, left = n + 1, left + rng.expovariate(1.0)
    return Arm(n, sum(rng.random() < base for _ in range(n)))


@pytest.mark.parametrize(
    ("traffic", "weight"),
    [
        (Traffic(50.0, 0.001), 10),
        (Traffic(50.0, 0.02), 10),
        (Traffic(20.0, 0.05), 50),
        (Traffic(10.0, 0.0), 20),
    ],
    ids=str,
)
def test_a_good_version_passes_in_time(traffic: Traffic, weight: int) -> None:
    """In 95 of 100 releases: of 100 simulated ones, 90 at least (a binomial's 1% quantile is 89)."""
    within_s = SPARE * passing_s(SPEC, Workload(traffic), weight, 1.0)
    rng = random.Random(11)
    times = [passed_after(rng, traffic, weight, within_s) for _ in range(100)]
    assert sum(time <= within_s for time in times) >= 90
