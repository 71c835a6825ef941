"""Latency: what is said of it after an interval, and what it promises; `slots` has how it is observed."""

import math
from functools import lru_cache

import msgspec

from headgate.core.judge.evidence.histogram import shifted, useful_bounds
from headgate.core.judge.evidence.limit import LimitTest
from headgate.core.judge.evidence.mirror import Harm
from headgate.core.judge.metrics.kind import MetricKind, still_to_see
from headgate.core.judge.metrics.slots import (
    LEARNT_N,
    SETTLE_N,
    SLOTS,
    LatencyState,
    Slot,
    enter_latency,
    latency_rule,
    observe_latency,
    start_latency,
)
from headgate.core.judge.traffic import LEAST_BASE, Traffic, Workload
from headgate.core.judge.verdict.reading import (
    Found,
    Reading,
    Subject,
    comparison_reading,
    limit_reading,
    missing_proof,
    unmeasured,
)
from headgate.core.judge.verdict.way import Watched, compared, limited, threshold_log
from headgate.core.model.criteria import JudgeSpec, Latency
from headgate.core.model.sample import Arm
from headgate.core.model.verdict import Evidence


def read_latency(spec: JudgeSpec, criterion: Latency, state: LatencyState) -> tuple[Reading, ...]:
    """The relative reading at the most telling bound, and the absolute one."""
    readings: tuple[Reading, ...] = ()
    if criterion.factor is not None:
        readings = (_relative(spec, criterion, state),)
    if criterion.max_ms is not None and state.limit is not None:
        readings = (*readings, _absolute(spec, criterion, state, state.limit))
    return readings


def metric_name(criterion: Latency) -> str:
    """`latency_p99` for the quantile 0.99."""
    return f"latency_p{100 * criterion.quantile:g}"


def _relative(spec: JudgeSpec, criterion: Latency, state: LatencyState) -> Reading:
    metric, slots = metric_name(criterion), state.slots
    e_values = [slot.comparison.process.e_value for slot in slots]
    e_value = sum(e_values) / len(e_values) if e_values else 1.0
    if state.defect:
        return unmeasured(metric, "latency", state.defect, e_value, criterion.weight)
    if not slots and not state.seen_n:
        note = "latency: no stable to compare with"
        return Reading(Evidence(metric, "no_data", e_value, note=note), criterion.weight)
    if not slots:
        return unmeasured(metric, "latency", "too few requests on stable yet", 1.0, criterion.weight)
    first, rule = slots[0], latency_rule(spec, criterion, proves=True)
    telling = max(slots, key=_tells)
    blocks = missing_proof(rule, _subject(criterion, first.le_ms, first.canary_le_ms), first.comparison)
    return comparison_reading(
        spec,
        rule,
        _subject(criterion, telling.le_ms, telling.canary_le_ms),
        telling.comparison,
        criterion.weight,
        Found(e_value, blocks),
    )


def _tells(slot: Slot) -> tuple[bool, float]:
    """The bound with the most evidence; one that nothing was over says little."""
    c = slot.comparison
    return bool(c.canary_x or c.stable_x), c.process.e_value


@lru_cache(maxsize=256)
def _subject(criterion: Latency, le_ms: float, canary_le_ms: float) -> Subject:
    noun, factor = f"requests over {canary_le_ms:g} ms", criterion.factor or 1.0
    beside = "" if canary_le_ms == le_ms else f"over {le_ms:g} ms "
    return Subject(metric_name(criterion), noun, factor, beside=beside)


def _absolute(spec: JudgeSpec, criterion: Latency, state: LatencyState, limit: LimitTest) -> Reading:
    metric = f"{metric_name(criterion)}_max"
    if state.defect:
        return unmeasured(metric, "latency", state.defect, limit.process.e_value, criterion.weight)
    if state.limit_le_ms is None:
        why = f"no bucket bound at or above {criterion.max_ms:g} ms yet"
        return unmeasured(metric, "latency", why, limit.process.e_value, criterion.weight)
    subject = Subject(metric, f"requests over {state.limit_le_ms:g} ms", 1 - criterion.quantile)
    return limit_reading(spec, subject, limit, criterion.weight)


def _words(criterion: Latency) -> tuple[str, ...]:
    name = f"p{100 * criterion.quantile:g}"
    compared_by = (
        f"no more than {criterion.factor:g}x as many slow requests" if criterion.factor is not None else ""
    )
    limit = f"at most {criterion.max_ms:g} ms" if criterion.max_ms is not None else ""
    parts = [part for part in (compared_by, limit) if part]
    return (f"{name} latency: {', and '.join(parts)}",) if parts else ()


def _wrong(criterion: Latency) -> str:
    return "" if 0 < criterion.quantile < 1 else "a quantile lies between 0 and 1"


def _unlearnt(criterion: Latency, seen: LatencyState) -> str:
    """The bounds are chosen first; then it is counted how much is over them."""
    if criterion.factor is None or criterion.weight <= 0 or seen.defect:
        return ""
    if not seen.slots:
        return still_to_see("latency", seen.seen_n, LEARNT_N)
    return still_to_see("latency", SETTLE_N + seen.slots[0].comparison.known.n, LEARNT_N)


def _learning_n(criterion: Latency) -> int:
    return LEARNT_N if criterion.factor is not None and criterion.weight > 0 else 0


def _slow(criterion: Latency, arm: Arm) -> int:
    """Requests over the first bucket bound that is not below the limit; the last bound may be below it."""
    if criterion.max_ms is None or arm.latency_ms is None:
        return 0
    pairs = zip(arm.latency_ms.le, arm.latency_ms.count, strict=True)
    within = next((count for le, count in pairs if le >= criterion.max_ms), arm.requests)
    return max(0, arm.requests - within)


def _ways(spec: JudgeSpec, criterion: Latency, workload: Workload) -> list[Watched]:
    found = _bounds(spec, criterion, workload) if criterion.factor is not None else []
    over_it = next((share for le, share in workload.slow if le >= (criterion.max_ms or math.inf)), None)
    if criterion.max_ms is not None and over_it is not None:
        traffic = Traffic(workload.errors.rate, over_it)
        found.append(limited(spec, metric_name(criterion), 1 - criterion.quantile, traffic, criterion.weight))
    return found


def _bounds(spec: JudgeSpec, criterion: Latency, workload: Workload) -> list[Watched]:
    """Each useful bound; where stable's latency is not known, one bound that just the allowed share is over.

    A margin in milliseconds moves the canary to a higher bound: without a histogram nothing can be said of it.
    """
    rate, allowed, name = workload.errors.rate, 1 - criterion.quantile, metric_name(criterion)
    rule = latency_rule(spec, criterion, proves=False)

    def way(share: float, spared: float, slots: int) -> Watched:
        threshold = threshold_log(spec, criterion.weight, slots)
        one = compared(spec, name, rule, Traffic(rate, share), threshold)
        return msgspec.structs.replace(one, settle_s=SETTLE_N / rate, spared=spared)

    if not workload.slow:
        return [] if criterion.slower_ms else [way(allowed, 1.0, SLOTS)]
    bounds, slow = tuple([le for le, _ in workload.slow]), [share for _, share in workload.slow]
    canary = shifted(bounds, criterion.slower_ms or 0.0)
    chosen = useful_bounds(bounds, slow, allowed, SLOTS, canary)
    low = [max(share, LEAST_BASE) for share in slow]
    return [way(low[k], low[canary[k]] / low[k], len(chosen)) for k in chosen]


def _unknown(criterion: Latency, workload: Workload) -> tuple[str, ...]:
    if workload.slow:
        return ()
    name = metric_name(criterion)
    limit = (f"{name} limit",) if criterion.max_ms is not None else ()
    return (*limit, f"{name} margin") if criterion.factor is not None and criterion.slower_ms else limit


def _proof(spec: JudgeSpec, criterion: Latency) -> tuple[str, Harm | None] | None:
    if criterion.factor is None:
        return None
    return metric_name(criterion), latency_rule(spec, criterion, proves=True).harm


KIND: MetricKind[Latency, LatencyState] = MetricKind(
    start=start_latency,
    enter=enter_latency,
    observe=observe_latency,
    read=read_latency,
    words=_words,
    wrong=_wrong,
    unlearnt=_unlearnt,
    learning_n=_learning_n,
    harmed=_slow,
    ways=_ways,
    unknown=_unknown,
    proof=_proof,
)
