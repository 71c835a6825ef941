"""The ladder of weights and bakes that does the least harm, for the time there is.

A step at a small weight bounds what a terrible version can do; a large one sees a small fault at all. What is weighed:
the failed answers that a bad version causes beyond stable's, with `FAULTS` as the prior over how bad it is; what the
ladder misses goes on for `MISSED_S` under all of the traffic. Nothing here is random: the same question has one answer.
"""

import math
from collections.abc import Iterator
from itertools import combinations, permutations

import msgspec
from msgspec.structs import replace

from headgate.core.judge.planner.passage import soonest
from headgate.core.judge.planner.promotion import promotion_s
from headgate.core.judge.planner.tempering import belief, watched
from headgate.core.judge.traffic import Stretch, Workload
from headgate.core.judge.verdict.way import Watched
from headgate.core.model.criteria import JudgeSpec

WEIGHTS = (1, 2, 5, 10, 25, 50)
STEPS_MAX = 4
FAULTS = (2.0, 5.0, 20.0, 100.0)
"""The prior: a bad version is as likely to be one of these times worse than stable as another."""
MISSED_S = 3600.0
"""How long a fault that no step has found goes on: an hour until somebody notices."""
SHAPES = (1.0, 2.0, 0.5, 4.0)
"""How much longer each step is than the one before, to begin with."""
PARTS = (0.4, 0.1)
"""Then these parts of one step's time are given to another, as long as that helps ..."""
ROUNDS_MAX = 20
"""... so many times at most, for each of the best few ladders."""
FEW = 2
STEP_COST = 1.01
"""A step more must be worth it."""
NODES = (0.1, 0.3, 0.5, 0.7, 0.9)
ROUND_S = 5.0

Path = tuple[Stretch, ...]


class Ladder(msgspec.Struct, frozen=True):
    """Weights with their bakes, and the failed answers to be expected of a bad version, beyond stable's.

    `enough` is false where the time is too short for a good version to prove itself on any ladder. What is assumed is
    part of the answer: the `faults`, all as likely, and how long one that is missed goes on.
    """

    steps: Path
    harm: float
    enough: bool = True
    faults: tuple[float, ...] = FAULTS
    missed_s: float = MISSED_S


class Search(msgspec.Struct, frozen=True):
    """What ladders are compared by: the ways to find a fault, and the shortest step at each weight."""

    ways: tuple[Watched, ...]
    shortest: dict[int, float]

    def allows(self, path: Path) -> bool:
        """Whether a good version can prove itself in every step."""
        return all(stretch.seconds >= self.shortest[round(stretch.weight)] for stretch in path)

    def cost(self, path: Path) -> float:
        """The harm, with a little for every step."""
        return harm(self.ways, path) * STEP_COST ** len(path)


def first_signal(spec: JudgeSpec, workload: Workload) -> tuple[Watched, ...]:
    """What harm is counted by: errors, where they are judged."""
    ways = watched(spec, workload)
    return tuple([way for way in ways if way.signal == ways[0].signal])


def ladder_harm(spec: JudgeSpec, workload: Workload, path: Path) -> float:
    """The failed answers, beyond stable's, of a bad version that goes up this ladder: the mean over `FAULTS`."""
    return harm(first_signal(spec, workload), path)


def harm(ways: tuple[Watched, ...], path: Path) -> float:
    """The same, with the ways to find a fault known. Without any, every fault is missed."""
    if not ways:
        return math.inf
    faults = faults_of(ways)
    return sum([_harm_of(ways, path, factor) for factor in faults]) / len(faults)


def faults_of(ways: tuple[Watched, ...]) -> tuple[float, ...]:
    """The prior, without what is worse than the worst there is."""
    worst = ways[0].factor_max if ways else math.inf
    return tuple([factor for factor in FAULTS if factor < worst]) or (worst,)


def _harm_of(ways: tuple[Watched, ...], path: Path, factor: float) -> float:
    way, found = soonest(ways, path, factor)
    total_s = sum(stretch.seconds for stretch in path)
    missed = 1 - found.chance(total_s)
    served = [_excess(way, path, factor, min(found.quantile_s(node), total_s)) for node in NODES]
    all_of_it = way.bad(100, factor) - way.bad(100, 1.0)
    return sum(served) / len(served) + missed * all_of_it * MISSED_S


def _excess(way: Watched, path: Path, factor: float, until_s: float) -> float:
    left, bad = until_s, 0.0
    for stretch in path:
        spent = max(min(left, stretch.seconds), 0.0)
        bad += (way.bad(stretch.weight, factor) - way.bad(stretch.weight, 1.0)) * spent
        left -= spent
    return bad


def best_ladder(spec: JudgeSpec, workload: Workload, within_s: float) -> Ladder:
    """The ladder of at most four steps with the least expected harm, `within_s` seconds long in all."""
    search = search_of(spec, workload, within_s)
    paths = [path for path in _ladders(within_s) if search.allows(path)]
    if not paths:
        alone = (Stretch(WEIGHTS[-1], within_s),)
        return Ladder(alone, ladder_harm(spec, workload, alone), enough=False, faults=faults_of(search.ways))
    ranked = sorted([(search.cost(path), path) for path in paths], key=lambda one: one[0])
    _, best = min([_settled(search, *one) for one in ranked[:FEW]], key=lambda one: one[0])
    return Ladder(best, ladder_harm(spec, workload, best), faults=faults_of(search.ways))


def search_of(spec: JudgeSpec, workload: Workload, within_s: float) -> Search:
    """With the dispersion taken as what is believed of it at the end: that is quicker, and no ladder gains by it."""
    ways = first_signal(spec, workload)
    known = tuple([replace(way, phi=belief(way, 25, within_s).phi) for way in ways])
    shortest = {weight: max(promotion_s(spec, workload, weight), 2 * spec.interval_s) for weight in WEIGHTS}
    return Search(known, shortest)


def _settled(search: Search, cost: float, path: Path) -> tuple[float, Path]:
    """Time is moved from step to step as long as that helps."""
    for _ in range(ROUNDS_MAX):
        moved = ((search.cost(one), one) for one in _shifted(path) if search.allows(one))
        better = next((one for one in moved if one[0] < cost), None)
        if better is None:
            break
        cost, path = better
    return cost, path


def _ladders(within_s: float) -> Iterator[Path]:
    for n in range(1, STEPS_MAX + 1):
        for weights in combinations(WEIGHTS, n):
            for shape in SHAPES if n > 1 else (1.0,):
                parts = [shape**k for k in range(n)]
                yield _path(weights, [within_s * part / sum(parts) for part in parts])


def _path(weights: tuple[int, ...], times: list[float]) -> Path:
    """Bakes in whole steps of a few seconds; the last one has the rest."""
    rounded = [max(round(time / ROUND_S), 1) * ROUND_S for time in times[:-1]]
    rounded.append(max(sum(times) - sum(rounded), ROUND_S))
    return tuple([Stretch(weight, time) for weight, time in zip(weights, rounded, strict=True)])


def _shifted(path: Path) -> Iterator[Path]:
    """The same weights, with a part of one step's time given to another."""
    weights = tuple(round(stretch.weight) for stretch in path)
    for source, target in permutations(range(len(path)), 2):
        for part in PARTS:
            times = [stretch.seconds for stretch in path]
            moved = path[source].seconds * part
            times[source] -= moved
            times[target] += moved
            yield _path(weights, times)
