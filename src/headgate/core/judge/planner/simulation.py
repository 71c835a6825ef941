"""The same question, answered by the judge itself on made-up counts: where few errors decide, averages do not.

The randomness comes from outside: `draw` gives numbers between 0 and 1.
"""

import math
from collections.abc import Callable

from msgspec.structs import replace

from headgate.core.judge.evidence.comparison import observe_pair, start_comparison
from headgate.core.judge.evidence.counts import Pair
from headgate.core.judge.evidence.known import KnownShare
from headgate.core.judge.evidence.limit import LimitRule, observe_limit, start_limit
from headgate.core.judge.planner.passage import PART, Passage
from headgate.core.judge.planner.tempering import belief
from headgate.core.judge.traffic import Stretch
from headgate.core.judge.verdict.way import Watched

Draw = Callable[[], float]
RUNS = 200
GRAIN = 150
"""Intervals are taken together until about so many of them are left in the expected time."""
PATIENCE = 8.0
"""A run is given up after so many times the expected time."""
BEFORE = 4
"""Intervals of stable alone that the judge has seen before."""
MANY = 30.0

Cases = tuple[int, int]
"""So many, and the bad ones among them."""

Observe = Callable[[Pair, Cases, float, float], float]
"""One more interval: its counts, all of stable's, its length and when it begins give the evidence after it."""


def simulated(way: Watched, path: tuple[Stretch, ...], factor: float, guess_s: float, draw: Draw) -> Passage:
    """`RUNS` canaries `factor` times worse than stable; `guess_s` is about how long it takes to find them."""
    grain_s = max(1, int(guess_s / GRAIN / way.interval_s)) * way.interval_s
    times = sorted(_run(way, path, factor, (grain_s, PATIENCE * guess_s), draw) for _ in range(RUNS))
    mean = sum(times) / len(times)
    variance = sum((at - mean) ** 2 for at in times) / len(times)
    return Passage(
        mean, variance, way.bad(path[0].weight, factor) * mean, mean / way.interval_s, tuple(times)
    )


def _run(
    way: Watched, path: tuple[Stretch, ...], factor: float, times: tuple[float, float], draw: Draw
) -> float:
    """One canary: the time at which it fails, or at which we lose patience."""
    grain_s, patience_s = times
    needed, traffic = math.exp(way.threshold_log), way.traffic
    observe = _judge(way, round(grain_s / way.interval_s), path[0].weight, normal(draw))
    at, stretch, left, due = way.settle_s, 0, path[0].seconds, [0.0, 0.0, 0.0]
    while at < patience_s:
        if left < grain_s and stretch < len(path) - 1:
            stretch += 1
            left = path[stretch].seconds
        weight, left = path[stretch].weight, left - grain_s
        rates = traffic.rate * weight / 100, way.beside(weight), way.apart(weight)
        due = [one + rate * grain_s for one, rate in zip(due, rates, strict=True)]
        n1, n0, rest = map(int, due)
        due = [one % 1.0 for one in due]
        x1 = min(count(draw, n1, way.share(factor), traffic.phi), n1)
        x0 = min(count(draw, n0, traffic.share, traffic.phi), n0)
        more = min(count(draw, rest, traffic.share, traffic.phi), rest) if rest else 0
        evidence = observe(Pair(n1, x1, n0, x0), (n0 + rest, x0 + more), grain_s, at)
        at += grain_s
        if evidence >= needed:
            return max(at - (grain_s - way.interval_s) / 2, way.interval_s)
    return patience_s


def _judge(way: Watched, intervals: int, weight: float, luck: float) -> Observe:
    """The judge's own code, which has seen a little of stable before, for so many intervals at once.

    A limit is charged with the dispersion it is believed to be; `luck` says how far from the mean.
    """
    rule, known = way.rule, _seen_before(way)
    if isinstance(rule, LimitRule):
        bounded, limit = replace(rule, cap=rule.cap * intervals), replace(start_limit(), known=known)

        def charge(pair: Pair, stable: Cases, seconds: float, at: float) -> float:
            nonlocal limit
            believed = belief(way, weight, at)
            phi = max(believed.phi + PART * luck * believed.spread, 1.0)
            both = Pair(pair.canary_n, pair.canary_x, *stable)
            limit = observe_limit(bounded, limit, both, phi, seconds)
            return limit.process.e_value

        return charge
    wider, comparison = replace(rule, cap=rule.cap * intervals), replace(start_comparison(rule), known=known)

    def compare(pair: Pair, stable: Cases, seconds: float, _: float) -> float:
        nonlocal comparison
        comparison = observe_pair(wider, comparison, pair, (0, 0), seconds, stable=stable)
        return comparison.process.e_value

    return compare


def _seen_before(way: Watched) -> KnownShare:
    """Some intervals of stable alone, as while a version is prepared."""
    n = way.traffic.rate * way.interval_s * BEFORE
    return KnownShare(n, n * way.traffic.share, n, n * way.traffic.share)


def count(draw: Draw, n: float, share: float, phi: float) -> int:
    """A number of errors among `n` requests, in bursts (geometric ones) of dispersion `phi`."""
    size = (phi + 1) / 2
    if size <= 1:
        return binomial(draw, n, share)
    last = 1 / size
    bursts = binomial(draw, n, share / size)
    return bursts + sum(int(math.log(1 - draw()) / math.log(1 - last)) for _ in range(bursts))


def binomial(draw: Draw, n: float, share: float) -> int:
    """A binomial number, by inversion where it is small and from the normal distribution where it is large."""
    mean = n * share
    if share >= 1:
        return round(n)
    if mean > MANY:
        return min(max(round(mean + normal(draw) * math.sqrt(mean * (1 - share))), 0), round(n))
    left, term, k, odds = draw(), math.exp(n * math.log1p(-share)), 0, share / (1 - share)
    while left > term and k < n:
        left -= term
        term *= max(n - k, 0.0) / (k + 1) * odds
        k += 1
    return k


def normal(draw: Draw) -> float:
    """A standard normal number (Box and Muller 1958)."""
    return math.sqrt(-2 * math.log(1 - draw())) * math.cos(2 * math.pi * draw())
