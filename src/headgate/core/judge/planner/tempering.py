"""The dispersion that the judge will believe in: cautious at first, then what stable really shows, and a little more.

The little more is the price of learning. The judge takes the highest of several estimates that rest on few comparisons
for long, each a squared difference and so spread like a chi-squared variable: here at three points of it each.
"""

import math
from functools import lru_cache

import msgspec

from headgate.core.judge.comparison import Rule
from headgate.core.judge.dispersion import BLOCK, Dispersion, cautious_phi
from headgate.core.judge.planner.traffic import Traffic

POINTS = ((-math.sqrt(3), 1 / 6), (0.0, 2 / 3), (math.sqrt(3), 1 / 6))
"""A standard normal variable at three points, with their weights (Gauss and Hermite)."""
FINENESS = 6
"""Moments that are told apart for each doubling of the time."""


class Belief(msgspec.Struct, frozen=True):
    """The phi that evidence is divided by: its mean, and how far it lies apart from one release to the next."""

    phi: float
    spread: float


def belief(rule: Rule, traffic: Traffic, errors_s: float, at_s: float, interval_s: float) -> Belief:
    """What is believed after `at_s` seconds in which stable made `errors_s` errors a second."""
    if rule.phi is not None:
        return Belief(max(1.0, rule.phi), 0.0)
    moment = round(FINENESS * math.log2(max(at_s / interval_s, 1.0)))
    return _belief(traffic.phi, errors_s * interval_s, moment)


@lru_cache(maxsize=4096)
def _belief(phi: float, errors: float, moment: int) -> Belief:
    intervals = 2.0 ** (moment / FINENESS)
    pairs, blocks = math.floor(intervals / 2), math.floor(intervals / (2 * BLOCK))
    mean = square = 0.0
    for short, p in POINTS:
        for long, q in POINTS:
            seen = Dispersion(
                squares=phi * _chi(pairs, short) * errors * 2 * pairs,
                weight=errors * 2 * pairs,
                block_squares=phi * _chi(blocks, long) * errors * 2 * BLOCK * blocks,
                block_weight=errors * 2 * BLOCK * blocks,
            )
            believed = cautious_phi(seen)
            mean += p * q * believed
            square += p * q * believed * believed
    return Belief(mean, math.sqrt(max(square - mean * mean, 0.0)))


def _chi(freedom: int, z: float) -> float:
    """A chi-squared variable over its degrees of freedom, at `z` deviations (Wilson and Hilferty 1931)."""
    if not freedom:
        return 1.0
    part = 2 / (9 * freedom)
    return max(1 - part + z * math.sqrt(part), 0.0) ** 3


def tempered_s(
    rule: Rule, traffic: Traffic, errors_s: float, begin_s: float, end_s: float, interval_s: float
) -> float:
    """The time from `begin_s` to `end_s`, each moment divided by the phi that is believed then."""
    nodes = 1 if rule.phi is not None else 8
    total, width = 0.0, end_s - begin_s
    for k in range(nodes):
        low, high = (k / nodes) ** 2, ((k + 1) / nodes) ** 2
        at = begin_s + width * (low + high) / 2
        total += width * (high - low) / belief(rule, traffic, errors_s, at, interval_s).phi
    return total
