"""Business signals: shares of good cases (orders completed per checkout), compared exactly as two proportions.

Where high is good, the null is "the canary's share is at least (1 - margin) times stable's"; where low is good, "at
most (1 + margin) times". Bets on bounded quantities: Waudby-Smith & Ramdas 2024; the form for two arms: `proportions`.
"""

import math
from functools import lru_cache

import msgspec

from headgate.core.judge.evidence.comparison import (
    Comparison,
    ComparisonRule,
    enter_step,
    observe_pair,
    phi_of,
    start_comparison,
)
from headgate.core.judge.evidence.counts import Pair
from headgate.core.judge.evidence.known import KNOWN_N
from headgate.core.judge.evidence.limit import LimitRule, LimitTest, observe_limit, start_limit
from headgate.core.judge.evidence.limit import enter_step as enter_limit
from headgate.core.judge.evidence.mirror import Harm
from headgate.core.judge.evidence.process import grid_above, grid_below
from headgate.core.judge.metrics.kind import Arms, MetricKind, still_to_see
from headgate.core.judge.traffic import Traffic, Workload
from headgate.core.judge.verdict.budget import interval_cap
from headgate.core.judge.verdict.reading import (
    Reading,
    Subject,
    comparison_reading,
    limit_reading,
    unmeasured,
)
from headgate.core.judge.verdict.way import Watched, compared, limited, threshold_log
from headgate.core.judge.words import exactly
from headgate.core.model.criteria import JudgeSpec, MeanCriterion
from headgate.core.model.sample import Arm, Mean

POINTS = 8
EARLY_MAX = 50.0
"""More than this cannot have arrived before its cases: the signal is no share."""
_NONE = Mean(0.0, 0)


class MeanState(msgspec.Struct, frozen=True, array_like=True, tag="mean"):
    """`limit` is None when the criterion has none; `defect` says what was wrong with the last interval's numbers.

    `*_early` are sums that arrived before their cases (an order finished in one interval, its checkout counted in the
    next): they wait for them.
    """

    comparison: Comparison
    limit: LimitTest | None
    stable_early: float = 0.0
    canary_early: float = 0.0
    defect: str = ""
    fresh_early: float = 0.0


def _harm(spec: JudgeSpec, criterion: MeanCriterion) -> Harm:
    """As far again from stable as is allowed, and at least `worse` times, in the bad direction."""
    if criterion.higher_is_better:
        return Harm(min(1 / spec.worse, (1 - criterion.margin) ** 2), None)
    return Harm(max(spec.worse, (1 + criterion.margin) ** 2), spec.worse_by)


@lru_cache(maxsize=64)
def mean_rules(spec: JudgeSpec, criterion: MeanCriterion) -> tuple[ComparisonRule, LimitRule | None]:
    """How a business signal is compared with stable, and with its limit, if it has one."""
    cap = interval_cap(spec)
    up, floor = criterion.higher_is_better, max(1 - criterion.margin, 0.01)
    grid = grid_below(floor, POINTS) if up else grid_above(1 + criterion.margin, POINTS)
    harm, proof = _harm(spec, criterion), 1 / spec.beta
    rule = ComparisonRule(grid, harm, cap, spec.dispersion, spec.horizon_s, proof, exact=True, alone=harm)
    if criterion.limit is None:
        return rule, None
    return rule, LimitRule(1 - criterion.limit if up else criterion.limit, cap, spec.horizon_s)


def start_mean(spec: JudgeSpec, criterion: MeanCriterion) -> MeanState:
    """Nothing seen yet."""
    rule, limit = mean_rules(spec, criterion)
    return MeanState(start_comparison(rule), start_limit() if limit else None)


def enter_mean(state: MeanState, risk: float) -> MeanState:
    """A new step; `risk` is what the one after it risks."""
    limit = enter_limit(state.limit) if state.limit is not None else None
    return msgspec.structs.replace(
        state, comparison=enter_step(state.comparison, risk), limit=limit, defect=""
    )


def mean_defect(mean: Mean) -> str:
    """What is wrong with a mean's numbers, or nothing."""
    if not math.isfinite(mean.sum):
        return "a sum that is no number"
    if mean.n < 0 or mean.sum < 0:
        return f"a sum of {mean.sum:g} over {mean.n} cases is no share"
    return ""


def _settled(mean: Mean, early: float, arm: str) -> tuple[float, float, str]:
    """The sum to count with, what is left for the next interval, and what is wrong when that is too much."""
    due = mean.sum + early
    counted = min(due, mean.n)
    left = due - counted
    return counted, left, f"{left:g} more than cases on {arm}: no share" if left > EARLY_MAX else ""


def _bounded(criterion: MeanCriterion, pair: Pair) -> Pair:
    """The pair as bad cases, for the absolute limit."""
    if not criterion.higher_is_better:
        return pair
    return Pair(pair.canary_n, pair.canary_n - pair.canary_x, pair.stable_n, pair.stable_n - pair.stable_x)


def observe_mean(
    spec: JudgeSpec, criterion: MeanCriterion, state: MeanState, arms: Arms, interval_s: float
) -> MeanState:
    """One more interval."""
    stable, canary, fresh = (_mean(arm, criterion.name) for arm in arms)
    defect = mean_defect(stable) or mean_defect(canary) or mean_defect(fresh)
    if defect:
        return msgspec.structs.replace(state, defect=defect)
    stable_x, stable_early, odd_stable = _settled(stable, state.stable_early, "stable")
    canary_x, canary_early, odd_canary = _settled(canary, state.canary_early, "the canary")
    fresh_x, fresh_early, odd_fresh = _settled(fresh, state.fresh_early, "the fresh baseline")
    if odd_stable or odd_canary or odd_fresh:
        return msgspec.structs.replace(state, defect=odd_stable or odd_canary or odd_fresh)
    rule, limit_rule = mean_rules(spec, criterion)
    pair = Pair(canary.n, canary_x, stable.n, stable_x)
    before, limit = state.comparison, state.limit
    if limit is not None and limit_rule is not None:
        limit = observe_limit(limit_rule, limit, _bounded(criterion, pair), phi_of(rule, before), interval_s)
    compared = pair if arms.fresh is None else Pair(canary.n, canary_x, fresh.n, fresh_x)
    all_of_it = pair.stable_n, pair.stable_x
    comparison = observe_pair(rule, before, compared, (0, 0), interval_s, stable=all_of_it)
    return MeanState(comparison, limit, stable_early, canary_early, fresh_early=fresh_early)


def _mean(arm: Arm | None, name: str) -> Mean:
    return arm.means.get(name, _NONE) if arm is not None else _NONE


def read_mean(spec: JudgeSpec, criterion: MeanCriterion, state: MeanState) -> tuple[Reading, ...]:
    """What this business signal says."""
    rule, _ = mean_rules(spec, criterion)
    up, name = criterion.higher_is_better, criterion.name
    subject = Subject(name, name, rule.grid.null, unit="case")
    if state.defect:
        relative = unmeasured(name, name, state.defect, state.comparison.process.e_value, criterion.weight)
    else:
        relative = comparison_reading(spec, rule, subject, state.comparison, criterion.weight)
    if state.limit is None or criterion.limit is None:
        return (relative,)
    share = 1 - criterion.limit if up else criterion.limit
    bounded = Subject(f"{name}_limit", name, share, unit="case", good=up)
    return relative, limit_reading(spec, bounded, state.limit, criterion.weight)


def _words(criterion: MeanCriterion) -> tuple[str, ...]:
    direction = "lower" if criterion.higher_is_better else "higher"
    line = f"{criterion.name}: at most {exactly(criterion.margin)} {direction} than the old version's"
    if criterion.limit is None:
        return (line,)
    side = "under" if criterion.higher_is_better else "over"
    return (f"{line}, and never {side} {exactly(criterion.limit)}",)


def _unlearnt(criterion: MeanCriterion, seen: MeanState) -> str:
    if criterion.weight <= 0 or seen.defect:
        return ""
    return still_to_see(criterion.name, seen.comparison.known.n, KNOWN_N, "cases")


def _lost(criterion: MeanCriterion, arm: Arm) -> int:
    """Cases that did not come to their good end."""
    mean = arm.means.get(criterion.name) if criterion.higher_is_better else None
    return max(0, round(mean.n - mean.sum)) if mean is not None else 0


def _ways(spec: JudgeSpec, criterion: MeanCriterion, workload: Workload) -> list[Watched]:
    traffic = dict(workload.signals).get(criterion.name)
    if traffic is None:
        return []
    good, threshold = criterion.higher_is_better, threshold_log(spec, criterion.weight)
    way = compared(spec, criterion.name, mean_rules(spec, criterion)[0], traffic, threshold)
    found = [msgspec.structs.replace(way, good=good)]
    if criterion.limit is not None:  # against a limit the judge always counts what is bad
        share = 1 - criterion.limit if good else criterion.limit
        bad = Traffic(traffic.rate, 1 - traffic.base, traffic.phi) if good else traffic
        way = limited(spec, criterion.name, share, bad, criterion.weight)
        found.append(msgspec.structs.replace(way, good=good))
    return found


def _unknown(criterion: MeanCriterion, workload: Workload) -> tuple[str, ...]:
    return () if criterion.name in dict(workload.signals) else (criterion.name,)


KIND: MetricKind[MeanCriterion, MeanState] = MetricKind(
    start=start_mean,
    enter=enter_mean,
    observe=observe_mean,
    read=read_mean,
    words=_words,
    wrong=lambda _: "",
    unlearnt=_unlearnt,
    learning_n=lambda _: 0,
    harmed=_lost,
    ways=_ways,
    unknown=_unknown,
    proof=lambda spec, criterion: (criterion.name, mean_rules(spec, criterion)[0].harm),
)
