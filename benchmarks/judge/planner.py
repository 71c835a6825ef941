"""The planner's word against the judge's deed: how long a fault was foretold to stay hidden, and how long it did."""

import random
from dataclasses import dataclass

import numpy as np

from benchmarks.judge.traffic import UNIT
from headgate.core.judge.judge import observe, start
from headgate.core.judge.planner import Stretch, Traffic, Watched, Workload, watched
from headgate.core.judge.planner.forecast import SURE, found_by
from headgate.core.model.criteria import ErrorRatio, JudgeSpec, Latency, MeanCriterion
from headgate.core.model.sample import Arm, Histogram, Mean, Sample

Row = dict[str, float | str]
INTERVAL_S = 5.0
LEAD = 4
"""Intervals of stable alone before the canary has any traffic."""
PATIENCE = 10.0
LE = (50.0, 100.0, 250.0, 60_000.0)
SLOW = ((50.0, 0.05), (100.0, 0.008), (250.0, 0.001), (60_000.0, 0.0))
ERRORS = JudgeSpec((ErrorRatio(),), interval_s=INTERVAL_S)
DECLARED = JudgeSpec((ErrorRatio(),), interval_s=INTERVAL_S, dispersion=1.0)
DEFAULT = JudgeSpec(interval_s=INTERVAL_S)
LIMITED = JudgeSpec((ErrorRatio(max=0.02),), interval_s=INTERVAL_S)
ORDERS = JudgeSpec((ErrorRatio(), MeanCriterion("orders")), interval_s=INTERVAL_S)
SLOW_ONLY = JudgeSpec((Latency(),), interval_s=INTERVAL_S)


@dataclass(frozen=True)
class Cell:
    """A spec, a service, and which of its signals gets how many times worse at which weight."""

    name: str
    spec: JudgeSpec
    workload: Workload
    weight: float
    factor: float
    signal: str = "errors"


def _errors(rate: float, base: float, weight: float, factor: float, **more: object) -> Cell:
    spec = more.get("spec", ERRORS)
    phi = float(more.get("phi", 1.0))  # type: ignore[arg-type]
    said = ", dispersion 1 declared" if spec is DECLARED else ", default criteria" if spec is DEFAULT else ""
    bursts = f", bursts of dispersion {phi:g}" if phi > 1 else ""
    name = f"{rate:g}/s, {weight:g}%, errors {100 * base:g}% x {factor:g}{bursts}{said}"
    slow = SLOW if spec is DEFAULT else ()
    return Cell(name, spec, Workload(Traffic(rate, base, phi), slow), weight, factor)  # type: ignore[arg-type]


def _selling(orders_s: float) -> Workload:
    return Workload(Traffic(50, 0.001), (), (("orders", Traffic(orders_s, 0.6)),))


CELLS = (
    _errors(200, 0.001, 5, 5),
    _errors(200, 0.001, 5, 10),
    _errors(200, 0.001, 50, 5),
    _errors(200, 0.001, 5, 5, spec=DECLARED),
    _errors(200, 0.001, 5, 10, spec=DECLARED),
    _errors(200, 0.001, 5, 10, spec=DEFAULT),
    _errors(1000, 0.01, 10, 2),
    _errors(1000, 0.01, 10, 2, spec=DECLARED),
    _errors(1000, 0.0001, 5, 20),
    _errors(50, 0.02, 10, 3),
    _errors(50, 0.01, 25, 3, spec=DECLARED),
    _errors(2, 0.01, 50, 5),
    _errors(2, 0.05, 50, 5),
    _errors(20, 0.01, 10, 5),
    _errors(200, 0.05, 10, 3),
    _errors(500, 0.01, 10, 3, phi=2.5),
    _errors(200, 0.002, 10, 5, phi=2.5),
    Cell("100/s, 10%, limit 2%, errors 1% x 4", LIMITED, Workload(Traffic(100, 0.01)), 10, 4),
    Cell("100/s, 10%, limit 2%, errors 0.5% x 10", LIMITED, Workload(Traffic(100, 0.005)), 10, 10),
    Cell("orders 60%, half as many, 10/s, 25%", ORDERS, _selling(10), 25, 2, "orders"),
    Cell("orders 60%, a third fewer, 40/s, 10%", ORDERS, _selling(40), 10, 1.5, "orders"),
    Cell("slow requests x 2, 50/s, 10%", SLOW_ONLY, Workload(Traffic(50, 0.001), SLOW), 10, 2, "latency_p99"),
    Cell("slow requests x 5, 50/s, 10%", SLOW_ONLY, Workload(Traffic(50, 0.001), SLOW), 10, 5, "latency_p99"),
)


def ways_of(cell: Cell) -> tuple[Watched, ...]:
    return tuple(way for way in watched(cell.spec, cell.workload) if way.signal == cell.signal)


def _count(rng: np.random.Generator, n: int, share: float, phi: float) -> int:
    """Errors in geometric bursts of that dispersion, each within one interval."""
    if phi <= 1:
        return int(rng.binomial(n, share))
    size = (phi + 1) / 2
    bursts = rng.poisson(n * share / size)
    return min(int(rng.geometric(1 / size, bursts).sum()), n) if bursts else 0


def _arm(rng: np.random.Generator, cell: Cell, part: float, factor: float) -> Arm:
    worse = {cell.signal: factor}
    errors = cell.workload.errors
    n = int(rng.poisson(errors.rate * INTERVAL_S * part))
    x = _count(rng, n, min(errors.base * worse.get("errors", 1.0), 1.0), errors.phi)
    means: dict[str, Mean] = {}
    for name, traffic in cell.workload.signals:
        cases = int(rng.poisson(traffic.rate * INTERVAL_S * part))
        means[name] = Mean(float(rng.binomial(cases, traffic.base / worse.get(name, 1.0))), cases)
    if not cell.spec.of(Latency):
        return Arm(n, x, means=means)
    slow = [min(share * worse.get("latency_p99", 1.0), 1.0) for _, share in SLOW]
    parts = rng.multinomial(n, np.diff([0.0, *(1 - share for share in slow)]))
    return Arm(n, x, Histogram(LE, tuple(int(k) for k in parts.cumsum())), means=means)


def _found_after(rng: np.random.Generator, cell: Cell, patience_s: float) -> float:
    state = start(cell.spec)
    for k in range(LEAD):
        sample = Sample(UNIT, (k - LEAD) * INTERVAL_S, INTERVAL_S, 0, _arm(rng, cell, 1.0, 1.0), Arm())
        state, _ = observe(cell.spec, state, sample, 0)
    part, at = cell.weight / 100, 0.0
    while at < patience_s:
        at += INTERVAL_S
        arms = _arm(rng, cell, 1 - part, 1.0), _arm(rng, cell, part, cell.factor)
        state, verdict = observe(cell.spec, state, Sample(UNIT, at, INTERVAL_S, round(cell.weight), *arms), 1)
        if verdict.kind == "fail":
            break
    return at


def accuracy(rng: np.random.Generator, runs: int) -> list[Row]:
    """A row per cell; the goal is 15% for the mean and 25% for the 90th percentile."""
    rows: list[Row] = []
    for cell in CELLS:
        path = (Stretch(cell.weight, 0.0),)
        _, told = found_by(ways_of(cell), path, cell.factor, (random.Random(1).random, False))
        seen = np.array([_found_after(rng, cell, PATIENCE * told.mean_s) for _ in range(runs)])
        mean, tail = float(seen.mean()), float(np.quantile(seen, SURE))
        rows.append(
            {
                "service and fault": cell.name,
                "by": "simulation" if told.quantiles else "closed form",
                "foretold, s": told.mean_s,
                "judged, s": mean,
                "mean off, %": 100 * (told.mean_s / mean - 1),
                "90th percentile off, %": 100 * (told.quantile_s(SURE) / tail - 1),
            }
        )
    worst: Row = {**dict.fromkeys(rows[0], ""), "service and fault": "the worst"}
    for key in ("mean off, %", "90th percentile off, %"):
        worst[key] = max([float(row[key]) for row in rows], key=abs)
    return [*rows, worst]
