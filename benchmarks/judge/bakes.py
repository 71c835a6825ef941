"""Long steps: both arms' counts over many runs at once, and the judge on them, interval by interval."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from benchmarks.judge.rivals import Counts
from benchmarks.judge.traffic import BURSTS, LE, MEDIAN_MS, SPREAD, UNIT
from headgate.core.judge.evidence.risk import needed
from headgate.core.judge.judge import observe, start
from headgate.core.judge.metrics.errors import enter_errors, observe_errors, start_errors
from headgate.core.judge.metrics.kind import Arms
from headgate.core.model.criteria import ErrorRatio, JudgeSpec, Latency
from headgate.core.model.sample import Arm, Histogram, Sample
from headgate.core.model.sample import Counts as InstanceCounts
from headgate.core.model.verdict import Verdict

ALPHA, NULL, INTERVAL_S = 0.01, 1.25, 15.0
SPEC = JudgeSpec((ErrorRatio(),), alpha=ALPHA, interval_s=INTERVAL_S)
DECLARED = JudgeSpec((ErrorRatio(),), alpha=ALPHA, interval_s=INTERVAL_S, dispersion=1.0)
INCIDENT_INTERVALS, INCIDENT = 20, 20.0
"""An incident lasts five minutes, in which both arms fail twenty times as often."""


@dataclass(frozen=True)
class Bake:
    """One long step. `factor` is the canary's error ratio over stable's, from `onset_s` on; `drift` is on both arms.

    `ramp`: weights, each for an equal part of the time, instead of `weight`. `unlike`: how far instances differ for
    good (the standard deviation of the logarithm of each one's error ratio). `slower`: the canary's requests take so
    many times as long, where latency is measured at all. `lead_s`: stable alone, before the canary has any traffic.
    """

    name: str
    rate: float
    weight: float
    base: float
    factor: float
    bursts: str = "independent"
    drift: str = "none"
    onset_s: float = 0.0
    hours: float = 2.0
    ramp: tuple[float, ...] = ()
    unlike: float = 0.0
    latency: bool = False
    slower: float = 1.0
    lead_s: float = 0.0

    @property
    def intervals(self) -> int:
        return round(self.hours * 3600 / INTERVAL_S)

    @property
    def weights(self) -> np.ndarray:
        """The canary's weight in each interval."""
        ramp = self.ramp or (self.weight,)
        each = np.repeat(ramp, math.ceil(self.intervals / len(ramp)))[: self.intervals]
        return np.where(np.arange(self.intervals) * INTERVAL_S < self.lead_s, 0.0, each)


@dataclass(frozen=True)
class Flow:
    """The counts of many runs, with the requests and errors of the first of stable's two instances."""

    counts: Counts
    half_n: np.ndarray
    half_x: np.ndarray


def _drift(rng: np.random.Generator, bake: Bake, shape: tuple[int, int]) -> np.ndarray:
    seconds = np.arange(shape[1]) * INTERVAL_S
    if bake.drift == "cycle":  # a day (or the bake, where that is shorter) from calm to busy and back
        period_s = min(bake.hours, 24.0) * 3600
        return np.asarray(1 + 0.9 * np.sin(2 * math.pi * (seconds / period_s + rng.random((shape[0], 1)))))
    if bake.drift == "gamma":  # a common cause that comes and goes
        return np.repeat(rng.gamma(0.5, 2.0, (shape[0], shape[1] // 5 + 1)), 5, axis=1)[:, : shape[1]]
    factor = np.ones(shape)
    if bake.drift == "incidents":
        for _ in range(max(1, round(bake.hours / 8))):
            for run, at in enumerate(rng.integers(0, shape[1] - INCIDENT_INTERVALS, shape[0])):
                factor[run, at : at + INCIDENT_INTERVALS] = INCIDENT
    return factor


def _errors(rng: np.random.Generator, bursts: str, n: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Errors, burst by burst; a burst falls whole into one instance and one interval."""
    share = np.minimum(share, 1.0)
    if bursts == "independent":
        return np.asarray(rng.binomial(n, share))
    sizes = BURSTS[bursts](rng, 200_000)
    count = rng.poisson(n * share / sizes.mean())
    ends = np.concatenate([[0], count.ravel().cumsum()])
    total = np.concatenate([[0], rng.choice(sizes, ends[-1]).cumsum()])
    return np.asarray(np.minimum((total[ends[1:]] - total[ends[:-1]]).reshape(n.shape), n))


def flow(rng: np.random.Generator, bake: Bake, runs: int) -> Flow:
    """The counts of so many runs."""
    shape = (runs, bake.intervals)
    busy = _drift(rng, bake, shape) if bake.drift == "cycle" else np.ones(shape)
    total = rng.poisson(bake.rate * INTERVAL_S * busy)
    n1 = rng.binomial(total, bake.weights / 100)
    half = rng.binomial(total - n1, 0.5)
    drift = (busy if bake.drift == "cycle" else _drift(rng, bake, shape)) * bake.base
    of_canary, of_half, of_rest = np.exp(bake.unlike * rng.standard_normal((3, runs, 1)))
    worse = np.where(np.arange(shape[1]) * INTERVAL_S >= bake.onset_s, bake.factor, 1.0)
    x1 = _errors(rng, bake.bursts, n1, drift * worse * of_canary)
    x_half = _errors(rng, bake.bursts, half, drift * of_half)
    x_rest = _errors(rng, bake.bursts, total - n1 - half, drift * of_rest)
    counts = Counts(n1, x1, total - n1, x_half + x_rest, INTERVAL_S)
    if bake.latency:
        slow = _buckets(rng, n1, bake.slower), _buckets(rng, total - n1, 1.0)
        counts = replace(counts, le=LE, slow1=slow[0], slow0=slow[1])
    return Flow(counts, half, x_half)


def _buckets(rng: np.random.Generator, n: np.ndarray, slower: float) -> np.ndarray:
    """Cumulative counts of requests that take log-normal times."""
    z = [math.log(le / (MEDIAN_MS * slower)) / SPREAD for le in LE]
    below = np.array([0.0, *(0.5 * math.erfc(-one / math.sqrt(2)) for one in z[:-1]), 1.0])
    return np.asarray(rng.multinomial(n, np.diff(below)).cumsum(-1))


def arms(seen: Flow, run: int) -> Iterator[tuple[Arm, Arm]]:
    """Stable and canary, interval by interval."""
    c = seen.counts
    columns = [column[run].tolist() for column in (c.n1, c.x1, c.n0, c.x0, seen.half_n, seen.half_x)]
    for k, (n1, x1, n0, x0, n_half, x_half) in enumerate(zip(*columns, strict=True)):
        instances = {"a": InstanceCounts(n_half, x_half), "b": InstanceCounts(n0 - n_half, x0 - x_half)}
        slow1, slow0 = (
            a if a is None else Histogram(LE, tuple(a[run, k].tolist())) for a in (c.slow1, c.slow0)
        )
        yield Arm(n0, x0, slow0, instances), Arm(n1, x1, slow1)


def verdicts(spec: JudgeSpec, bake: Bake, seen: Flow, run: int) -> Iterator[Verdict]:
    """What the judge says, interval by interval."""
    state, step, weights = start(spec), 0, bake.weights.tolist()
    for k, (stable, canary) in enumerate(arms(seen, run)):
        step += k > 0 and weights[k] != weights[k - 1]
        sample = Sample(UNIT, (k + 1) * INTERVAL_S, INTERVAL_S, round(weights[k]), stable, canary)
        state, verdict = observe(spec, state, sample, step)
        yield verdict


def failed_at(spec: JudgeSpec, bake: Bake, seen: Flow, run: int) -> float:
    """When the judge rolls back. Errors alone are judged without their sentences: what `verdicts` says, sooner."""
    if spec.of(Latency):
        failed = (k for k, verdict in enumerate(verdicts(spec, bake, seen, run), 1) if verdict.kind == "fail")
        return next(failed, math.inf) * INTERVAL_S
    criterion = next(iter(spec.of(ErrorRatio)), ErrorRatio())
    state, enough = start_errors(spec, criterion), needed(spec)
    weights = bake.weights.tolist()
    for k, both in enumerate(arms(seen, run)):
        if k and weights[k] != weights[k - 1]:
            state = enter_errors(state, 1.0)
        state = observe_errors(spec, criterion, state, Arms(*both), INTERVAL_S)
        if state.e_value >= enough:
            return (k + 1) * INTERVAL_S
    return math.inf


def judged(spec: JudgeSpec, bake: Bake, seen: Flow) -> np.ndarray:
    """When the judge rolls back, per run."""
    return np.array([failed_at(spec, bake, seen, run) for run in range(len(seen.counts.n1))])
