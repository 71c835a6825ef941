"""Latency from histograms: at each useful bucket bound, being over it is an error like any other.

The evidence is the average of the bounds' e-values, valid under any dependence between them; quantiles are never
interpolated and never subtracted. Which bounds are useful is settled once, from stable alone, before they are used.
A margin in milliseconds compares the canary's requests over a bound b + d with stable's over b, for a d at least as
wide as the margin: a canary that is no slower than that has no more of them.
"""

import math
from functools import lru_cache

import msgspec

from headgate.core.judge.evidence.comparison import (
    Comparison,
    ComparisonRule,
    enter_step,
    observe_pair,
    start_comparison,
)
from headgate.core.judge.evidence.counts import Pair
from headgate.core.judge.evidence.dispersion import Dispersion, cautious_phi, learn
from headgate.core.judge.evidence.histogram import (
    bound_at,
    histogram_defect,
    observations,
    over,
    shifted,
    useful_bounds,
)
from headgate.core.judge.evidence.limit import LimitRule, LimitTest, observe_limit, start_limit
from headgate.core.judge.evidence.limit import enter_step as enter_limit
from headgate.core.judge.evidence.mirror import Harm
from headgate.core.judge.evidence.process import grid_above
from headgate.core.judge.metrics.kind import Arms
from headgate.core.judge.verdict.budget import interval_cap
from headgate.core.model.criteria import JudgeSpec, Latency
from headgate.core.model.sample import Arm

POINTS = 6
SLOTS = 4
SETTLE_N = 100
"""Requests of stable before the useful bounds are chosen."""
LEARNT_N = 2 * SETTLE_N
"""Requests of stable before it is known how many are over them."""


class Slot(msgspec.Struct, frozen=True, array_like=True):
    """One bucket bound (`le_ms`) with the comparison of what is over it.

    `canary_le_ms` is the canary's own bound, which is higher where it may be slower by a time.
    """

    le_ms: float
    comparison: Comparison
    canary_le_ms: float


class LatencyState(msgspec.Struct, frozen=True, array_like=True, tag="latency"):
    """What has been seen of one latency criterion.

    `slots` are chosen once `seen_n` is large enough, the first of them proves no harm; until then `seen` counts
    stable's requests over each bound of `le`. `limit_*` belong to the absolute limit, counted at `limit_le_ms`.
    `risk` is what the step after the present one risks: for slots that are chosen in it.
    """

    slots: tuple[Slot, ...] = ()
    le: tuple[float, ...] = ()
    seen: tuple[int, ...] = ()
    seen_n: int = 0
    limit: LimitTest | None = None
    limit_dispersion: Dispersion = Dispersion()
    limit_le_ms: float | None = None
    defect: str = ""
    risk: float = 1.0


@lru_cache(maxsize=64)
def latency_rule(spec: JudgeSpec, criterion: Latency, *, proves: bool) -> ComparisonRule:
    """How what is over a bound is compared; only at the bound that `proves` is harm ruled out."""
    factor = criterion.factor or 1.0
    harm = Harm(max(spec.worse, factor), spec.worse_by) if proves else None
    cap = interval_cap(spec) + math.log(2)
    return ComparisonRule(
        grid_above(factor, POINTS), harm, cap, spec.dispersion, spec.horizon_s, 1 / spec.beta
    )


def start_latency(_spec: JudgeSpec, criterion: Latency) -> LatencyState:
    """Nothing seen yet."""
    return LatencyState(limit=start_limit() if criterion.max_ms is not None else None)


def enter_latency(state: LatencyState, risk: float) -> LatencyState:
    """A new step; `risk` is what the one after it risks."""
    slots = tuple(
        Slot(slot.le_ms, enter_step(slot.comparison, risk), slot.canary_le_ms) for slot in state.slots
    )
    limit = enter_limit(state.limit) if state.limit is not None else None
    return msgspec.structs.replace(state, slots=slots, limit=limit, risk=risk)


def _defect(stable: Arm, canary: Arm) -> str:
    for name, arm in (("stable", stable), ("the canary", canary)):
        if arm.latency_ms is None:
            if arm.requests:
                return f"no latency histogram from {name}"
        elif wrong := histogram_defect(arm.latency_ms):
            return f"{wrong}, from {name}"
    if stable.latency_ms and canary.latency_ms and stable.latency_ms.le != canary.latency_ms.le:
        return "stable and the canary have different bucket bounds"
    return ""


def observe_latency(
    spec: JudgeSpec, criterion: Latency, state: LatencyState, arms: Arms, interval_s: float
) -> LatencyState:
    """One more interval."""
    stable, canary, beside = arms.stable, arms.canary, arms.beside
    defect = _defect(stable, canary)
    histogram = stable.latency_ms or canary.latency_ms
    if defect or histogram is None:
        return msgspec.structs.replace(state, defect=defect)
    le, ns = histogram.le, (observations(stable), observations(canary))
    if criterion.max_ms is not None:
        state = _observe_limit(spec, criterion, state, ((stable, canary), ns, le), interval_s)
    if criterion.factor is None:
        return msgspec.structs.replace(state, defect="")
    if not state.slots:
        return _settle(spec, criterion, state, (stable, ns[0], le))
    gone = next((ms for slot in state.slots for ms in (slot.le_ms, slot.canary_le_ms) if ms not in le), None)
    if gone is not None:
        return msgspec.structs.replace(state, defect=f"the bound {gone:g} ms is gone from the histogram")
    rules = latency_rule(spec, criterion, proves=True), latency_rule(spec, criterion, proves=False)
    slots, beside_n = list[Slot](), observations(beside)
    for slot in state.slots:
        low, high = le.index(slot.le_ms), le.index(slot.canary_le_ms)
        pair = Pair(ns[1], over(canary, high, ns[1]), beside_n, over(beside, low, beside_n))
        rule, all_of_it = rules[1 if slots else 0], (ns[0], over(stable, low, ns[0]))
        compared = observe_pair(rule, slot.comparison, pair, (0, 0), interval_s, stable=all_of_it)
        slots.append(Slot(slot.le_ms, compared, slot.canary_le_ms))
    if state.limit is None:
        return LatencyState(tuple(slots), risk=state.risk)
    return msgspec.structs.replace(state, slots=tuple(slots), defect="")


def _settle(
    spec: JudgeSpec, criterion: Latency, state: LatencyState, stable: tuple[Arm, int, tuple[float, ...]]
) -> LatencyState:
    """Count stable's slow requests; with enough of them, choose the bounds. They are used from the next interval on."""
    arm, n, le = stable
    known = state.seen if state.le == le else (0,) * len(le)
    seen = tuple([before + over(arm, k, n) for k, before in enumerate(known)])
    total = n + (state.seen_n if state.le == le else 0)
    slots: tuple[Slot, ...] = ()
    if total >= SETTLE_N:
        canary = shifted(le, criterion.slower_ms or 0.0)
        shares = [x / total for x in seen]
        chosen = useful_bounds(le, shares, 1 - criterion.quantile, SLOTS, canary)
        slots = tuple(
            Slot(le[k], _chosen(spec, criterion, state.risk, proves=first == 0), le[canary[k]])
            for first, k in enumerate(chosen)
        )
        if not slots:
            apart = f"no two bucket bounds {criterion.slower_ms:g} ms apart where they are useful"
            defect = apart if criterion.slower_ms else "a histogram without a finite bound"
            return msgspec.structs.replace(state, le=le, seen=seen, seen_n=total, defect=defect)
    rest = ((), (), 0) if slots else (le, seen, total)
    return msgspec.structs.replace(state, slots=slots, le=rest[0], seen=rest[1], seen_n=rest[2], defect="")


def _chosen(spec: JudgeSpec, criterion: Latency, risk: float, *, proves: bool) -> Comparison:
    """The comparison of a bound that has just been chosen, in the middle of a step."""
    return enter_step(start_comparison(latency_rule(spec, criterion, proves=proves)), risk)


@lru_cache(maxsize=64)
def _limit_rule(spec: JudgeSpec, criterion: Latency) -> LimitRule:
    return LimitRule(1 - criterion.quantile, interval_cap(spec), spec.horizon_s)


def _observe_limit(
    spec: JudgeSpec,
    criterion: Latency,
    state: LatencyState,
    measured: tuple[tuple[Arm, Arm], tuple[int, int], tuple[float, ...]],
    interval_s: float,
) -> LatencyState:
    (stable, canary), (stable_n, canary_n), le = measured
    index = bound_at(le, criterion.max_ms or 0.0)
    if state.limit is None or index is None:
        return msgspec.structs.replace(state, limit_le_ms=None)
    pair = Pair(canary_n, over(canary, index, canary_n), stable_n, over(stable, index, stable_n))
    phi = max(1.0, spec.dispersion or cautious_phi(state.limit_dispersion))
    return msgspec.structs.replace(
        state,
        limit=observe_limit(_limit_rule(spec, criterion), state.limit, pair, phi, interval_s),
        limit_dispersion=learn(state.limit_dispersion, pair.stable_n, pair.stable_x, (0, 0)),
        limit_le_ms=le[index],
    )
