"""The judge: one sample after another in, one verdict after another out. Pure, and constant in size.

    state = start(spec)
    state, verdict = observe(spec, state, sample, step)

The chance that a version no worse than allowed is ever failed is at most `spec.alpha`, at whatever moments one looks.
"""

import math

import msgspec
from msgspec.structs import replace

from headgate.core.judge.evidence.comparison import Comparison, ComparisonRule
from headgate.core.judge.evidence.proportions import share_log
from headgate.core.judge.evidence.risk import needed, risk_after
from headgate.core.judge.metrics import MetricState, kind_of
from headgate.core.judge.metrics.errors import ErrorState, error_rule, judged_errors
from headgate.core.judge.metrics.kind import Arms
from headgate.core.judge.verdict.budget import combined, culprits
from headgate.core.judge.verdict.external import AFTER_STEP_S
from headgate.core.judge.verdict.reading import UNEASY, Reading, suspicious
from headgate.core.judge.verdict.screening import (
    Split,
    observe_split,
    sample_defect,
    sample_gap,
    split_warning,
    whole,
)
from headgate.core.judge.words import amount, odds
from headgate.core.model.criteria import JudgeSpec
from headgate.core.model.sample import Arm, Sample
from headgate.core.model.verdict import Verdict, VerdictKind


class JudgeState(msgspec.Struct, frozen=True):
    """All that is remembered of a leg's samples.

    `requests` are the canary's in the present `step`, which has lasted `seconds`; `silent_s` is how long it has had
    none. `metrics` has what is remembered for each criterion, in the order of the spec. `deadlines` counts the exact
    tests at deadlines. Once `failed`, always so.
    """

    step: int = -1
    requests: int = 0
    silent_s: float = 0.0
    split: Split = Split()
    metrics: tuple[MetricState, ...] = ()
    failed: Verdict | None = None
    seconds: float = 0.0
    deadlines: int = 0


def start(spec: JudgeSpec) -> JudgeState:
    """Nothing seen yet."""
    return JudgeState(metrics=tuple([kind_of(one).start(spec, one) for one in spec.criteria]))


def observe(spec: JudgeSpec, state: JudgeState, sample: Sample, step: int) -> tuple[JudgeState, Verdict]:
    """One more interval, in the step with this index.

    What could be read counts, so that a canary which also breaks its metrics endpoint still fails; but an interval in
    which anything could not be read is never a `pass`. When the step changes, evidence for `pass` starts again and
    evidence for `fail` carries over: each interval is conditioned on its own counts, nothing is pooled across weights.
    """
    if state.failed is not None:
        return state, state.failed
    if step != state.step:
        state = _enter(spec, state, step)
    defect = sample_defect(sample)
    if defect:
        state = replace(
            state, silent_s=state.silent_s + spec.interval_s, seconds=state.seconds + spec.interval_s
        )
    else:
        state = _count(spec, state, sample)
    verdict = decided(spec, state, defect or sample_gap(sample))
    if verdict.kind == "fail":
        state = replace(state, failed=verdict)
    return state, verdict


def _enter(spec: JudgeSpec, state: JudgeState, step: int) -> JudgeState:
    risk, pairs = risk_after(spec, step), zip(spec.criteria, state.metrics, strict=True)
    metrics = tuple([kind_of(criterion).enter(seen, risk) for criterion, seen in pairs])
    return replace(state, step=step, requests=0, silent_s=0.0, split=Split(), metrics=metrics, seconds=0.0)


def _count(spec: JudgeSpec, state: JudgeState, sample: Sample) -> JudgeState:
    fresh = whole(sample.fresh) if sample.fresh is not None else None
    stable, canary, _ = arms = Arms(whole(sample.stable), whole(sample.canary), fresh)
    seconds = sample.interval_s
    return replace(
        state,
        requests=state.requests + canary.requests,
        silent_s=0.0 if canary.requests else state.silent_s + seconds,
        split=observe_split(state.split, sample.weight, canary.requests, stable.requests),
        metrics=_counted(spec, state.metrics, arms, seconds),
        seconds=state.seconds + seconds,
    )


def _counted(
    spec: JudgeSpec, metrics: tuple[MetricState, ...], arms: Arms, seconds: float
) -> tuple[MetricState, ...]:
    """One more interval for every criterion. Where stable fails most requests, only its failures are a measure."""
    dead = fails_most(arms.stable) and judged_errors(spec, metrics) is not None
    served = Arms(Arm(), arms.canary, None) if dead else arms
    found: list[MetricState] = []
    for criterion, seen in zip(spec.criteria, metrics, strict=True):
        kind = kind_of(criterion)
        counted = arms if kind.counts_failures else served
        found.append(kind.observe(spec, criterion, seen, counted, seconds))
    return tuple(found)


def read(spec: JudgeSpec, state: JudgeState) -> tuple[Reading, ...]:
    """What every metric says now, in the order of the spec."""
    readings: list[Reading] = []
    for criterion, seen in zip(spec.criteria, state.metrics, strict=True):
        readings += kind_of(criterion).read(spec, criterion, seen)
    return tuple(readings)


def stable_is_dead(state: JudgeState) -> bool:
    """Whether stable serves nobody, by its errors."""
    return any(isinstance(seen, ErrorState) and is_dead(seen.comparison) for seen in state.metrics)


def decided(spec: JudgeSpec, state: JudgeState, defect: str = "") -> Verdict:
    """The verdict on what has been seen; `defect` is what was wrong with the last interval."""
    readings = read(spec, state)
    errors = judged_errors(spec, state.metrics)
    if errors is not None and is_dead(errors[1].comparison):
        readings = by_its_own_evidence(error_rule(spec, errors[0]).rule, errors[1].comparison, readings)
    evidence, enough = combined(readings), needed(spec)
    placebo = errors[1].placebo.highest if errors is not None else 1.0
    if evidence >= enough:
        return _failed(spec, readings, evidence, placebo)
    deciding = [reading for reading in readings if reading.weight > 0]
    kind, reason = _undecided(spec, state, deciding, evidence, defect)
    warnings = tuple([reading.warning for reading in readings if reading.warning])
    if warnings:
        reason = "; ".join([reason, *[f"warning: {warning}" for warning in warnings]])
    metrics = tuple([reading.evidence for reading in readings])
    if kind != "hold_external":
        return Verdict(kind, reason, evidence, enough, metrics, placebo=placebo, warnings=warnings)
    shared = state.seconds <= AFTER_STEP_S and any(reading.sudden for reading in deciding)
    if shared:
        reason = f"{reason}, {state.seconds:.0f} s after the step: the canary may harm what both depend on"
    return Verdict(kind, reason, evidence, enough, metrics, shared, placebo, warnings=warnings)


def _failed(spec: JudgeSpec, readings: tuple[Reading, ...], evidence: float, placebo: float) -> Verdict:
    blamed = culprits(spec, readings)
    metrics = tuple([replace(r.evidence, kind="fail") if r in blamed else r.evidence for r in readings])
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


# A stable that serves nobody: the candidate is judged by its own evidence, and nothing waits for stable to be well.
#
# Freezing the weight protects users while both versions may suffer from the same bad day. Where stable fails most of
# its requests there is nobody left to protect: what answers quickly with an error is no measure of latency, and the
# fix for all of it may be the candidate. It has to show that it serves: that its bad share is under `SERVES`, by a
# sequential likelihood ratio (Wald 1947) of a tenth of that against it, over the step's counts.

DEAD_SHARE = 0.5
"""Stable is dead when it fails this share of its requests lately ..."""
DEAD_N = 20
"""... of so many at least."""
SERVES = 0.05
"""A candidate serves when no more than this share of its requests fails."""
BURSTS = 2.0
"""The dispersion of its errors, where none is declared: what stable showed while it died says nothing of it."""
_GOOD = SERVES / 10


def is_dead(c: Comparison) -> bool:
    """Whether stable fails most of its requests, by what is known of it lately."""
    return c.known.recent_n >= DEAD_N and c.known.recent_x >= DEAD_SHARE * c.known.recent_n


def fails_most(arm: Arm) -> bool:
    """Whether this interval's requests mostly failed: what they took, and what came of them, is no measure."""
    return arm.errors > 0 and arm.errors >= DEAD_SHARE * arm.requests


def by_its_own_evidence(
    rule: ComparisonRule, c: Comparison, readings: tuple[Reading, ...]
) -> tuple[Reading, ...]:
    """The readings where stable is dead: errors decide, by what the candidate shows of itself; the rest is shown."""
    missing = _missing(rule, c)
    return tuple(
        replace(reading, external="", sudden=False, blocks=missing)
        if reading.evidence.metric.startswith("error_ratio")
        else replace(reading, weight=0.0)
        for reading in readings
    )


def _missing(rule: ComparisonRule, c: Comparison) -> str:
    """What still keeps the candidate from having shown that it serves; empty once it has."""
    phi = rule.phi or BURSTS
    lacking = math.log(rule.proof) - share_log(c.canary_n, c.canary_x, _GOOD, SERVES) / phi
    if lacking <= 0:
        return ""
    more = amount(lacking * phi / share_log(1, 0, _GOOD, SERVES))
    return f"stable fails most of its requests; about {more} more good requests of the canary show that it serves"
