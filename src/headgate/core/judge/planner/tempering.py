"""The dispersion that the judge will believe in: cautious at first, then what stable really shows, and a little more.

The little more is the price of learning. The judge takes the highest of several estimates that rest on few comparisons
for long, each a squared difference and so spread like a chi-squared variable: here at three points of it each.
"""

import math
from functools import lru_cache

import msgspec

from headgate.core.judge.evidence.dispersion import BLOCK, Dispersion, cautious_phi, learn, settled
from headgate.core.judge.metrics import kind_of
from headgate.core.judge.traffic import Workload
from headgate.core.judge.verdict.way import Watched
from headgate.core.model.criteria import JudgeSpec

POINTS = ((-math.sqrt(3), 1 / 6), (0.0, 2 / 3), (math.sqrt(3), 1 / 6))
"""A standard normal variable at three points, with their weights (Gauss and Hermite)."""
FINENESS = 6
"""Moments that are told apart for each doubling of the time."""
SETTLED_MAX = 2000
"""Intervals; what takes longer is not waited for here."""
_CASES = 1_000_000_000


class Belief(msgspec.Struct, frozen=True):
    """The phi that evidence is divided by: its mean, and how far it lies apart from one release to the next."""

    phi: float
    spread: float


def belief(way: Watched, weight: float, at_s: float) -> Belief:
    """What is believed after `at_s` seconds in which the canary had `weight` percent of the cases."""
    if way.phi is not None:
        return Belief(max(1.0, way.phi), 0.0)
    traffic = way.traffic
    moment = round(FINENESS * math.log2(max(at_s / way.interval_s, 1.0)))
    return _belief(traffic.phi, traffic.stable_errors(weight) * (1 - traffic.share) * way.interval_s, moment)


@lru_cache(maxsize=4096)
def _belief(phi: float, errors: float, moment: int) -> Belief:
    intervals = 2.0 ** (moment / FINENESS)
    pairs, blocks = math.floor(intervals / 2), math.floor(intervals / (2 * BLOCK))
    one, many = _weights(errors)
    mean = square = 0.0
    for short, p in POINTS:
        for long, q in POINTS:
            seen = Dispersion(
                squares=phi * _chi(pairs, short) * one * pairs,
                weight=one * pairs,
                block_squares=phi * _chi(blocks, long) * many * blocks,
                block_weight=many * blocks,
            )
            believed = cautious_phi(seen)
            mean += p * q * believed
            square += p * q * believed * believed
    return Belief(mean, math.sqrt(max(square - mean * mean, 0.0)))


@lru_cache(maxsize=1024)
def _weights(errors: float) -> tuple[float, float]:
    """What one comparison of two intervals weighs, and one of two blocks of them, with so many errors in each."""
    seen = Dispersion()
    for _ in range(2 * BLOCK):
        seen = learn(seen, _CASES, errors, (0, 0))
    return seen.weight / BLOCK, seen.block_weight


def settled_s(way: Watched, weight: float) -> float:
    """How long it takes stable to show what storms there are: until then the judge is more sparing."""
    errors = way.traffic.stable_errors(weight) * (1 - way.traffic.share) * way.interval_s
    return 0.0 if way.phi is not None else _settled(errors) * way.interval_s


@lru_cache(maxsize=1024)
def _settled(errors: float) -> float:
    seen = Dispersion()
    for k in range(SETTLED_MAX):
        if settled(seen):
            return k
        seen = learn(seen, _CASES, errors, (0, 0))
    return math.inf


def _chi(freedom: int, z: float) -> float:
    """A chi-squared variable over its degrees of freedom, at `z` deviations (Wilson and Hilferty 1931)."""
    if not freedom:
        return 1.0
    part = 2 / (9 * freedom)
    return max(1 - part + z * math.sqrt(part), 0.0) ** 3


def tempered_s(way: Watched, weight: float, begin_s: float, end_s: float) -> float:
    """The time from `begin_s` to `end_s`, each moment divided by the phi that is believed then."""
    nodes = 1 if way.phi is not None else 8
    total, width = 0.0, end_s - begin_s
    for k in range(nodes):
        low, high = (k / nodes) ** 2, ((k + 1) / nodes) ** 2
        at = begin_s + width * (low + high) / 2
        total += width * (high - low) / belief(way, weight, at).phi
    return total


# What a canary is watched by: every way to a failing verdict, one criterion and one latency bound at a time.


def watched(spec: JudgeSpec, workload: Workload) -> tuple[Watched, ...]:
    """All ways, in the order of the spec; what nothing is known of is left out (`unknown` names it)."""
    found: list[Watched] = []
    for criterion in spec.criteria:
        if criterion.weight > 0:
            found += kind_of(criterion).ways(spec, criterion, workload)
    return tuple([msgspec.structs.replace(way, fresh=workload.fresh) for way in found])


def unknown(spec: JudgeSpec, workload: Workload) -> tuple[str, ...]:
    """The criteria that nothing can be foretold of."""
    deciding = [criterion for criterion in spec.criteria if criterion.weight > 0]
    return tuple([name for one in deciding for name in kind_of(one).unknown(one, workload)])
