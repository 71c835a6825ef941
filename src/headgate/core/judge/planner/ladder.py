"""The ladder of weights and bakes that does the least harm, for the time there is.

A step at a small weight bounds what a terrible version can do; a large one sees a small fault at all. What is weighed:
the failed answers that a fault causes beyond stable's, over faults from a doubling to a version that fails every third
request and more, all equally likely; what the ladder misses goes on for `MISSED_S` under all of the traffic.
"""

import math
from collections.abc import Iterator
from itertools import combinations

import msgspec
from msgspec.structs import replace

from headgate.core.criteria import JudgeSpec
from headgate.core.judge.planner.growth import rule_of
from headgate.core.judge.planner.passage import passage
from headgate.core.judge.planner.promotion import promotion_s
from headgate.core.judge.planner.tempering import belief
from headgate.core.judge.planner.traffic import Stretch, Traffic

WEIGHTS = (1, 2, 5, 10, 25, 50)
STEPS_MAX = 4
FAULTS = (2.0, 5.0, 20.0, 100.0)
MISSED_S = 3600.0
"""How long a fault that no step has found goes on: an hour until somebody notices."""
SHAPES = (1.0, 2.0, 0.5, 4.0)
"""How much longer each step is than the one before."""
STEP_COST = 1.01
"""A step more must be worth it."""
NODES = (0.1, 0.3, 0.5, 0.7, 0.9)
ROUND_S = 5.0


class Ladder(msgspec.Struct, frozen=True):
    """Weights with their bakes, and the failed answers to be expected of a bad version."""

    steps: tuple[Stretch, ...]
    harm: float


def ladder_harm(spec: JudgeSpec, traffic: Traffic, path: tuple[Stretch, ...]) -> float:
    """The failed answers, beyond stable's, of a bad version that goes up this ladder: the mean over `FAULTS`."""
    faults = [factor for factor in FAULTS if factor < traffic.factor_max] or [traffic.factor_max]
    return sum([_harm_of(spec, traffic, path, factor) for factor in faults]) / len(faults)


def _harm_of(spec: JudgeSpec, traffic: Traffic, path: tuple[Stretch, ...], factor: float) -> float:
    found, total_s = passage(spec, traffic, path, factor), sum(stretch.seconds for stretch in path)
    missed = 1 - found.chance(total_s)
    served = [_excess(traffic, path, factor, min(found.quantile_s(node), total_s)) for node in NODES]
    all_of_it = traffic.canary_errors(100, factor) - traffic.canary_errors(100, 1.0)
    return sum(served) / len(served) + missed * all_of_it * MISSED_S


def _excess(traffic: Traffic, path: tuple[Stretch, ...], factor: float, until_s: float) -> float:
    left, bad = until_s, 0.0
    for stretch in path:
        spent = max(min(left, stretch.seconds), 0.0)
        rate = traffic.canary_errors(stretch.weight, factor) - traffic.canary_errors(stretch.weight, 1.0)
        bad += rate * spent
        left -= spent
    return bad


def best_ladder(spec: JudgeSpec, traffic: Traffic, within_s: float) -> Ladder:
    """The ladder of at most four steps with the least expected harm, `within_s` seconds long in all."""
    last = belief(rule_of(spec), traffic, traffic.stable_errors(25), within_s, spec.interval_s)
    quick = replace(spec, dispersion=last.phi)
    shortest = {weight: max(promotion_s(spec, traffic, weight), 2 * spec.interval_s) for weight in WEIGHTS}
    best = Ladder((Stretch(50, within_s),), math.inf)
    for path in _ladders(within_s, shortest):
        best = _better(quick, traffic, best, path)
    for part in (0.3, 0.1):
        for path in tuple(_shifted(best.steps, part, shortest)):
            best = _better(quick, traffic, best, path)
    return Ladder(best.steps, ladder_harm(spec, traffic, best.steps))


def _better(spec: JudgeSpec, traffic: Traffic, best: Ladder, path: tuple[Stretch, ...]) -> Ladder:
    cost = ladder_harm(spec, traffic, path) * STEP_COST ** len(path)
    return Ladder(path, cost) if cost < best.harm else best


def _ladders(within_s: float, shortest: dict[int, float]) -> Iterator[tuple[Stretch, ...]]:
    for n in range(1, STEPS_MAX + 1):
        for weights in combinations(WEIGHTS, n):
            for shape in SHAPES if n > 1 else (1.0,):
                parts = [shape**k for k in range(n)]
                path = _path(weights, [within_s * part / sum(parts) for part in parts])
                if all(stretch.seconds >= shortest[round(stretch.weight)] for stretch in path):
                    yield path


def _path(weights: tuple[int, ...], times: list[float]) -> tuple[Stretch, ...]:
    """Bakes in whole steps of a few seconds; the last one has the rest."""
    rounded = [max(round(time / ROUND_S), 1) * ROUND_S for time in times[:-1]]
    rounded.append(max(sum(times) - sum(rounded), ROUND_S))
    return tuple([Stretch(weight, time) for weight, time in zip(weights, rounded, strict=True)])


def _shifted(
    path: tuple[Stretch, ...], part: float, shortest: dict[int, float]
) -> Iterator[tuple[Stretch, ...]]:
    """The same weights, with a part of one step's time given to another."""
    for source, giver in enumerate(path):
        for target in range(len(path)):
            times = [stretch.seconds for stretch in path]
            times[source] -= giver.seconds * part
            times[target] += giver.seconds * part
            moved = _path(tuple(round(stretch.weight) for stretch in path), times)
            if source != target and all(s.seconds >= shortest[round(s.weight)] for s in moved):
                yield moved
