"""How the evidence grows: what one error of either arm adds to the log-evidence of each alternative, and how often."""

from functools import lru_cache

import msgspec

from headgate.core.criteria import ErrorRatio, JudgeSpec
from headgate.core.judge.comparison import HIGH_SHARE, Rule
from headgate.core.judge.conditional import conditional_logs
from headgate.core.judge.errors import error_rule
from headgate.core.judge.pair import Pair
from headgate.core.judge.planner.traffic import Traffic
from headgate.core.judge.proportions import proportion_logs

_SECONDS = 1_000_000
"""Counts are taken over a long time, and divided by it: rates need not be whole."""


class Growth(msgspec.Struct, frozen=True):
    """Untempered, for each alternative: the drift a second, and what an error of the canary or of stable adds.

    `canary` and `stable` are the variances, a second, of the two numbers of errors.
    """

    drift: tuple[float, ...]
    of_canary: tuple[float, ...]
    of_stable: tuple[float, ...]
    canary: float
    stable: float


def rule_of(spec: JudgeSpec) -> Rule:
    """The rule that errors are compared by (the default one, where errors are not judged)."""
    return error_rule(spec, spec.error_ratio or ErrorRatio()).rule


def _logs(rule: Rule, traffic: Traffic, pair: Pair) -> list[float]:
    if rule.exact or traffic.share * rule.grid.null > HIGH_SHARE:
        return proportion_logs(rule.grid, pair, traffic.share)
    return conditional_logs(rule.grid, pair)


@lru_cache(maxsize=4096)
def growth(rule: Rule, traffic: Traffic, weight: float, factor: float) -> Growth:
    """The growth of the evidence against a canary with `weight` percent that is `factor` times worse than stable."""
    n = traffic.rate * _SECONDS
    n1 = max(round(n * weight / 100), 1)
    n0 = max(round(n) - n1, 1)
    clean = _logs(rule, traffic, Pair(n1, 0.0, n0, 0.0))
    of_canary = [b - a for a, b in zip(clean, _logs(rule, traffic, Pair(n1, 1.0, n0, 0.0)), strict=True)]
    of_stable = [b - a for a, b in zip(clean, _logs(rule, traffic, Pair(n1, 0.0, n0, 1.0)), strict=True)]
    x1, x0 = traffic.canary_errors(weight, factor), traffic.stable_errors(weight)
    drift = [a / _SECONDS + x1 * b + x0 * c for a, b, c in zip(clean, of_canary, of_stable, strict=True)]
    spread = 1 - min(traffic.share * factor, 1.0)
    return Growth(
        tuple(drift),
        tuple(of_canary),
        tuple(of_stable),
        x1 * spread * traffic.phi,
        x0 * (1 - traffic.share) * traffic.phi,
    )
