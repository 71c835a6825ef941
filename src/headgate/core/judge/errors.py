"""The error ratio: the canary's against stable's, and against a limit of its own."""

from functools import lru_cache

import msgspec

from headgate.core.criteria import ErrorRatio, JudgeSpec
from headgate.core.judge.budget import interval_cap
from headgate.core.judge.comparison import (
    Comparison,
    Rule,
    enter_step,
    observe_pair,
    phi_of,
    start_comparison,
)
from headgate.core.judge.conditional import conditional_logs
from headgate.core.judge.confidence import observe_likelihood, ratio_interval
from headgate.core.judge.grid import Grid, grid_above, grid_around
from headgate.core.judge.limit import Limit, LimitRule, observe_limit, start_limit
from headgate.core.judge.limit import enter_step as enter_limit
from headgate.core.judge.mirror import Harm
from headgate.core.judge.pair import Pair
from headgate.core.judge.reading import Reading, Subject, comparison_reading, limit_reading
from headgate.core.model.sample import Arm

POINTS = 16
BELOW = 5
"""Points above the allowed factor, for the evidence; and, for the ratio's interval alone, below it."""


class ErrorState(msgspec.Struct, frozen=True, array_like=True):
    """`likelihood` is that of the ratio, since the start; `limit` is None when the criterion has none."""

    comparison: Comparison
    likelihood: tuple[float, ...]
    limit: Limit | None


@lru_cache(maxsize=64)
def _rules(spec: JudgeSpec, criterion: ErrorRatio) -> tuple[Rule, LimitRule | None]:
    cap = interval_cap(spec)
    rule = Rule(
        grid_above(criterion.factor, POINTS),
        Harm(max(spec.worse, criterion.factor), spec.worse_by),
        cap,
        spec.dispersion,
        spec.horizon_s,
        1 / spec.beta,
    )
    return rule, None if criterion.max is None else LimitRule(criterion.max, cap, spec.horizon_s)


def _around(criterion: ErrorRatio) -> Grid:
    return grid_around(criterion.factor, POINTS, BELOW)


def start_errors(spec: JudgeSpec, criterion: ErrorRatio) -> ErrorState:
    """Nothing seen yet."""
    rule, limit = _rules(spec, criterion)
    return ErrorState(start_comparison(rule), (0.0,) * (BELOW + 1 + POINTS), start_limit() if limit else None)


def enter_errors(state: ErrorState) -> ErrorState:
    """A new step."""
    limit = enter_limit(state.limit) if state.limit is not None else None
    return ErrorState(enter_step(state.comparison), state.likelihood, limit)


def half_of_instances(stable: Arm) -> tuple[int, int]:
    """Requests and errors of every other instance of stable, in the order of their names."""
    if len(stable.instances) < 2:  # noqa: PLR2004
        return 0, 0
    counts = [stable.instances[name] for name in sorted(stable.instances)[::2]]
    return sum([c.requests for c in counts]), sum([c.errors for c in counts])


def observe_errors(
    spec: JudgeSpec, criterion: ErrorRatio, state: ErrorState, arms: tuple[Arm, Arm], interval_s: float
) -> ErrorState:
    """One more interval; `arms` are stable and canary."""
    rule, limit_rule = _rules(spec, criterion)
    stable, canary = arms
    pair = Pair(canary.requests, canary.errors, stable.requests, stable.errors)
    before = state.comparison
    phi, limit = phi_of(rule, before), state.limit
    if limit is not None and limit_rule is not None:
        limit = observe_limit(limit_rule, limit, pair, phi, interval_s)
    likelihood, logs = state.likelihood, None
    if (pair.canary_x or pair.stable_x) and pair.canary_n and pair.stable_n:
        around = conditional_logs(_around(criterion), pair)
        likelihood, logs = observe_likelihood(likelihood, around, phi), around[-POINTS:]
    comparison = observe_pair(rule, before, pair, half_of_instances(stable), interval_s, logs)
    return ErrorState(comparison, likelihood, limit)


def read_errors(spec: JudgeSpec, criterion: ErrorRatio, state: ErrorState) -> tuple[Reading, ...]:
    """What errors say, with the ratio's always-valid 95% interval."""
    rule, _ = _rules(spec, criterion)
    subject = Subject("error_ratio", "errors", criterion.factor)
    reading = comparison_reading(spec, rule, subject, state.comparison, criterion.weight)
    low, high = ratio_interval(_around(criterion), state.likelihood)
    evidence = msgspec.structs.replace(reading.evidence, low=low, high=high)
    relative = Reading(evidence, reading.weight, reading.blocks)
    if state.limit is None or criterion.max is None:
        return (relative,)
    bounded = Subject("error_ratio_max", "errors", criterion.max)
    return relative, limit_reading(spec, bounded, state.limit, criterion.weight)
