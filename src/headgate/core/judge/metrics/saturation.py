"""A gauge of every instance (memory, CPU, threads, queue depth), against a limit and against stable's.

Readings come every moment and hang together, so blocks of time are judged (`blocks`), of each instance its lowest
reading: what never came down in the whole block. Whatever came before, under the null

* at most RARE of the canary's instances and blocks are over the limit;
* in at most half of the blocks the canary's middle instance is over `factor` times stable's highest one. Hosts differ:
  the highest of stable's instances is what the margin is on.

Each block is a bet on a quantity in [0, 1] with a known highest mean (Waudby-Smith & Ramdas 2024), so a version within
this is ever failed with probability alpha at most (Ville 1939). Instances younger than the warm-up are not judged. That
it rises (`trend`) is a warning: it never fails a version, and keeps none from passing.
"""

import math

import msgspec
from msgspec.structs import replace

from headgate.core.judge.evidence.gauges import Shown, Trend, emptied, extend, lowest, middle, seen, slope
from headgate.core.judge.evidence.process import Process, advance, idle, odds_grid, start_process
from headgate.core.judge.evidence.proportions import share_logs
from headgate.core.judge.metrics.kind import Arms, MetricKind
from headgate.core.judge.verdict.reading import Reading, suspicious, unmeasured
from headgate.core.judge.words import duration, times
from headgate.core.model.criteria import JudgeSpec, Saturation
from headgate.core.model.verdict import Evidence, VerdictKind

POINTS = 10
RARE = 0.1
"""The share of blocks that a good version's instances may be over the limit in."""
HALF = 0.5
IDLE = 0.1
"""Under this share of the limit nothing is saturated, however much more it is than stable's."""
PLAIN = 100.0
"""So much evidence for a rise is said aloud."""
_MEGA = 1e6


class SaturationState(msgspec.Struct, frozen=True, array_like=True, tag="saturation"):
    """`limit` and `comparison` are the evidence since the start; None: not asked for.

    `canary` and `beside` are the instances of either arm in a block that has lasted `block_s`. `blocks` are the whole
    ones in the present step, `level` the canary's middle in the last one, `highest` stable's highest, `over` the share
    of the canary's instances over the limit, `excused`: stable's were, too. `rise` is by how much more it is each
    block, where that is plain. `silent`: the canary showed nothing in the last interval.
    """

    limit: Process | None
    comparison: Process | None
    canary: dict[str, Shown] = {}
    beside: dict[str, Shown] = {}
    block_s: float = 0.0
    blocks: int = 0
    level: float = 0.0
    highest: float | None = None
    over: float = 0.0
    excused: bool = False
    trend: Trend = Trend()
    beside_trend: Trend = Trend()
    rise: float = 0.0
    silent: bool = True


def start_saturation(_spec: JudgeSpec, criterion: Saturation) -> SaturationState:
    """Nothing seen yet."""
    return SaturationState(
        start_process(POINTS) if criterion.max is not None else None,
        start_process(POINTS) if criterion.factor is not None else None,
    )


def enter_saturation(state: SaturationState, _risk: float) -> SaturationState:
    """A new step: with more traffic more is used, and that is no trend."""
    return replace(
        state,
        canary=emptied(state.canary),
        beside=emptied(state.beside),
        block_s=0.0,
        blocks=0,
        trend=Trend(),
        beside_trend=Trend(),
        rise=0.0,
    )


def observe_saturation(
    spec: JudgeSpec, criterion: Saturation, state: SaturationState, arms: Arms, interval_s: float
) -> SaturationState:
    """One more interval. A block goes on only while the canary shows something: what was not read is not known."""
    readings = arms.canary.gauges.get(criterion.name, {})
    state = replace(
        state,
        canary=seen(state.canary, readings, interval_s),
        beside=seen(state.beside, arms.beside.gauges.get(criterion.name, {}), interval_s),
        block_s=state.block_s + (interval_s if readings else 0.0),
        silent=not readings,
    )
    return state if state.block_s < criterion.block_s else _closed(spec, criterion, state)


def _closed(spec: JudgeSpec, criterion: Saturation, state: SaturationState) -> SaturationState:
    """The block is whole."""
    old_enough_s = criterion.warm_up_s + state.block_s
    canary, beside = lowest(state.canary, old_enough_s), lowest(state.beside, old_enough_s)
    release = min(state.block_s / spec.horizon_s, 1.0)
    state = replace(state, canary=emptied(state.canary), beside=emptied(state.beside), block_s=0.0)
    if not canary:
        return state
    state = _against_limit(criterion, state, (canary, beside), release)
    state = replace(
        state, blocks=state.blocks + 1, level=middle(canary), highest=beside[-1] if beside else None
    )
    return _with_trend(criterion, _against_stable(criterion, state, release), beside)


def _against_limit(
    criterion: Saturation, state: SaturationState, both: tuple[list[float], list[float]], release: float
) -> SaturationState:
    if state.limit is None or criterion.max is None:
        return state
    canary, beside = (_share_over(one, criterion.max) for one in both)
    if beside > HALF:
        return replace(state, limit=idle(state.limit, release), over=canary, excused=True)
    logs = share_logs(odds_grid(RARE, POINTS), 1, canary)
    return replace(state, limit=advance(state.limit, logs, math.inf, release), over=canary, excused=False)


def _share_over(levels: list[float], limit: float) -> float:
    return sum(level > limit for level in levels) / len(levels) if levels else 0.0


def _against_stable(criterion: Saturation, state: SaturationState, release: float) -> SaturationState:
    if state.comparison is None:
        return state
    if (
        not state.highest or criterion.factor is None
    ):  # nothing on stable, or none of it: no measure of anything
        return replace(state, comparison=idle(state.comparison, release))
    worse = state.level > _allowed(criterion, criterion.factor, state.highest)
    logs = share_logs(odds_grid(HALF, POINTS), 1, float(worse))
    return replace(state, comparison=advance(state.comparison, logs, math.inf, release))


def _allowed(criterion: Saturation, factor: float, highest: float) -> float:
    return max(factor * highest, IDLE * (criterion.max or 0.0))


def _with_trend(criterion: Saturation, state: SaturationState, beside: list[float]) -> SaturationState:
    trend = extend(state.trend, state.level)
    other = extend(state.beside_trend, middle(beside)) if beside else state.beside_trend
    plain = trend.e_value >= PLAIN > other.e_value
    rise = max(slope(trend), 0.0) / criterion.block_s if plain else 0.0
    return replace(state, trend=trend, beside_trend=other, rise=rise)


def read_saturation(spec: JudgeSpec, criterion: Saturation, state: SaturationState) -> tuple[Reading, ...]:
    """What the gauge says of the canary beside stable, against the limit, and whether it rises."""
    found: list[Reading] = []
    if state.comparison is not None:
        found.append(_relative(spec, criterion, state, state.comparison.e_value))
    if state.limit is not None:
        found.append(_absolute(spec, criterion, state, state.limit.e_value))
    return (*found, _rising(spec, criterion, state))


def _missing(criterion: Saturation, state: SaturationState) -> str:
    """What has to be seen yet before anything can be said of this step, or nothing."""
    if state.blocks:
        return ""
    oldest_s = max((one.age_s for one in state.canary.values()), default=0.0)
    if oldest_s < criterion.warm_up_s:
        return f"its instances are judged {criterion.warm_up_s:g} s after they started"
    return f"not one block of {criterion.block_s:g} s of the canary seen in this step yet"


def _relative(spec: JudgeSpec, criterion: Saturation, state: SaturationState, e_value: float) -> Reading:
    name, weight, factor = criterion.name, criterion.weight, criterion.factor or 1.0
    if state.silent:
        return unmeasured(name, name, "no reading from the canary", e_value, weight)
    missing = _missing(criterion, state)
    if missing:
        return _waiting(name, name, missing, e_value, weight)
    level = amount_of(criterion, state.level)
    if state.highest is None:
        note = f"{name} {level}, nothing on stable to compare with"
        return Reading(Evidence(name, "pass", e_value, canary=state.level, note=note), weight)
    ratio = state.level / state.highest if state.highest > 0 else None
    measured = f"{times(ratio)}, " if ratio is not None else ""
    beside = f"{amount_of(criterion, state.highest)} at most on stable ({measured}allowed {times(factor)})"
    worse = state.highest > 0 and state.level > _allowed(criterion, factor, state.highest)
    blocks = f"{name}: worse than allowed in the last {criterion.block_s:g} s" if worse else ""
    evidence = Evidence(
        name,
        _kind(spec, e_value, blocks),
        e_value,
        state.highest,
        state.level,
        ratio,
        note=f"{name} {level} against {beside}",
    )
    return Reading(evidence, weight, blocks)


def _absolute(spec: JudgeSpec, criterion: Saturation, state: SaturationState, e_value: float) -> Reading:
    name, limit = criterion.name, criterion.max or 0.0
    metric = f"{name}_limit"
    if state.silent:
        return unmeasured(metric, name, "no reading from the canary", e_value, criterion.weight)
    missing = _missing(criterion, state)
    if missing:
        return _waiting(metric, name, missing, e_value, criterion.weight)
    level = amount_of(criterion, state.level)
    note = f"{name} {level} (at most {amount_of(criterion, limit)} allowed)"
    blocks = f"{name}: over the limit in the last {criterion.block_s:g} s" if state.over > 0 else ""
    external = ""
    if state.excused and state.over > 0:
        blocks = external = f"stable itself breaks the limit for {name}: not charged to the canary"
        note = f"{note}; {external}"
    ratio = state.level / limit if limit > 0 else None
    evidence = Evidence(
        metric, _kind(spec, e_value, blocks), e_value, canary=state.level, ratio=ratio, note=note
    )
    return Reading(evidence, criterion.weight, blocks, external)


def _waiting(metric: str, noun: str, why: str, e_value: float, weight: float) -> Reading:
    return Reading(Evidence(metric, "watch", e_value, note=f"{noun}: {why}"), weight, f"{noun}: {why}")


def _kind(spec: JudgeSpec, e_value: float, blocks: str) -> VerdictKind:
    return "inconclusive" if suspicious(spec, e_value) else "watch" if blocks else "pass"


def _rising(spec: JudgeSpec, criterion: Saturation, state: SaturationState) -> Reading:
    """The trend, which has no part in the decision."""
    warning = _warning(spec, criterion, state)
    note = warning or f"{criterion.name}: no plain rise in this step"
    kind: VerdictKind = "watch" if warning else "pass"
    evidence = Evidence(f"{criterion.name}_trend", kind, state.trend.e_value, canary=state.level, note=note)
    return Reading(evidence, 0.0, warning=warning)


def _warning(spec: JudgeSpec, criterion: Saturation, state: SaturationState) -> str:
    """That it rises, and when it would reach the limit (or twice what it is), where that is within the horizon."""
    if state.rise <= 0:
        return ""
    end = criterion.max if criterion.max is not None else 2 * state.level
    left_s = max(end - state.level, 0.0) / state.rise
    if left_s > spec.horizon_s:
        return ""
    what = "the limit" if criterion.max is not None else "twice as much"
    each = amount_of(criterion, state.rise * 60)
    return f"{criterion.name} rises by {each} a minute, to {what} in about {duration(left_s)}"


def amount_of(criterion: Saturation, value: float) -> str:
    """A reading as people read it."""
    return f"{value / _MEGA:.4g} MB" if criterion.unit == "bytes" else f"{value:.4g}"


def _words(criterion: Saturation) -> tuple[str, ...]:
    parts: list[str] = []
    if criterion.factor is not None:
        parts.append(f"no more than {criterion.factor:g}x the old version's highest")
    if criterion.max is not None:
        parts.append(f"at most {amount_of(criterion, criterion.max)}")
    since = f"from {duration(criterion.warm_up_s)} after its start on"
    return (f"{criterion.name} of each instance, {since}: {', and '.join(parts)}; a warning where it rises",)


def _wrong(criterion: Saturation) -> str:
    if criterion.factor is None and criterion.max is None:
        return "nothing limits this gauge: neither a limit nor stable's"
    if criterion.factor is not None and criterion.factor < 1:
        return "stable's own share of it must be allowed: at least 1x"
    return "" if criterion.block_s > 0 else "a block has a length"


KIND: MetricKind[Saturation, SaturationState] = MetricKind(
    start=start_saturation,
    enter=enter_saturation,
    observe=observe_saturation,
    read=read_saturation,
    words=_words,
    wrong=_wrong,
    unlearnt=lambda _criterion, _seen: "",  # stable is still there to be read after its traffic has gone
    learning_n=lambda _: 0,
    harmed=lambda _criterion, _arm: 0,
    ways=lambda _spec, _criterion, _workload: [],
    unknown=lambda criterion, _workload: (criterion.name,),
    proof=lambda _spec, _criterion: None,
    least_s=lambda criterion: criterion.warm_up_s + 2 * criterion.block_s,
)
