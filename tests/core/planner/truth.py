"""What the planner foretells, as the real judge has it: canaries worse than stable, judged interval by interval."""

from __future__ import annotations

import random

from headgate.core.judge.evidence.risk import needed
from headgate.core.judge.judge import observe, start
from headgate.core.judge.metrics.errors import observe_errors, start_errors
from headgate.core.judge.metrics.kind import Arms
from headgate.core.judge.planner import Traffic, Watched, Workload
from headgate.core.judge.planner.simulation import binomial, count
from headgate.core.model.criteria import ErrorRatio, JudgeSpec
from headgate.core.model.sample import Arm, Mean, together
from tests.core.judge.traffic import sample

LEAD = 4
"""Intervals of stable alone, as while a version is prepared: without them nothing is known to bet on."""


def found_after(
    spec: JudgeSpec,
    traffic: Traffic,
    weight: float,
    factor: float,
    runs: int,
    patience_s: float,
    *,
    fresh: bool = False,
) -> list[float]:
    """The times at which so many canaries fail, rising. Errors alone are judged."""
    rng = random.Random(f"{traffic} {weight} {factor}")
    return sorted(_run(spec, traffic, weight, factor, rng, patience_s, fresh=fresh) for _ in range(runs))


def _run(
    spec: JudgeSpec,
    traffic: Traffic,
    weight: float,
    factor: float,
    rng: random.Random,
    patience_s: float,
    *,
    fresh: bool,
) -> float:
    criterion = next(iter(spec.of(ErrorRatio)), ErrorRatio())
    state, enough = start_errors(spec, criterion), needed(spec)
    at = due1 = due0 = 0.0
    while at < patience_s:
        at += spec.interval_s
        due1 += traffic.rate * spec.interval_s * weight / 100
        due0 += traffic.rate * spec.interval_s * (1 - weight / 100)
        n1, n0 = int(due1), int(due0)
        due1, due0 = due1 - n1, due0 - n0
        x1 = count(rng.random, n1, traffic.share * factor, traffic.phi)
        x0 = count(rng.random, n0, traffic.share, traffic.phi)
        stable = Arm(n0, min(x0, n0))
        part = Arm(n1, min(count(rng.random, n1, traffic.share, traffic.phi), n1)) if fresh else None
        if part is not None:
            x0 = count(rng.random, n0 - n1, traffic.share, traffic.phi)
            stable = together(part, Arm(n0 - n1, min(x0, n0 - n1)))
        arms = Arms(stable, Arm(n1, min(x1, n1)), part)
        state = observe_errors(spec, criterion, state, arms, spec.interval_s)
        if state.comparison.process.e_value >= enough:
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


def judged_after(
    spec: JudgeSpec, workload: Workload, way: Watched, weight: float, factor: float, runs: int
) -> list[float]:
    """The same by every criterion of the spec, with `way`'s signal `factor` times as bad and the others healthy."""
    rng = random.Random(f"{workload} {weight} {factor}")
    return sorted(_whole(spec, workload, way, (weight, factor), rng) for _ in range(runs))


def _whole(
    spec: JudgeSpec, workload: Workload, way: Watched, how: tuple[float, float], rng: random.Random
) -> float:
    state, at, kind = start(spec), 0.0, "watch"
    for k in range(LEAD):
        alone = _arm(rng, spec, workload, way, 100, 1.0)
        begun = sample(alone, Arm(), at=(k - LEAD) * spec.interval_s, weight=0, interval_s=spec.interval_s)
        state, _ = observe(spec, state, begun, 0)
    while kind != "fail" and at < 1e6:
        at += spec.interval_s
        stable = _arm(rng, spec, workload, way, 100 - how[0], 1.0)
        canary = _arm(rng, spec, workload, way, how[0], how[1])
        state, verdict = observe(
            spec, state, sample(stable, canary, at=at, weight=round(how[0]), interval_s=spec.interval_s), 0
        )
        kind = verdict.kind
    return at


def _arm(
    rng: random.Random, spec: JudgeSpec, workload: Workload, way: Watched, part: float, factor: float
) -> Arm:
    def counts(name: str, traffic: Traffic) -> tuple[int, int]:
        n = round(traffic.rate * spec.interval_s * part / 100)
        worse = factor if name == way.signal else 1.0
        good = name == way.signal and way.good
        return n, binomial(rng.random, n, traffic.share / worse if good else min(traffic.share * worse, 1.0))

    n, x = counts("errors", workload.errors)
    cases = {name: counts(name, traffic) for name, traffic in workload.signals}
    return Arm(n, x, means={name: Mean(float(good), n) for name, (n, good) in cases.items()})
