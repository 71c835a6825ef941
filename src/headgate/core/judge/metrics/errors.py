"""The error ratio: the canary's against stable's, and against a limit of its own."""

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
from headgate.core.judge.evidence.counts import Pair, conditional_logs
from headgate.core.judge.evidence.exchange import alike, observe_exchange, scaled, start_exchange
from headgate.core.judge.evidence.limit import LimitRule, LimitTest, observe_limit, start_limit
from headgate.core.judge.evidence.limit import enter_step as enter_limit
from headgate.core.judge.evidence.mirror import Harm
from headgate.core.judge.evidence.process import Grid, Process, advance, grid_above, start_process
from headgate.core.judge.evidence.proportions import SMALLEST
from headgate.core.judge.metrics.kind import Arms, MetricKind, still_to_see
from headgate.core.judge.traffic import Workload
from headgate.core.judge.verdict.budget import interval_cap
from headgate.core.judge.verdict.reading import (
    Found,
    Reading,
    Subject,
    comparison_reading,
    limit_reading,
    missing_proof,
)
from headgate.core.judge.verdict.way import ERRORS, Watched, compared, limited, threshold_log
from headgate.core.judge.words import exactly
from headgate.core.model.criteria import ErrorRatio, JudgeSpec
from headgate.core.model.sample import Arm

# Stable against itself: the judge's own false alarms, measured where there can be no fault.
#
# Every other instance of stable plays the canary or, where there is one, the fresh baseline does. Where that evidence
# reaches what a verdict needs, the same rule would have failed stable against stable. It decides nothing.

PLACEBO_POINTS = 5


class PlaceboTest(msgspec.Struct, frozen=True, array_like=True):
    """The evidence against the half that plays the canary, and the most that it has been."""

    process: Process = start_process(PLACEBO_POINTS)
    highest: float = 1.0


def observe_placebo(
    grid: Grid,
    placebo: PlaceboTest,
    stable: tuple[int, float],
    half: tuple[int, int],
    how: tuple[float, float],
) -> PlaceboTest:
    """One more interval; `stable` and `half` are cases and bad cases, `how` the dispersion and the interval's cap."""
    (n, x), (half_n, half_x), (phi, cap) = stable, half, how
    if not x or not 0 < half_n < n:
        return placebo
    logs = conditional_logs(grid, Pair(half_n, half_x, n - half_n, x - half_x), phi)
    process = advance(placebo.process, logs, cap, 0.0)
    return PlaceboTest(process, max(placebo.highest, process.e_value))


POINTS = 12
LEARNT_N = 50
"""Requests of stable before its errors are known."""


class ErrorState(msgspec.Struct, frozen=True, array_like=True, tag="error_ratio"):
    """`limit` is None when the criterion has none; `key` is the second key, where one is asked for."""

    comparison: Comparison
    limit: LimitTest | None
    placebo: PlaceboTest = PlaceboTest()
    key: Process | None = None

    @property
    def e_value(self) -> float:
        """The evidence against the canary: where there are two keys, the lesser one."""
        e_value = self.comparison.process.e_value
        return e_value if self.key is None else min(e_value, self.key.e_value)


class ErrorRule(msgspec.Struct, frozen=True):
    """All that follows from the criterion alone."""

    rule: ComparisonRule
    limit: LimitRule | None
    subject: Subject
    placebo: Grid


@lru_cache(maxsize=64)
def error_rule(spec: JudgeSpec, criterion: ErrorRatio) -> ErrorRule:
    """How errors are judged."""
    cap = interval_cap(spec)
    harm = Harm(max(spec.worse, criterion.factor), spec.worse_by)
    grid, proof = grid_above(criterion.factor, POINTS), 1 / spec.beta
    rule = ComparisonRule(grid, harm, cap, spec.dispersion, spec.horizon_s, proof, alone=harm)
    limit = None if criterion.max is None else LimitRule(criterion.max, cap, spec.horizon_s)
    subject = Subject("error_ratio", "errors", criterion.factor)
    return ErrorRule(rule, limit, subject, grid_above(criterion.factor, PLACEBO_POINTS))


def start_errors(spec: JudgeSpec, criterion: ErrorRatio) -> ErrorState:
    """Nothing seen yet."""
    how = error_rule(spec, criterion)
    return ErrorState(start_comparison(how.rule), start_limit() if how.limit else None)


def enter_errors(state: ErrorState, risk: float) -> ErrorState:
    """A new step; `risk` is what the one after it risks."""
    limit = enter_limit(state.limit) if state.limit is not None else None
    return msgspec.structs.replace(state, comparison=enter_step(state.comparison, risk), limit=limit)


def half_of_instances(stable: Arm) -> tuple[int, int]:
    """Requests and errors of every other instance of stable, in the order of their names."""
    instances = stable.instances
    if len(instances) < 2:  # noqa: PLR2004
        return 0, 0
    requests = errors = 0
    for name in sorted(instances)[::2]:
        counts = instances[name]
        requests += counts.requests
        errors += counts.errors
    return requests, errors


def observe_errors(
    spec: JudgeSpec, criterion: ErrorRatio, state: ErrorState, arms: Arms, interval_s: float
) -> ErrorState:
    """One more interval. Where stable has a fresh part, that plays the canary in the placebo."""
    how = error_rule(spec, criterion)
    canary, beside = arms.canary, arms.beside
    stable = arms.stable.requests, arms.stable.errors
    before = state.comparison
    phi, limit = phi_of(how.rule, before), state.limit
    if limit is not None and how.limit is not None:
        limit = observe_limit(
            how.limit, limit, Pair(canary.requests, canary.errors, *stable), phi, interval_s
        )
    half = half_of_instances(arms.stable)
    pair = Pair(canary.requests, canary.errors, beside.requests, beside.errors)
    comparison = observe_pair(how.rule, before, pair, half, interval_s, phi, stable)
    double = half if arms.fresh is None else (beside.requests, beside.errors)
    placebo = observe_placebo(how.placebo, state.placebo, stable, double, (phi, how.rule.cap))
    key = _second_key(spec, state, comparison, arms, interval_s) if spec.exchangeable else None
    return ErrorState(comparison, limit, placebo, key)


def _second_key(
    spec: JudgeSpec, state: ErrorState, after: Comparison, arms: Arms, interval_s: float
) -> Process | None:
    """The second key after one more interval: None, that is like the first, until instances are alike."""
    before = state.comparison.process.e_value
    if alike(arms.beside, arms.canary):
        key = state.key or scaled(start_exchange(), before)
        return observe_exchange(key, (arms.beside, arms.canary), min(interval_s / spec.horizon_s, 1.0))
    return state.key and scaled(state.key, after.process.e_value / max(before, SMALLEST))


def read_errors(spec: JudgeSpec, criterion: ErrorRatio, state: ErrorState) -> tuple[Reading, ...]:
    """What errors say of the canary beside stable, and of the canary alone."""
    how = error_rule(spec, criterion)
    c = state.comparison
    blocks = missing_proof(how.rule, how.subject, c)
    found = Found(state.e_value, blocks)
    relative = comparison_reading(spec, how.rule, how.subject, c, criterion.weight, found)
    if state.limit is None or criterion.max is None:
        return (relative,)
    bounded = Subject("error_ratio_max", "errors", criterion.max)
    return relative, limit_reading(spec, bounded, state.limit, criterion.weight)


def judged_errors(spec: JudgeSpec, metrics: tuple[object, ...]) -> tuple[ErrorRatio, ErrorState] | None:
    """The criterion that judges errors, with what has been seen of it; None where none does."""
    for criterion, seen in zip(spec.criteria, metrics, strict=True):
        if isinstance(criterion, ErrorRatio) and isinstance(seen, ErrorState):
            return criterion, seen
    return None


def _words(criterion: ErrorRatio) -> tuple[str, ...]:
    limit = f", and at most {exactly(criterion.max)}" if criterion.max is not None else ""
    return (f"errors: no more than {criterion.factor:g}x the old version's{limit}",)


def _wrong(criterion: ErrorRatio) -> str:
    return "" if criterion.factor > 0 else "the margin of errors must be above 0"


def _unlearnt(criterion: ErrorRatio, seen: ErrorState) -> str:
    return still_to_see("errors", seen.comparison.known.n, LEARNT_N) if criterion.weight > 0 else ""


def _ways(spec: JudgeSpec, criterion: ErrorRatio, workload: Workload) -> list[Watched]:
    traffic, threshold = workload.errors, threshold_log(spec, criterion.weight)
    found = [compared(spec, ERRORS, error_rule(spec, criterion).rule, traffic, threshold)]
    if criterion.max is not None:
        found.append(limited(spec, ERRORS, criterion.max, traffic, criterion.weight))
    return found


KIND: MetricKind[ErrorRatio, ErrorState] = MetricKind(
    start=start_errors,
    enter=enter_errors,
    observe=observe_errors,
    read=read_errors,
    words=_words,
    wrong=_wrong,
    unlearnt=_unlearnt,
    learning_n=lambda _: LEARNT_N,
    harmed=lambda _, arm: arm.errors,
    ways=_ways,
    unknown=lambda _criterion, _workload: (),
    proof=lambda spec, criterion: (ERRORS, error_rule(spec, criterion).rule.harm),
    counts_failures=True,
)
