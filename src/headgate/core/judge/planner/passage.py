"""When the evidence reaches the threshold: the mean time, and its distribution, in closed form."""

import math
from functools import lru_cache

import msgspec

from headgate.core.judge.evidence.counts import Pair
from headgate.core.judge.evidence.process import FROM_START
from headgate.core.judge.planner.tempering import belief, tempered_s
from headgate.core.judge.traffic import Stretch
from headgate.core.judge.verdict.way import Watched
from headgate.core.model.routing import WHOLE

BISECTIONS = 20
"""Halvings: to a millionth."""
ENDLESS_S = 3.2e8
"""Ten years: what takes longer is never found."""
PART = 0.6
"""How much of the spread of what is believed at the end was there all the time."""
LADDER_HEIGHT = 0.583
"""How far a random walk lands over a barrier, in standard deviations of a step (Siegmund 1985)."""


class Passage(msgspec.Struct, frozen=True):
    """`mean_s` is the expected time to a failing verdict (inf: never), `variance` its variance.

    `errors` is how many errors of the canary it takes, `intervals` how many samples. `quantiles`: simulated times,
    rising, where there are any.
    """

    mean_s: float
    variance: float
    errors: float
    intervals: float
    quantiles: tuple[float, ...] = ()

    def chance(self, within_s: float) -> float:
        """The chance of a failing verdict within so many seconds."""
        if self.quantiles:
            return sum(at <= within_s for at in self.quantiles) / len(self.quantiles)
        if not math.isfinite(self.mean_s) or within_s <= 0:
            return 0.0
        return inverse_gaussian(within_s, self.mean_s, self.mean_s**3 / self.variance)

    def quantile_s(self, share: float) -> float:
        """The time within which that share of the faults is found."""
        if self.quantiles:
            return self.quantiles[min(int(share * len(self.quantiles)), len(self.quantiles) - 1)]
        if not math.isfinite(self.mean_s):
            return math.inf
        return drift_quantile_s(self.mean_s, self.mean_s**3 / self.variance, share)


NEVER = Passage(math.inf, 0.0, math.inf, math.inf)


def _normal(z: float) -> float:
    return 0.5 * math.erfc(-z / math.sqrt(2))


def inverse_gaussian(t: float, mean: float, shape: float) -> float:
    """The chance that a Brownian motion with drift has reached its barrier by `t`."""
    root = math.sqrt(shape / t)
    first = _normal(root * (t / mean - 1))
    late = _normal(-root * (t / mean + 1))
    return min(first + (math.exp(2 * shape / mean + math.log(late)) if late > 0 else 0.0), 1.0)


def drift_quantile_s(mean_s: float, shape: float, share: float) -> float:
    """The time by which a Brownian motion with drift has reached its barrier in that share of the cases."""
    low, high = 0.0, 2 * mean_s
    while inverse_gaussian(high, mean_s, shape) < share:
        high *= 2
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        low, high = (middle, high) if inverse_gaussian(middle, mean_s, shape) < share else (low, middle)
    return high


class _Reach(msgspec.Struct, frozen=True):
    """The log-evidence at a moment: its mean, its variance, and the canary's errors until then."""

    log: float
    variance: float
    errors: float


def _pieces(path: tuple[Stretch, ...], until_s: float) -> list[tuple[float, float, float]]:
    """(weight, begin, end) of each stretch up to a moment; the last one goes on for ever."""
    pieces: list[tuple[float, float, float]] = []
    begin = 0.0
    for k, stretch in enumerate(path):
        end = until_s if k == len(path) - 1 else min(begin + stretch.seconds, until_s)
        if end > begin:
            pieces.append((stretch.weight, begin, end))
        begin = end
    return pieces


def _reach(way: Watched, path: tuple[Stretch, ...], factor: float, until_s: float) -> _Reach:
    """The delta method: the mixture at the mean counts, and what its curvature adds to it on average."""
    points = len(way.grid.alternatives)
    logs, parts, counts = [0.0] * points, list[tuple[Growth, float]](), 0.0
    for weight, begin, end in _pieces(path, until_s):
        g = growth(way, weight, factor)
        time = tempered_s(way, weight, begin, end)
        most = way.cap * (end - begin) / way.interval_s
        logs = [log + min(drift * time, most) for log, drift in zip(logs, g.drift, strict=True)]
        free = min(most / max(*g.drift, 0.0) / time, 1.0) if max(g.drift) > 0 else 1.0
        parts.append((g, free * free * time * time / (end - begin)))
        counts += way.bad(weight, factor) * (end - begin)
    top = max(logs)
    masses = [math.exp(log - top) for log in logs]
    total = sum(masses)
    log = top + math.log(total * FROM_START / points)
    shares = [mass / total for mass in masses]
    bend = variance = 0.0
    for g, squared in parts:
        for count, steps in ((g.canary, g.of_canary), (g.stable, g.of_stable)):
            mean = sum([s * step for s, step in zip(shares, steps, strict=True)])
            square = sum([s * step * step for s, step in zip(shares, steps, strict=True)])
            bend += count * squared * (square - mean * mean) / 2
            variance += count * squared * mean * mean
    return _Reach(log + min(bend, 1.0), variance, counts)


def passage(way: Watched, path: tuple[Stretch, ...], factor: float) -> Passage:
    """The time from the path's beginning to a failing verdict, for a canary `factor` times worse from its start."""
    threshold = way.threshold_log
    if not _grows(way, path[-1].weight, factor) or not math.isfinite(threshold):
        return NEVER
    low, high = 0.0, max(way.interval_s, 1.0)
    while _reach(way, path, factor, high).log < threshold:
        low, high = high, 2 * high
        if high > ENDLESS_S:
            return NEVER
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        enough = _reach(way, path, factor, middle).log >= threshold
        low, high = (low, middle) if enough else (middle, high)
    return _settled(way, path, factor, high)


def _grows(way: Watched, weight: float, factor: float) -> bool:
    return 0 < weight < WHOLE and max(growth(way, weight, factor).drift) > 0


def _settled(way: Watched, path: tuple[Stretch, ...], factor: float, at_s: float) -> Passage:
    """From the moment at which the mean reaches the threshold to the mean moment at which it is reached and seen."""
    interval_s = way.interval_s
    here = _reach(way, path, factor, at_s)
    # Over a wide stretch: what is believed of the dispersion changes in small jumps, and no slope is meant by one.
    step_s = at_s / 4
    before, beyond = (_reach(way, path, factor, at_s + side * step_s).log for side in (-1, 1))
    slope = (beyond - before) / (2 * step_s)
    slope = max(slope, way.threshold_log / (10 * at_s))
    weight = _pieces(path, at_s)[-1][0]
    g = growth(way, weight, factor)
    phi = belief(way, weight, at_s)
    best = max(range(len(g.drift)), key=lambda k: g.drift[k])
    jump = g.of_canary[best] * way.traffic.phi / phi.phi
    spread = math.sqrt(here.variance / at_s * interval_s)
    over = math.sqrt((jump / 2) ** 2 + (slope * interval_s / 2) ** 2 + (LADDER_HEIGHT * spread) ** 2)
    mean_s = max(at_s + min(over, way.cap / 2) / slope, interval_s) + way.settle_s
    return Passage(
        mean_s,
        here.variance / slope**2 + interval_s**2 / 12 + (PART * mean_s * phi.spread / phi.phi) ** 2,
        way.bad(weight, factor) * mean_s,
        mean_s / interval_s,
    )


def soonest(ways: tuple[Watched, ...], path: tuple[Stretch, ...], factor: float) -> tuple[Watched, Passage]:
    """The way that finds it first; with several, they help each other a little more than this says."""
    found = [(way, passage(way, path, factor)) for way in ways]
    return min(found, key=lambda one: one[1].mean_s)


# How the evidence grows: what one bad case of either arm adds to the log-evidence of each alternative, how often.

_SECONDS = 1_000_000
"""Counts are taken over a long time, and divided by it: rates need not be whole."""


class Growth(msgspec.Struct, frozen=True):
    """Untempered, for each alternative: the drift a second, and what a count of the canary or of stable adds.

    `canary` and `stable` are the variances, a second, of the two numbers of counts.
    """

    drift: tuple[float, ...]
    of_canary: tuple[float, ...]
    of_stable: tuple[float, ...]
    canary: float
    stable: float


@lru_cache(maxsize=4096)
def growth(way: Watched, weight: float, factor: float) -> Growth:
    """The growth of the evidence against a canary with `weight` percent that is `factor` times worse than stable."""
    traffic, charged = way.traffic, way.counted(weight)
    n = traffic.rate * _SECONDS
    n1 = max(round(n * weight / 100), 1)
    n0 = max(round(way.beside(weight) * _SECONDS), 1)
    clean = way.logs(Pair(n1, 0.0, n0, 0.0))
    of_canary = [b - a for a, b in zip(clean, way.logs(Pair(n1, 1.0, n0, 0.0)), strict=True)]
    of_stable = [b - a for a, b in zip(clean, way.logs(Pair(n1, 0.0, n0, 1.0)), strict=True)]
    share = way.share(factor)
    x1, x0 = traffic.rate * weight / 100 * share, way.beside(weight) * traffic.share
    drift = [a / _SECONDS + x1 * b + x0 * c for a, b, c in zip(clean, of_canary, of_stable, strict=True)]
    return Growth(
        tuple([charged * one for one in drift]),
        tuple(of_canary),
        tuple(of_stable),
        charged * x1 * (1 - share) * traffic.phi,
        charged * x0 * (1 - traffic.share) * traffic.phi,
    )
