"""What latency says after an interval."""

from functools import lru_cache

from headgate.core.criteria import JudgeSpec, Latency
from headgate.core.judge.latency import LatencyState, Slot, latency_rule
from headgate.core.judge.limit import Limit
from headgate.core.judge.reading import (
    Found,
    Reading,
    Subject,
    comparison_reading,
    limit_reading,
    missing_proof,
    unmeasured,
)
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


def _absolute(spec: JudgeSpec, criterion: Latency, state: LatencyState, limit: Limit) -> Reading:
    metric = f"{metric_name(criterion)}_max"
    if state.defect:
        return unmeasured(metric, "latency", state.defect, limit.process.e_value, criterion.weight)
    if state.limit_le_ms is None:
        why = f"no bucket bound at or above {criterion.max_ms:g} ms yet"
        return unmeasured(metric, "latency", why, limit.process.e_value, criterion.weight)
    subject = Subject(metric, f"requests over {state.limit_le_ms:g} ms", 1 - criterion.quantile)
    return limit_reading(spec, subject, limit, criterion.weight)
