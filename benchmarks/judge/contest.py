"""The judge among the rules that people use now: false rollbacks and delays over scenes, the same traffic for all."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from benchmarks.judge.rivals import RULES, Counts, information_bound_s, oracle
from benchmarks.judge.traffic import BURSTS, UNIT
from headgate.core.criteria import ErrorRatio, JudgeSpec
from headgate.core.judge.deadline import at_deadline
from headgate.core.judge.judge import observe, start
from headgate.core.model.sample import Arm, Sample
from headgate.core.model.sample import Counts as InstanceCounts

Row = dict[str, float | str]
ALPHA, NULL, INTERVAL_S = 0.01, 1.25, 15.0


@dataclass(frozen=True)
class Bake:
    """One long step. `factor` is the canary's error ratio over stable's, from `onset_s` on; `drift` is on both arms."""

    name: str
    rate: float
    weight: float
    base: float
    factor: float
    bursts: str = "independent"
    drift: str = "none"
    onset_s: float = 0.0
    hours: float = 2.0


BAKES = (
    Bake("200/s, 5%, 0.1% doubles", 200, 5, 0.001, 2),
    Bake("200/s, 5%, 0.1% fivefold", 200, 5, 0.001, 5),
    Bake("200/s, 5%, 0.1% fivefold, bursts", 200, 5, 0.001, 5, "bursts of 1-4"),
    Bake("200/s, 5%, 0.1% fivefold, storms", 200, 5, 0.001, 5, "retry storms"),
    Bake("20/s, 10%, 1% doubles", 20, 10, 0.01, 2),
    Bake("20/s, 10%, 1% fivefold", 20, 10, 0.01, 5),
    Bake("20/s, 10%, 1% fivefold, daily cycle", 20, 10, 0.01, 5, drift="cycle"),
    Bake("20/s, 10%, 1% fivefold, incidents", 20, 10, 0.01, 5, drift="incidents"),
    Bake("20/s, 10%, 0.1% twentyfold", 20, 10, 0.001, 20),
    Bake("2/s, 50%, 1% fivefold", 2, 50, 0.01, 5),
    Bake("1000/s, 1%, 0.01% tenfold", 1000, 1, 0.0001, 10),
    Bake("200/s, 5%, 5% by half", 200, 5, 0.05, 1.5),
    Bake("200/s, 5%, 0.1% fivefold after 1 h", 200, 5, 0.001, 5, onset_s=3600.0),
)


def _drift(rng: np.random.Generator, bake: Bake, shape: tuple[int, int]) -> np.ndarray:
    seconds = np.arange(shape[1]) * INTERVAL_S
    if bake.drift == "cycle":
        return np.asarray(1 + 0.9 * np.sin(2 * math.pi * (seconds / 7200 + rng.random((shape[0], 1)))))
    factor = np.ones(shape)
    if bake.drift == "incidents":
        for run, at in enumerate(rng.integers(0, shape[1] - 20, shape[0])):
            factor[run, at : at + 20] = 20.0
    return factor


def _errors(rng: np.random.Generator, bake: Bake, n: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Errors, burst by burst; a burst falls whole into one instance and one interval."""
    share = np.minimum(share, 1.0)
    if bake.bursts == "independent":
        return np.asarray(rng.binomial(n, share))
    sizes = BURSTS[bake.bursts](rng, 200_000)
    count = rng.poisson(n * share / sizes.mean())
    ends = np.concatenate([[0], count.ravel().cumsum()])
    total = np.concatenate([[0], rng.choice(sizes, ends[-1]).cumsum()])
    return np.asarray(np.minimum((total[ends[1:]] - total[ends[:-1]]).reshape(n.shape), n))


def traffic(rng: np.random.Generator, bake: Bake, runs: int) -> tuple[Counts, np.ndarray, np.ndarray]:
    """Both arms' counts, with the requests and errors of the first of stable's two instances."""
    shape = (runs, round(bake.hours * 3600 / INTERVAL_S))
    total = rng.poisson(bake.rate * INTERVAL_S, shape)
    n1 = rng.binomial(total, bake.weight / 100)
    half = rng.binomial(total - n1, 0.5)
    drift = _drift(rng, bake, shape) * bake.base
    worse = np.where(np.arange(shape[1]) * INTERVAL_S >= bake.onset_s, bake.factor, 1.0)
    x1 = _errors(rng, bake, n1, drift * worse)
    x_half = _errors(rng, bake, half, drift)
    x_rest = _errors(rng, bake, total - n1 - half, drift)
    return Counts(n1, x1, total - n1, x_half + x_rest, INTERVAL_S), half, x_half


def _samples(bake: Bake, counts: Counts, half: np.ndarray, x_half: np.ndarray, run: int) -> Iterator[Sample]:
    columns = (counts.n1, counts.x1, counts.n0, counts.x0, half, x_half)
    for k, (n1, x1, n0, x0, n_half, bad) in enumerate(zip(*[c[run].tolist() for c in columns], strict=True)):
        instances = {"a": InstanceCounts(n_half, bad), "b": InstanceCounts(n0 - n_half, x0 - bad)}
        stable, canary = Arm(n0, x0, instances=instances), Arm(n1, x1)
        yield Sample(UNIT, (k + 1) * INTERVAL_S, INTERVAL_S, round(bake.weight), stable, canary)


def judged(bake: Bake, counts: Counts, half: np.ndarray, x_half: np.ndarray, spec: JudgeSpec) -> np.ndarray:
    """When the judge rolls back, per run."""
    times: list[float] = []
    for run in range(len(counts.n1)):
        state, at = start(spec), math.inf
        for sample in _samples(bake, counts, half, x_half, run):
            state, verdict = observe(spec, state, sample, 0)
            if verdict.kind == "fail":
                at = sample.at
                break
        times.append(at)
    return np.array(times)


def _all_rules(rng: np.random.Generator, bake: Bake, runs: int) -> tuple[Counts, dict[str, np.ndarray]]:
    counts, half, x_half = traffic(rng, bake, runs)
    times = {"headgate": judged(bake, counts, half, x_half, JudgeSpec(latency=(), alpha=ALPHA))}
    if bake.bursts == "independent":
        declared = JudgeSpec(latency=(), alpha=ALPHA, dispersion=1.0)
        times["headgate, dispersion 1 declared"] = judged(bake, counts, half, x_half, declared)
    return counts, times | {name: rule(counts) for name, rule in RULES.items()}


def contest(rng: np.random.Generator, runs: int) -> list[Row]:
    """A row per scene and rule: good versions rolled back, bad ones missed, and the mean delay of those found."""
    rows: list[Row] = []
    for bake in BAKES:
        _, falsely = _all_rules(rng, replace(bake, factor=1.0), runs)
        counts, found = _all_rules(rng, bake, runs)
        burst = BURSTS[bake.bursts](rng, 100_000).astype(float)
        phi = float((burst**2).mean() / burst.mean())
        found["oracle (Wald)"] = oracle(counts, bake.factor, NULL, phi, bake.onset_s)
        n1 = bake.rate * bake.weight / 100
        bound = information_bound_s((n1, bake.rate - n1), bake.base, bake.factor, NULL, ALPHA) * phi
        for name, at in found.items():
            late = at[(at > bake.onset_s) & np.isfinite(at)] - bake.onset_s
            rows.append(
                {
                    "scene": bake.name,
                    "rule": name,
                    "false_percent": 100 * float(np.isfinite(falsely[name]).mean())
                    if name in falsely
                    else "",
                    "missed_percent": 100 * float(np.isinf(at).mean()),
                    "mean_delay_min": float(late.mean()) / 60 if len(late) else "",
                    "bound_min": bound / 60,
                }
            )
    return rows


def long_bakes(rng: np.random.Generator, runs: int, hours: float) -> list[Row]:
    """A/A: long bakes of a version like stable, rolled back."""
    rows: list[Row] = []
    for bursts in ("independent", "bursts of 1-4", "retry storms"):
        for drift in ("none", "incidents"):
            bake = Bake("A/A", 50, 10, 0.005, 1.0, bursts, drift, hours=hours)
            at = judged(bake, *traffic(rng, bake, runs), JudgeSpec(latency=(), alpha=ALPHA))
            rows.append(
                {
                    "errors": bursts,
                    "both arms": drift,
                    "hours": hours,
                    "runs": runs,
                    "rolled back, %": 100 * float(np.isfinite(at).mean()),
                }
            )
    return rows


def deadline_power(rng: np.random.Generator, runs: int) -> list[Row]:
    """Ten intervals, two errors expected in each arm's, the canary doubles them: found, with all of alpha = 1%."""
    rows: list[Row] = []
    for share in (0.0, 0.6, 0.8):
        spec = JudgeSpec(
            error_ratio=ErrorRatio(factor=1.0),
            latency=(),
            dispersion=1.0,
            deadline_share=share,
            promote=False,
        )
        found = {1.0: 0, 2.0: 0}
        for times in found:
            for _ in range(runs):
                state, ends = start(spec), "watch"
                for k in range(10):
                    arms = Arm(200, int(rng.poisson(2.0))), Arm(200, int(rng.poisson(2.0 * times)))
                    state, verdict = observe(spec, state, Sample(UNIT, 15.0 * k, 15.0, 50, *arms), 0)
                    ends = verdict.kind
                ends = at_deadline(spec, state)[1].kind if ends != "fail" else ends
                found[times] += ends == "fail"
        rows.append(
            {
                "share of alpha at the deadline": share,
                "runs": runs,
                "doubled, found, %": 100 * found[2.0] / runs,
                "alike, rolled back, %": 100 * found[1.0] / runs,
            }
        )
    return rows
