"""How long a good version takes to prove itself: errors, latency and business signals, whichever takes longest."""

import math
from collections.abc import Iterator

from headgate.core.criteria import JudgeSpec
from headgate.core.judge.known import PRIOR_N, PRIOR_X
from headgate.core.judge.metrics import kind_of
from headgate.core.judge.mirror import FROM_START, Harm, mirror_log
from headgate.core.judge.pair import Pair
from headgate.core.judge.planner.tempering import tempered_s
from headgate.core.judge.planner.watched import watched
from headgate.core.judge.risk import at_risk
from headgate.core.judge.traffic import Workload
from headgate.core.judge.way import Watched

_SECONDS = 1_000_000


def promotion_s(spec: JudgeSpec, workload: Workload, weight: float, risk: float = 1.0) -> float:
    """The expected time until a version no worse than stable may pass a step of `weight` percent (inf: never).

    `risk` is the share of the users that meet it after that.

    Signals that nothing is known of are left out.
    """
    canary_s = workload.errors.rate * weight / 100
    if canary_s <= 0:
        return math.inf
    ways = {way.signal: way for way in reversed(watched(spec, workload)) if way.form != "limit"}
    times = [max(spec.requests_min, 1) / canary_s]
    times += [kind_of(criterion).least_s(criterion) for criterion in spec.criteria if criterion.weight > 0]
    times += [
        _proof_s(ways[name], harm, spec.beta, (weight, risk)) for name, harm in _harms(spec) if name in ways
    ]
    longest = max(times)
    return math.ceil(longest / spec.interval_s) * spec.interval_s if math.isfinite(longest) else math.inf


def _harms(spec: JudgeSpec) -> Iterator[tuple[str, Harm | None]]:
    """What each signal must rule out."""
    for criterion in spec.criteria:
        proof = kind_of(criterion).proof(spec, criterion)
        if proof is not None:
            yield proof


def _proof_s(way: Watched, harm: Harm | None, beta: float, step: tuple[float, float]) -> float:
    """The time at which the mean log-evidence against harm reaches 1/beta; harm is placed by what stable shows then."""
    if harm is None:
        return 0.0
    weight, risk = step
    share = way.traffic.share
    harm = at_risk(harm, risk, share)
    rates = way.traffic.rate * weight / 100, way.beside(weight)
    stable_rate = way.traffic.rate * (1 - weight / 100)
    time_s = 0.0
    for _ in range(6):
        known = stable_rate * time_s / 2
        believed = share if way.good else (share * known + PRIOR_X) / (known + PRIOR_N)
        gain = _gain(harm, rates, believed, share)
        if gain <= 0:
            gain = _gain(harm, rates, share, share)
        if gain <= 0:
            return math.inf
        tempered = tempered_s(way, weight, 0.0, time_s) / time_s if time_s > 0 else 1.0
        time_s = math.log(1 / beta / FROM_START) / gain / tempered
    return way.settle_s + time_s


def _gain(harm: Harm, rates: tuple[float, float], believed: float, share: float) -> float:
    """The mean log-evidence against harm, a second."""
    n1, n0 = (round(rate * _SECONDS) for rate in rates)
    return mirror_log(harm, Pair(n1, n1 * share, n0, n0 * share), believed) / _SECONDS
