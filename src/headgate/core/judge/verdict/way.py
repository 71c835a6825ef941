"""A way to a failing verdict, as a planner sees it: how the evidence of one metric grows with its traffic."""

import math
from typing import Literal

import msgspec

from headgate.core.judge.evidence.comparison import HIGH_SHARE, ComparisonRule
from headgate.core.judge.evidence.counts import Pair, conditional_logs
from headgate.core.judge.evidence.limit import LimitRule
from headgate.core.judge.evidence.process import Grid
from headgate.core.judge.evidence.proportions import proportion_logs, share_logs
from headgate.core.judge.evidence.risk import needed
from headgate.core.judge.traffic import Traffic
from headgate.core.judge.verdict.budget import interval_cap, weights
from headgate.core.model.criteria import JudgeSpec
from headgate.core.model.routing import WHOLE, beside

Form = Literal["counts", "proportions", "limit"]
ERRORS = "errors"
WORST_GOOD = 1000.0
"""So many times fewer good cases are as good as none."""


class Watched(msgspec.Struct, frozen=True, cache_hash=True):
    """One way to a failing verdict, while every other metric says nothing.

    `threshold_log` is the log-evidence that it takes; `phi` the declared dispersion; `settle_s` how long it looks on
    before it counts. `good`: what is counted should be high, so "twice as bad" is half as much. `spared`: the part of
    stable's share that a canary as good as stable has, where it is counted at a bound of its own (a margin in ms).
    `fresh`: it is compared with a fresh baseline.
    """

    signal: str
    rule: ComparisonRule | LimitRule
    traffic: Traffic
    threshold_log: float
    interval_s: float
    phi: float | None
    good: bool = False
    settle_s: float = 0.0
    spared: float = 1.0
    fresh: bool = False

    @property
    def form(self) -> Form:
        """How the judge weighs counts."""
        if isinstance(self.rule, LimitRule):
            return "limit"
        high = self.rule.exact or self.traffic.share * self.rule.grid.null > HIGH_SHARE
        return "proportions" if high else "counts"

    @property
    def grid(self) -> Grid:
        """The alternatives."""
        return self.rule.grid

    @property
    def cap(self) -> float:
        """The most that one interval adds to the log-evidence."""
        declared = isinstance(self.rule, ComparisonRule) and self.rule.phi is not None
        return math.inf if declared else self.rule.cap

    def share(self, factor: float) -> float:
        """The share of the canary's cases that is counted, where it is `factor` times as bad as stable."""
        mine = self.traffic.share
        if not self.good:
            return min(mine * self.spared * factor, 1.0)
        return 1 - (1 - mine) / factor if self.form == "limit" else mine / factor

    def bad(self, weight: float, factor: float) -> float:
        """The canary's bad cases a second."""
        counted = self.share(factor)
        return (
            self.traffic.rate
            * weight
            / 100
            * (1 - counted if self.good and self.form != "limit" else counted)
        )

    @property
    def factor_max(self) -> float:
        """The worst there is: every case is bad (of good ones, next to none is left)."""
        return WORST_GOOD if self.good else self.traffic.factor_max / self.spared

    @property
    def factor_min(self) -> float:
        """What is allowed."""
        null, mine = self.grid.null, self.traffic.share
        if self.form != "limit":
            return 1 / null if self.good else null / self.spared
        return max((1 - mine) / max(1 - null, 1e-9) if self.good else null / mine, 1.0)

    def logs(self, pair: Pair, phi: float = 1.0) -> list[float]:
        """What an interval adds to the log-evidence of each alternative."""
        if self.form == "limit":
            return [log / phi for log in share_logs(self.grid, pair.canary_n, pair.canary_x)]
        if self.form == "proportions":
            return proportion_logs(self.grid, pair, self.traffic.share, phi)
        return conditional_logs(self.grid, pair, phi)

    def beside(self, weight: float) -> float:
        """The cases a second that those of a canary with so many percent are compared with."""
        return self.traffic.rate * (beside(weight) if self.fresh else WHOLE - weight) / 100

    def apart(self, weight: float) -> float:
        """The cases a second of stable that it is not compared with."""
        return self.traffic.rate * (WHOLE - weight) / 100 - self.beside(weight)

    def counted(self, weight: float) -> float:
        """The share of intervals that are charged to the canary: under a limit, those in which stable keeps it.

        In the others stable has more bad cases than the limit allows it (and more than one), so that nothing is bet.
        """
        if self.form != "limit":
            return 1.0
        if self.traffic.share > self.grid.null:
            return 0.0
        cases = self.traffic.rate * (1 - weight / 100) * self.interval_s
        return poisson_below(cases * self.traffic.share, max(math.floor(self.grid.null * cases), 1))


def poisson_below(mean: float, most: int) -> float:
    """The chance of at most so many."""
    if mean > 200:  # noqa: PLR2004 - normal by then
        return 0.5 * math.erfc(-(most + 0.5 - mean) / math.sqrt(2 * mean))
    term = total = math.exp(-mean)
    for k in range(1, most + 1):
        term *= mean / k
        total += term
    return min(total, 1.0)


def threshold_log(spec: JudgeSpec, weight: float, of: int = 1) -> float:
    """The log-evidence of one of `of` averaged processes that fails the canary when everything else says nothing."""
    total = sum(weights(spec))
    if weight <= 0:
        return math.inf
    alone = (needed(spec) * total - (total - weight)) / weight
    return math.log(max(alone * of - (of - 1), 1.0))


def compared(
    spec: JudgeSpec, signal: str, rule: ComparisonRule, traffic: Traffic, threshold: float
) -> Watched:
    """The way by a comparison with stable; `threshold` is the log-evidence that it takes."""
    return Watched(signal, rule, traffic, threshold, spec.interval_s, spec.dispersion)


def limited(spec: JudgeSpec, signal: str, share: float, traffic: Traffic, weight: float) -> Watched:
    """The way by an absolute limit: at most this bad `share`."""
    rule = LimitRule(share, interval_cap(spec), spec.horizon_s)
    return Watched(signal, rule, traffic, threshold_log(spec, weight), spec.interval_s, spec.dispersion)
