"""The judge: one sample after another in, one verdict after another out. Pure, and constant in size.

    state = start(spec)
    state, verdict = observe(spec, state, sample, step)

The chance that a version no worse than allowed is ever failed is at most `spec.alpha`, at whatever moments one looks.
"""

import msgspec

from headgate.core.criteria import JudgeSpec
from headgate.core.judge.alpha import needed
from headgate.core.judge.arms import Arms
from headgate.core.judge.budget import combined, culprits
from headgate.core.judge.dead import by_its_own_evidence, fails_most, is_dead
from headgate.core.judge.errors import (
    ErrorState,
    enter_errors,
    error_rule,
    observe_errors,
    read_errors,
    start_errors,
)
from headgate.core.judge.external import AFTER_STEP_S
from headgate.core.judge.latency import LatencyState, enter_latency, observe_latency, start_latency
from headgate.core.judge.latency_reading import read_latency
from headgate.core.judge.means import MeanState, enter_mean, observe_mean, read_mean, start_mean
from headgate.core.judge.reading import UNEASY, Reading, suspicious
from headgate.core.judge.risk import risk_after
from headgate.core.judge.screening import sample_defect, sample_gap, whole
from headgate.core.judge.split import Split, observe_split, split_warning
from headgate.core.judge.words import odds
from headgate.core.model.sample import Arm, Sample
from headgate.core.model.verdict import Verdict, VerdictKind


class JudgeState(msgspec.Struct, frozen=True):
    """All that is remembered of a leg's samples.

    `requests` are the canary's in the present `step`, which has lasted `seconds`; `silent_s` is how long it has had
    none. `deadlines` counts the exact tests at deadlines. Once `failed`, always so.
    """

    step: int = -1
    requests: int = 0
    silent_s: float = 0.0
    split: Split = Split()
    errors: ErrorState | None = None
    latency: tuple[LatencyState, ...] = ()
    means: tuple[MeanState, ...] = ()
    failed: Verdict | None = None
    seconds: float = 0.0
    deadlines: int = 0


def start(spec: JudgeSpec) -> JudgeState:
    """Nothing seen yet."""
    return JudgeState(
        errors=start_errors(spec, spec.error_ratio) if spec.error_ratio is not None else None,
        latency=tuple([start_latency(criterion) for criterion in spec.latency]),
        means=tuple([start_mean(spec, criterion) for criterion in spec.means]),
    )


def observe(spec: JudgeSpec, state: JudgeState, sample: Sample, step: int) -> tuple[JudgeState, Verdict]:
    """One more interval, in the step with this index.

    What could be read counts, so that a canary which also breaks its metrics endpoint still fails; but an interval in
    which anything could not be read is never a `pass`. When the step changes, evidence for `pass` starts again and
    evidence for `fail` carries over: each interval is conditioned on its own counts, nothing is pooled across weights.
    """
    if state.failed is not None:
        return state, state.failed
    if step != state.step:
        state = _enter(state, step, risk_after(spec, step))
    defect = sample_defect(sample)
    if defect:
        state = msgspec.structs.replace(
            state, silent_s=state.silent_s + spec.interval_s, seconds=state.seconds + spec.interval_s
        )
    else:
        state = _count(spec, state, sample)
    verdict = decided(spec, state, defect or sample_gap(sample))
    if verdict.kind == "fail":
        state = msgspec.structs.replace(state, failed=verdict)
    return state, verdict


def _enter(state: JudgeState, step: int, risk: float) -> JudgeState:
    return JudgeState(
        step=step,
        deadlines=state.deadlines,
        errors=enter_errors(state.errors, risk) if state.errors is not None else None,
        latency=tuple([enter_latency(latency, risk) for latency in state.latency]),
        means=tuple([enter_mean(mean, risk) for mean in state.means]),
    )


def _count(spec: JudgeSpec, state: JudgeState, sample: Sample) -> JudgeState:
    fresh = whole(sample.fresh) if sample.fresh is not None else None
    stable, canary, _ = arms = Arms(whole(sample.stable), whole(sample.canary), fresh)
    errors, seconds = state.errors, sample.interval_s
    if errors is not None and spec.error_ratio is not None:
        errors = observe_errors(spec, spec.error_ratio, errors, arms, seconds)
        arms = Arms(Arm(), canary, None) if fails_most(stable) else arms
    return JudgeState(
        step=state.step,
        requests=state.requests + canary.requests,
        silent_s=0.0 if canary.requests else state.silent_s + seconds,
        split=observe_split(state.split, sample.weight, canary.requests, stable.requests),
        errors=errors,
        latency=_count_latency(spec, state, arms, seconds),
        means=_count_means(spec, state, arms, seconds),
        seconds=state.seconds + seconds,
        deadlines=state.deadlines,
    )


def _count_latency(
    spec: JudgeSpec, state: JudgeState, arms: Arms, seconds: float
) -> tuple[LatencyState, ...]:
    if not state.latency:
        return ()
    pairs = zip(spec.latency, state.latency, strict=True)
    return tuple([observe_latency(spec, criterion, latency, arms, seconds) for criterion, latency in pairs])


def _count_means(spec: JudgeSpec, state: JudgeState, arms: Arms, seconds: float) -> tuple[MeanState, ...]:
    if not state.means:
        return ()
    pairs = zip(spec.means, state.means, strict=True)
    return tuple([observe_mean(spec, criterion, mean, arms, seconds) for criterion, mean in pairs])


def read(spec: JudgeSpec, state: JudgeState) -> tuple[Reading, ...]:
    """What every metric says now, in the order of the spec."""
    readings: list[Reading] = []
    if state.errors is not None and spec.error_ratio is not None:
        readings += read_errors(spec, spec.error_ratio, state.errors)
    for latency, seen in zip(spec.latency, state.latency, strict=True):
        readings += read_latency(spec, latency, seen)
    for mean, known in zip(spec.means, state.means, strict=True):
        readings += read_mean(spec, mean, known)
    return tuple(readings)


def stable_is_dead(state: JudgeState) -> bool:
    """Whether stable serves nobody, by its errors."""
    return state.errors is not None and is_dead(state.errors.comparison)


def decided(spec: JudgeSpec, state: JudgeState, defect: str = "") -> Verdict:
    """The verdict on what has been seen; `defect` is what was wrong with the last interval."""
    readings = read(spec, state)
    if stable_is_dead(state) and state.errors is not None and spec.error_ratio is not None:
        rule = error_rule(spec, spec.error_ratio).rule
        readings = by_its_own_evidence(rule, state.errors.comparison, readings)
    evidence, enough = combined(readings), needed(spec)
    placebo = state.errors.placebo.highest if state.errors is not None else 1.0
    if evidence >= enough:
        return _failed(spec, readings, evidence, placebo)
    deciding = [reading for reading in readings if reading.weight > 0]
    kind, reason = _undecided(spec, state, deciding, evidence, defect)
    metrics = tuple([reading.evidence for reading in readings])
    if kind != "hold_external":
        return Verdict(kind, reason, evidence, enough, metrics, placebo=placebo)
    shared = state.seconds <= AFTER_STEP_S and any(reading.sudden for reading in deciding)
    if shared:
        reason = f"{reason}, {state.seconds:.0f} s after the step: the canary may harm what both depend on"
    return Verdict(kind, reason, evidence, enough, metrics, shared, placebo)


def _failed(spec: JudgeSpec, readings: tuple[Reading, ...], evidence: float, placebo: float) -> Verdict:
    blamed = culprits(spec, readings)
    metrics = tuple(
        [msgspec.structs.replace(r.evidence, kind="fail") if r in blamed else r.evidence for r in readings]
    )
    what = " and ".join([r.evidence.note for r in blamed[:2]])
    reason = f"{what}: {odds(evidence)} that the canary is worse"
    return Verdict("fail", reason, evidence, needed(spec), metrics, placebo=placebo)


def _undecided(
    spec: JudgeSpec, state: JudgeState, deciding: list[Reading], evidence: float, defect: str
) -> tuple[VerdictKind, str]:
    if defect:
        return "no_data", f"in this interval: {defect}"
    if state.silent_s > spec.no_data_after_s:
        return "no_data", f"the canary has had no requests for {state.silent_s:.0f} s"
    doubt = _doubt(spec, state, deciding, evidence)
    if doubt is not None:
        return doubt
    if state.requests < max(spec.requests_min, 1):
        return (
            "watch",
            f"{state.requests} of at least {spec.requests_min} requests of the canary seen in this step",
        )
    missing = next((r.blocks for r in deciding if r.blocks), "") or _uneasy(deciding)
    if missing:
        return "watch", missing
    if not spec.promote:
        return "watch", f"{_healthy(deciding)}; asked to keep watching"
    return "pass", _healthy(deciding)


def _doubt(
    spec: JudgeSpec, state: JudgeState, deciding: list[Reading], evidence: float
) -> tuple[VerdictKind, str] | None:
    """Why neither good nor bad can be said although there is data, or None."""
    if deciding:
        worst = deciding[0].evidence
        for reading in deciding[1:]:
            worst = reading.evidence if reading.evidence.e_value > worst.e_value else worst
        if suspicious(spec, max(worst.e_value, evidence)):
            likely = odds(worst.e_value)
            return (
                "inconclusive",
                f"suspicious: {worst.note}: {likely} that the canary is worse, not yet enough",
            )
    external = next((reading.external for reading in deciding if reading.external), "")
    if external:
        return ("hold_external" if spec.external else "inconclusive"), external
    odd = split_warning(state.split, spec.split_factor_max)
    return ("inconclusive", odd) if odd else None


def _uneasy(deciding: list[Reading]) -> str:
    """What was proven harmless earlier in the step and does not look so any more, or nothing."""
    rising = [r.evidence for r in deciding if r.evidence.e_value >= UNEASY]
    return f"{rising[0].note}: {odds(rising[0].e_value)} that the canary is worse" if rising else ""


def _healthy(deciding: list[Reading]) -> str:
    notes = [reading.evidence.note for reading in deciding[:2]]
    return f"no harm: {'; '.join(notes)}" if notes else "no harm seen; nothing is judged"
