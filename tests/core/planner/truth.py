"""What the planner foretells, as the real judge has it: canaries worse than stable, judged interval by interval."""

from __future__ import annotations

import math
import random

from headgate.core.criteria import ErrorRatio, JudgeSpec
from headgate.core.judge.errors import observe_errors, start_errors
from headgate.core.judge.judge import observe, start
from headgate.core.judge.planner import Traffic
from headgate.core.judge.planner.passage import threshold_log
from headgate.core.judge.planner.simulation import binomial, count
from headgate.core.model.sample import Arm
from tests.core.judge.traffic import sample


def found_after(
    spec: JudgeSpec, traffic: Traffic, weight: float, factor: float, runs: int, patience_s: float
) -> list[float]:
    """The times at which so many canaries fail, rising."""
    rng = random.Random(f"{traffic} {weight} {factor}")
    return sorted(_run(spec, traffic, weight, factor, rng, patience_s) for _ in range(runs))


def _run(
    spec: JudgeSpec, traffic: Traffic, weight: float, factor: float, rng: random.Random, patience_s: float
) -> float:
    criterion = spec.error_ratio or ErrorRatio()
    state, needed = start_errors(spec, criterion), math.exp(threshold_log(spec))
    at = due1 = due0 = 0.0
    while at < patience_s:
        at += spec.interval_s
        due1 += traffic.rate * spec.interval_s * weight / 100
        due0 += traffic.rate * spec.interval_s * (1 - weight / 100)
        n1, n0 = int(due1), int(due0)
        due1, due0 = due1 - n1, due0 - n0
        x1 = count(rng.random, n1, traffic.share * factor, traffic.phi)
        x0 = count(rng.random, n0, traffic.share, traffic.phi)
        arms = Arm(n0, min(x0, n0)), Arm(n1, min(x1, n1))
        state = observe_errors(spec, criterion, state, arms, spec.interval_s)
        if state.comparison.process.e_value >= needed:
            break
    return at


def passes_after(spec: JudgeSpec, traffic: Traffic, weight: float, runs: int, patience_s: float) -> float:
    """The mean time after which a version as good as stable passes."""
    rng = random.Random(f"{traffic} {weight}")
    return sum(_good(spec, traffic, weight, rng, patience_s) for _ in range(runs)) / runs


def _good(spec: JudgeSpec, traffic: Traffic, weight: float, rng: random.Random, patience_s: float) -> float:
    state, at = start(spec), 0.0
    n1 = round(traffic.rate * spec.interval_s * weight / 100)
    n0 = round(traffic.rate * spec.interval_s) - n1
    while at < patience_s:
        at += spec.interval_s
        x1, x0 = (binomial(rng.random, n, traffic.share) for n in (n1, n0))
        one = sample(Arm(n0, x0), Arm(n1, x1), at=at, weight=round(weight), interval_s=spec.interval_s)
        state, verdict = observe(spec, state, one, 0)
        if verdict.kind == "pass":
            break
    return at
