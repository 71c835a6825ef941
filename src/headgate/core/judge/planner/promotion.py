"""How long a good version takes to prove itself: errors and latency, whichever takes longer."""

import math

from headgate.core.criteria import JudgeSpec
from headgate.core.judge.known import PRIOR_N, PRIOR_X
from headgate.core.judge.latency import SETTLE_N, latency_rule
from headgate.core.judge.mirror import FROM_START, Harm, mirror_log
from headgate.core.judge.pair import Pair
from headgate.core.judge.planner.growth import rule_of
from headgate.core.judge.planner.tempering import tempered_s
from headgate.core.judge.planner.traffic import Traffic

_SECONDS = 1_000_000


def promotion_s(spec: JudgeSpec, traffic: Traffic, weight: float) -> float:
    """The expected time until a version no worse than stable may pass a step of `weight` percent (inf: never).

    Business signals are left out: nothing is said here of how many cases they have.
    """
    canary_s, stable_s = (traffic.rate * part / 100 for part in (weight, 100 - weight))
    if canary_s <= 0:
        return math.inf
    times = [max(spec.requests_min, 1) / canary_s]
    if spec.error_ratio is not None and spec.error_ratio.weight > 0:
        times.append(_proof_s(spec, rule_of(spec).harm, (canary_s, stable_s), traffic.share, traffic.phi))
    for criterion in spec.latency:
        if criterion.factor is not None and criterion.weight > 0 and stable_s > 0:
            harm = latency_rule(spec, criterion, proves=True).harm
            proof_s = _proof_s(spec, harm, (canary_s, stable_s), 1 - criterion.quantile, 1.0)
            times.append(SETTLE_N / stable_s + proof_s)
    longest = max(times)
    return math.ceil(longest / spec.interval_s) * spec.interval_s if math.isfinite(longest) else math.inf


def _proof_s(
    spec: JudgeSpec, harm: Harm | None, rates: tuple[float, float], share: float, phi: float
) -> float:
    """The time at which the mean log-evidence against harm reaches 1/beta; harm is placed by what stable shows then."""
    if harm is None:
        return 0.0
    rule, traffic = rule_of(spec), Traffic(sum(rates), share, phi)
    time_s = 0.0
    for _ in range(6):
        known = rates[1] * time_s / 2
        gain = _gain(harm, rates, (share * known + PRIOR_X) / (known + PRIOR_N), share)
        if gain <= 0:
            gain = _gain(harm, rates, share, share)
        if gain <= 0:
            return math.inf
        tempered = 1.0
        if time_s > 0:
            tempered = tempered_s(rule, traffic, rates[1] * share, 0.0, time_s, spec.interval_s) / time_s
        time_s = math.log(1 / spec.beta / FROM_START) / gain / tempered
    return time_s


def _gain(harm: Harm, rates: tuple[float, float], believed: float, share: float) -> float:
    """The mean log-evidence against harm, a second."""
    n1, n0 = (round(rate * _SECONDS) for rate in rates)
    return mirror_log(harm, Pair(n1, n1 * share, n0, n0 * share), believed) / _SECONDS
