"""How long a good version takes to prove itself: errors, latency and business signals, whichever takes longest."""

import math
from collections.abc import Iterator

from headgate.core.judge.evidence.counts import Pair
from headgate.core.judge.evidence.known import PRIOR_N, PRIOR_X
from headgate.core.judge.evidence.mirror import FROM_START, Harm, mirror_log
from headgate.core.judge.evidence.risk import at_risk, needed
from headgate.core.judge.metrics import kind_of
from headgate.core.judge.planner.passage import drift_quantile_s
from headgate.core.judge.planner.tempering import tempered_s, watched
from headgate.core.judge.traffic import Workload
from headgate.core.judge.verdict.way import Watched, poisson_below
from headgate.core.judge.words import percent
from headgate.core.model.criteria import JudgeSpec

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
    return _in_intervals(spec, max(times))


def passing_s(
    spec: JudgeSpec, workload: Workload, weight: float, risk: float = 1.0, sure: float = 0.95
) -> float:
    """The time within which a version no worse than stable passes the step with the chance `sure` (inf: never).

    The moment at which the evidence has drifted far enough is nearly inverse Gaussian, as for a fault's (`passage`).
    Each criterion may take its part of what is left of the chance.
    """
    canary_s = workload.errors.rate * weight / 100
    if canary_s <= 0:
        return math.inf
    ways = {way.signal: way for way in reversed(watched(spec, workload)) if way.form != "limit"}
    asked = [(ways[name], harm) for name, harm in _harms(spec) if name in ways and harm is not None]
    each = 1 - (1 - sure) / (len(asked) + 1)
    n = max(spec.requests_min, 1)
    times = [poisson_s(n, canary_s, each)]
    times += [kind_of(criterion).least_s(criterion) for criterion in spec.criteria if criterion.weight > 0]
    times += [_quantile_s(way, harm, spec.beta, (weight, risk), each) for way, harm in asked]
    return _in_intervals(spec, max(times))


def poisson_s(n: int, rate: float, sure: float) -> float:
    """The time after which `n` cases have come with that chance, at `rate` a second."""
    low, high = n / rate, n / rate
    while poisson_below(rate * high, n - 1) > 1 - sure:
        low, high = high, 2 * high
    for _ in range(20):
        middle = (low + high) / 2
        low, high = (low, middle) if poisson_below(rate * middle, n - 1) <= 1 - sure else (middle, high)
    return high


def _in_intervals(spec: JudgeSpec, time_s: float) -> float:
    return math.ceil(time_s / spec.interval_s) * spec.interval_s if math.isfinite(time_s) else math.inf


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


def _quantile_s(way: Watched, harm: Harm, beta: float, step: tuple[float, float], sure: float) -> float:
    """The time at which the evidence against harm has reached 1/beta with the chance `sure`."""
    mean_s = _proof_s(way, harm, beta, step) - way.settle_s
    if not math.isfinite(mean_s) or mean_s <= 0:
        return way.settle_s + mean_s
    weight, risk = step
    share, needed = way.traffic.share, math.log(1 / beta / FROM_START)
    tempered = tempered_s(way, weight, 0.0, mean_s) / mean_s
    rates = way.traffic.rate * weight / 100, way.beside(weight)
    variance = _variance(at_risk(harm, risk, share), rates, share) * way.traffic.phi * tempered * tempered
    return way.settle_s + (drift_quantile_s(mean_s, needed * needed / variance, sure) if variance else mean_s)


def _variance(harm: Harm, rates: tuple[float, float], share: float) -> float:
    """The variance of the evidence against harm, a second: what a bad case more of either arm takes from it."""
    n1, n0 = (round(rate * _SECONDS) for rate in rates)
    x1, x0 = n1 * share, n0 * share
    whole = mirror_log(harm, Pair(n1, x1, n0, x0), share)
    of_canary = mirror_log(harm, Pair(n1, x1 + 1, n0, x0), share) - whole
    of_stable = mirror_log(harm, Pair(n1, x1, n0, x0 + 1), share) - whole
    return (x1 * of_canary**2 + x0 * of_stable**2) * (1 - share) / _SECONDS


def _gain(harm: Harm, rates: tuple[float, float], believed: float, share: float) -> float:
    """The mean log-evidence against harm, a second."""
    n1, n0 = (round(rate * _SECONDS) for rate in rates)
    return mirror_log(harm, Pair(n1, n1 * share, n0, n0 * share), believed) / _SECONDS


# How much a blind pick of instances can prove at best, said before anything is deployed.
#
# Where errors must be more than a blind pick of k of n instances explains (`exchange`), one look can never give a
# p-value under 1/C(n, k), nor one interval an e-value over C(n, k): with few instances it takes many intervals.


def smallest_p_value(n: int, k: int) -> float:
    """The smallest p-value that `k` of `n` instances can give: 1/C(n, k). Raises ValueError unless 0 < k < n."""
    if not 0 < k < n:
        raise ValueError(f"{k} of {n} instances are no comparison: both arms need one at least")
    return 1 / math.comb(n, k)


def too_few_instances(spec: JudgeSpec, stable: int, canary: int) -> str:
    """What a plan is told about its instances where a blind pick is asked for: a sentence, or nothing."""
    if not spec.exchangeable:
        return ""
    if min(stable, canary) < 2:  # noqa: PLR2004 - the second key needs several on both arms
        return f"{canary} and {stable} instances cannot be told apart by a blind pick: each arm needs two at least"
    smallest, enough = smallest_p_value(stable + canary, canary), needed(spec)
    if 1 / smallest >= enough:
        return ""
    looks = math.ceil(math.log(enough) / -math.log(smallest))
    return (
        f"{canary} of {stable + canary} instances: one interval proves at most 1 in {1 / smallest:.0f} "
        f"({percent(smallest)}, {percent(1 / enough)} is asked): it takes {looks} bad intervals at least"
    )
