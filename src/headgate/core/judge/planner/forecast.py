"""What each step of a plan can see: the smallest fault, the time to find greater ones, the harm they do until then."""

import math
from collections.abc import Iterable
from itertools import groupby

import msgspec

from headgate.core.judge.evidence.risk import LEAST
from headgate.core.judge.planner.passage import Passage, passage, soonest
from headgate.core.judge.planner.promotion import promotion_s
from headgate.core.judge.planner.simulation import Draw, simulated
from headgate.core.judge.planner.tempering import settled_s, unknown, watched
from headgate.core.judge.traffic import Stretch, Workload
from headgate.core.judge.verdict.way import Watched
from headgate.core.machine.steps import Bake, Expose, Step
from headgate.core.model.criteria import JudgeSpec
from headgate.core.model.routing import WHOLE

FACTORS = (2.0, 5.0, 10.0)
SURE = 0.9
"""What is called found is found with this probability."""
FEW_ERRORS = 10.0
FEW_INTERVALS = 4.0
"""With fewer errors of the canary, or fewer samples, averages say little: then it is simulated."""
HASTY = 60.0
"""Intervals in which averages leave out how sparing the judge is at first."""
HALF = 50.0
"""The weight at which most is seen in the least time."""
PRECISION = 0.01

Ways = tuple[Watched, ...]
How = tuple[Draw | None, bool]
"""A source of randomness, and whether everything is to be simulated."""


class Sight(msgspec.Struct, frozen=True):
    """A canary `factor` times worse than stable. Times are inf where it is never found.

    `chance` is that of finding it in the time there is; `bad_requests` is how many of its answers (or cases) are bad
    until it is found, or until the time is over.
    """

    factor: float
    mean_s: float
    q90_s: float
    chance: float
    bad_requests: float
    simulated: bool


class SignalForecast(msgspec.Struct, frozen=True):
    """One signal (`errors`, `latency_p99`, a business signal) in one step, or on the whole way.

    `base` is stable's share, `allowed` the factor that the criteria let pass. `smallest` is the smallest factor found
    with 90% probability; None: not even the worst there is. Where a doubling is not: `doubling_s` is how long the step
    would have to be for it, `doubling_half_s` at 50% (inf: never).
    """

    signal: str
    base: float
    allowed: float
    smallest: float | None
    sights: tuple[Sight, ...]
    doubling_s: float | None = None
    doubling_half_s: float | None = None


class StepForecast(msgspec.Struct, frozen=True):
    """One step: `lasts_s` is its expected length for a good version, which may pass after `promote_s`."""

    weight: int
    bake_s: float
    promote_s: float
    lasts_s: float
    signals: tuple[SignalForecast, ...]


class Forecast(msgspec.Struct, frozen=True):
    """All steps in which the canary is compared; `whole` is about the way through all of them.

    `unknown` names the criteria nothing is foretold of, since their traffic is not known.
    """

    workload: Workload
    steps: tuple[StepForecast, ...]
    whole: tuple[SignalForecast, ...] = ()
    total_s: float = 0.0
    unknown: tuple[str, ...] = ()


def stretches(steps: Iterable[Step]) -> tuple[tuple[int, Bake], ...]:
    """The bakes under which both arms have traffic, each with the canary's weight."""
    weight, found = 0, list[tuple[int, Bake]]()
    for step in steps:
        if isinstance(step, Expose):
            weight = step.weight
        elif isinstance(step, Bake) and 0 < weight < WHOLE:
            found.append((weight, step))
    return tuple(found)


def forecast(
    spec: JudgeSpec,
    workload: Workload,
    bakes: tuple[tuple[int, Bake], ...],
    draw: Draw | None = None,
    *,
    simulate: bool = False,
) -> Forecast:
    """The forecast. With a source of randomness, what few errors decide is simulated; `simulate`: everything is."""
    how = draw, simulate
    signals = tuple([tuple(ways) for _, ways in groupby(watched(spec, workload), key=lambda way: way.signal)])
    steps: list[StepForecast] = []
    weights = [weight for weight, _ in bakes]
    for (weight, bake), following in zip(bakes, [*weights[1:], WHOLE], strict=True):
        promote_s = promotion_s(spec, workload, weight, max(weight, following, 100 * LEAST) / 100)
        lasts_s = min(max(bake.bake_s, promote_s, spec.interval_s), max(bake.deadline_s, spec.interval_s))
        seen = tuple([_advised(ways, weight, lasts_s, how) for ways in signals])
        steps.append(StepForecast(weight, bake.bake_s, promote_s, lasts_s, seen))
    path = tuple([Stretch(step.weight, step.lasts_s) for step in steps])
    whole = tuple([_signal(ways, path, how) for ways in signals]) if path else ()
    total_s = sum(stretch.seconds for stretch in path)
    return Forecast(workload, tuple(steps), whole, total_s, unknown(spec, workload))


def _signal(ways: Ways, path: tuple[Stretch, ...], how: How) -> SignalForecast:
    total_s = sum(stretch.seconds for stretch in path)
    factors = [factor for factor in FACTORS if factor <= ways[0].factor_max]
    sights = tuple([_sight(ways, path, factor, how) for factor in factors])
    allowed = min(way.factor_min for way in ways)
    return SignalForecast(
        ways[0].signal, ways[0].traffic.base, allowed, smallest(ways, path, total_s), sights
    )


def _advised(ways: Ways, weight: float, lasts_s: float, how: How) -> SignalForecast:
    """One step, with what it would take to see a doubling, where it does not."""
    found = _signal(ways, (Stretch(weight, lasts_s),), how)
    if not found.sights or found.sights[0].chance >= SURE:
        return found
    half = _sight(ways, (Stretch(HALF, 0.0),), FACTORS[0], how)
    return msgspec.structs.replace(found, doubling_s=found.sights[0].q90_s, doubling_half_s=half.q90_s)


def smallest(ways: Ways, path: tuple[Stretch, ...], within_s: float) -> float | None:
    """The smallest factor that is found with 90% probability within so many seconds, or None."""
    return min((found for way in ways if (found := _smallest(way, path, within_s)) is not None), default=None)


def _smallest(way: Watched, path: tuple[Stretch, ...], within_s: float) -> float | None:
    if way.factor_min >= way.factor_max:
        return None
    low, high = math.log(way.factor_min), math.log(way.factor_max)
    if passage(way, path, math.exp(high)).chance(within_s) < SURE:
        return None
    while high - low > PRECISION:
        middle = (low + high) / 2
        seen = passage(way, path, math.exp(middle)).chance(within_s) >= SURE
        low, high = (low, middle) if seen else (middle, high)
    return math.exp(high)


def found_by(ways: Ways, path: tuple[Stretch, ...], factor: float, how: How) -> tuple[Watched, Passage]:
    """How it is found, in closed form or, where few errors decide, by simulation."""
    draw, always = how
    way, closed = soonest(ways, path, factor)
    few = closed.errors < FEW_ERRORS or closed.intervals < FEW_INTERVALS or _unsettled(way, path, closed)
    if draw is None or not math.isfinite(closed.mean_s) or not (few or always):
        return way, closed
    return way, simulated(way, path, factor, closed.mean_s, draw)


def _unsettled(way: Watched, path: tuple[Stretch, ...], closed: Passage) -> bool:
    """Whether it is found in a few intervals, while the judge still waits for stable to show its storms.

    It is sparing with what one interval may say then, which averages leave out.
    """
    return closed.intervals < HASTY and way.form != "limit" and closed.mean_s < settled_s(way, path[0].weight)


def _sight(ways: Ways, path: tuple[Stretch, ...], factor: float, how: How) -> Sight:
    way, found = found_by(ways, path, factor, how)
    total_s = sum(stretch.seconds for stretch in path)
    return Sight(
        factor,
        found.mean_s,
        found.quantile_s(SURE),
        found.chance(total_s),
        bad_requests(way, path, factor, min(found.mean_s, total_s)),
        bool(found.quantiles),
    )


def bad_requests(way: Watched, path: tuple[Stretch, ...], factor: float, until_s: float) -> float:
    """The canary's bad answers from the path's beginning up to a moment."""
    left, bad = until_s, 0.0
    for stretch in path:
        spent = min(left, stretch.seconds)
        bad += way.bad(stretch.weight, factor) * max(spent, 0.0)
        left -= spent
    return bad
