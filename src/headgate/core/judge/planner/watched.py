"""What a canary is watched by: every way to a failing verdict, one criterion and one latency bound at a time."""

import math
from typing import Literal

import msgspec

from headgate.core.criteria import ErrorRatio, JudgeSpec, Latency, MeanCriterion
from headgate.core.judge.alpha import needed
from headgate.core.judge.bounds import useful_bounds
from headgate.core.judge.budget import interval_cap
from headgate.core.judge.comparison import HIGH_SHARE, Rule
from headgate.core.judge.conditional import conditional_logs
from headgate.core.judge.errors import error_rule
from headgate.core.judge.grid import Grid
from headgate.core.judge.histogram import shifted
from headgate.core.judge.latency import SETTLE_N, SLOTS, latency_rule
from headgate.core.judge.limit import LimitRule
from headgate.core.judge.means import mean_rules
from headgate.core.judge.pair import Pair
from headgate.core.judge.planner.traffic import LEAST_BASE, Traffic, Workload
from headgate.core.judge.proportions import proportion_logs, share_logs
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
    rule: Rule | LimitRule
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
        declared = isinstance(self.rule, Rule) and self.rule.phi is not None
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


def _threshold_log(spec: JudgeSpec, weight: float, of: int = 1) -> float:
    """The log-evidence of one of `of` averaged processes that fails the canary when everything else says nothing."""
    total = sum(_weights(spec))
    if weight <= 0:
        return math.inf
    alone = (needed(spec) * total - (total - weight)) / weight
    return math.log(max(alone * of - (of - 1), 1.0))


def _weights(spec: JudgeSpec) -> list[float]:
    found: list[float] = []
    if spec.error_ratio is not None:
        found += [spec.error_ratio.weight] * (1 + (spec.error_ratio.max is not None))
    for latency in spec.latency:
        found += [latency.weight] * ((latency.factor is not None) + (latency.max_ms is not None))
    for mean in spec.means:
        found += [mean.weight] * (1 + (mean.limit is not None))
    return found


def _compared(spec: JudgeSpec, signal: str, rule: Rule, traffic: Traffic, threshold_log: float) -> Watched:
    return Watched(signal, rule, traffic, threshold_log, spec.interval_s, spec.dispersion)


def _limited(spec: JudgeSpec, signal: str, share: float, traffic: Traffic, weight: float) -> Watched:
    rule = LimitRule(share, interval_cap(spec), spec.horizon_s)
    return Watched(signal, rule, traffic, _threshold_log(spec, weight), spec.interval_s, spec.dispersion)


def watched(spec: JudgeSpec, workload: Workload) -> tuple[Watched, ...]:
    """All ways, in the order of the spec; what nothing is known of is left out (`unknown` names it)."""
    found: list[Watched] = []
    if spec.error_ratio is not None and spec.error_ratio.weight > 0:
        found += _errors(spec, spec.error_ratio, workload.errors)
    for latency in spec.latency:
        if latency.weight > 0:
            found += _latency(spec, latency, workload)
    signals = dict(workload.signals)
    for mean in spec.means:
        if mean.weight > 0 and mean.name in signals:
            found += _mean(spec, mean, signals[mean.name])
    return tuple([msgspec.structs.replace(way, fresh=workload.fresh) for way in found])


def unknown(spec: JudgeSpec, workload: Workload) -> tuple[str, ...]:
    """The criteria that nothing can be foretold of."""
    known = dict(workload.signals)
    latency = () if workload.slow else tuple(one for one in spec.latency if one.weight > 0)
    limits = [f"{latency_name(one)} limit" for one in latency if one.max_ms is not None]
    limits += [f"{latency_name(one)} margin" for one in latency if one.factor is not None and one.slower_ms]
    return (*limits, *(one.name for one in spec.means if one.weight > 0 and one.name not in known))


def latency_name(criterion: Latency) -> str:
    """`latency_p99`."""
    return f"latency_p{100 * criterion.quantile:g}"


def _errors(spec: JudgeSpec, criterion: ErrorRatio, traffic: Traffic) -> list[Watched]:
    threshold = _threshold_log(spec, criterion.weight)
    found = [_compared(spec, ERRORS, error_rule(spec, criterion).rule, traffic, threshold)]
    if criterion.max is not None:
        found.append(_limited(spec, ERRORS, criterion.max, traffic, criterion.weight))
    return found


def _latency(spec: JudgeSpec, criterion: Latency, workload: Workload) -> list[Watched]:
    found = _bounds(spec, criterion, workload) if criterion.factor is not None else []
    over = next((share for le, share in workload.slow if le >= (criterion.max_ms or math.inf)), None)
    if criterion.max_ms is not None and over is not None:
        traffic = Traffic(workload.errors.rate, over)
        found.append(
            _limited(spec, latency_name(criterion), 1 - criterion.quantile, traffic, criterion.weight)
        )
    return found


def _bounds(spec: JudgeSpec, criterion: Latency, workload: Workload) -> list[Watched]:
    """Each useful bound; where stable's latency is not known, one bound that just the allowed share is over.

    A margin in milliseconds moves the canary to a higher bound: without a histogram nothing can be said of it.
    """
    rate, allowed, name = workload.errors.rate, 1 - criterion.quantile, latency_name(criterion)
    rule = latency_rule(spec, criterion, proves=False)

    def way(share: float, spared: float, slots: int) -> Watched:
        threshold = _threshold_log(spec, criterion.weight, slots)
        one = _compared(spec, name, rule, Traffic(rate, share), threshold)
        return msgspec.structs.replace(one, settle_s=SETTLE_N / rate, spared=spared)

    if not workload.slow:
        return [] if criterion.slower_ms else [way(allowed, 1.0, SLOTS)]
    bounds, slow = tuple([le for le, _ in workload.slow]), [share for _, share in workload.slow]
    canary = shifted(bounds, criterion.slower_ms or 0.0)
    chosen = useful_bounds(bounds, slow, allowed, SLOTS, canary)
    low = [max(share, LEAST_BASE) for share in slow]
    return [way(low[k], low[canary[k]] / low[k], len(chosen)) for k in chosen]


def _mean(spec: JudgeSpec, criterion: MeanCriterion, traffic: Traffic) -> list[Watched]:
    good, threshold = criterion.higher_is_better, _threshold_log(spec, criterion.weight)
    way = _compared(spec, criterion.name, mean_rules(spec, criterion)[0], traffic, threshold)
    found = [msgspec.structs.replace(way, good=good)]
    if criterion.limit is not None:  # against a limit the judge always counts what is bad
        share = 1 - criterion.limit if good else criterion.limit
        bad = Traffic(traffic.rate, 1 - traffic.base, traffic.phi) if good else traffic
        way = _limited(spec, criterion.name, share, bad, criterion.weight)
        found.append(msgspec.structs.replace(way, good=good))
    return found
