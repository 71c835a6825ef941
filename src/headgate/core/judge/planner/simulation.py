"""The same question, answered by counting errors one by one: where few of them decide, averages do not.

The randomness comes from outside: `draw` gives numbers between 0 and 1.
"""

import math
from collections.abc import Callable

from headgate.core.criteria import JudgeSpec
from headgate.core.judge.budget import interval_cap
from headgate.core.judge.conditional import conditional_logs
from headgate.core.judge.pair import Pair
from headgate.core.judge.planner.growth import rule_of
from headgate.core.judge.planner.passage import PART, Passage, threshold_log
from headgate.core.judge.planner.tempering import belief
from headgate.core.judge.planner.traffic import Stretch, Traffic
from headgate.core.judge.process import advance, start_process

Draw = Callable[[], float]
RUNS = 200
GRAIN = 120
"""Intervals are taken together until about so many of them are left in the expected time."""
PATIENCE = 8.0
"""A run is given up after so many times the expected time."""
MANY = 30.0


def simulated(
    spec: JudgeSpec, traffic: Traffic, path: tuple[Stretch, ...], factor: float, guess_s: float, draw: Draw
) -> Passage:
    """`RUNS` canaries `factor` times worse than stable; `guess_s` is about how long it takes to find them."""
    grain_s = max(1, int(guess_s / GRAIN / spec.interval_s)) * spec.interval_s
    times = sorted(
        _run(spec, traffic, path, factor, (grain_s, PATIENCE * guess_s), draw) for _ in range(RUNS)
    )
    mean = sum(times) / len(times)
    variance = sum((at - mean) ** 2 for at in times) / len(times)
    errors = traffic.canary_errors(path[0].weight, factor) * mean
    return Passage(mean, variance, errors, mean / spec.interval_s, tuple(times))


def _run(
    spec: JudgeSpec,
    traffic: Traffic,
    path: tuple[Stretch, ...],
    factor: float,
    times: tuple[float, float],
    draw: Draw,
) -> float:
    """One canary: the time at which it fails, or at which we lose patience."""
    grain_s, patience_s = times
    rule, cap, needed = rule_of(spec), interval_cap(spec), math.exp(threshold_log(spec))
    whole_s, intervals = grain_s, grain_s / spec.interval_s
    process = start_process(len(rule.grid.alternatives))
    luck = normal(draw)
    at, stretch, left = 0.0, 0, path[0].seconds
    while at < patience_s:
        if left < grain_s and stretch < len(path) - 1:
            stretch += 1
            left = path[stretch].seconds
        at, left, weight = at + whole_s, left - whole_s, path[stretch].weight
        n1, n0 = (traffic.rate * whole_s * part / 100 for part in (weight, 100 - weight))
        x1 = count(draw, n1, min(traffic.share * factor, 1.0), traffic.phi)
        x0 = count(draw, n0, traffic.share, traffic.phi)
        if not x1 and not x0:
            continue
        known = belief(rule, traffic, traffic.stable_errors(weight), at - whole_s, spec.interval_s)
        phi = max(known.phi + PART * luck * known.spread, 1.0)
        pair = Pair(max(round(n1 * 1000), 1), x1, max(round(n0 * 1000), 1), x0)
        logs = conditional_logs(rule.grid, pair, phi)
        process = advance(process, logs, cap * intervals, min(whole_s / rule.horizon_s, 1.0))
        if process.e_value >= needed:
            return max(at - (grain_s - spec.interval_s) / 2, spec.interval_s)
    return patience_s


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
