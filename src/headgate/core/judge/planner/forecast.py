"""What each step of a plan can see: the smallest fault, the time to find greater ones, the harm they do until then."""

import math
from collections.abc import Iterable

import msgspec

from headgate.core.criteria import JudgeSpec
from headgate.core.judge.planner.growth import rule_of
from headgate.core.judge.planner.passage import Passage, passage
from headgate.core.judge.planner.promotion import promotion_s
from headgate.core.judge.planner.simulation import Draw, simulated
from headgate.core.judge.planner.traffic import Stretch, Traffic
from headgate.core.model.routing import WHOLE
from headgate.core.model.step import Bake, Expose, Step

FACTORS = (2.0, 5.0, 10.0)
SURE = 0.9
"""What is called found is found with this probability."""
FEW_ERRORS = 10.0
FEW_INTERVALS = 4.0
"""With fewer errors of the canary, or fewer samples, averages say little: then it is simulated."""
HALF = 50.0
"""The weight at which most is seen in the least time."""


class Sight(msgspec.Struct, frozen=True):
    """A canary `factor` times worse than stable. Times are inf where it is never found.

    `chance` is that of finding it in the step; `bad_requests` is how many of its answers fail until it is found, or
    until the step ends.
    """

    factor: float
    mean_s: float
    q90_s: float
    chance: float
    bad_requests: float
    simulated: bool


class StepForecast(msgspec.Struct, frozen=True):
    """One step: `lasts_s` is its expected length for a good version, which may pass after `promote_s`.

    `smallest` is the smallest factor found with 90% probability; None: not even a canary that fails every request.
    Where a doubling is not: `doubling_s` is how long the step would have to be, `doubling_half_s` at 50%.
    """

    weight: int
    bake_s: float
    promote_s: float
    lasts_s: float
    smallest: float | None
    sights: tuple[Sight, ...]
    doubling_s: float | None = None
    doubling_half_s: float | None = None


class Forecast(msgspec.Struct, frozen=True):
    """All steps in which the canary is compared; `whole` is about the way through all of them."""

    traffic: Traffic
    steps: tuple[StepForecast, ...]
    whole: tuple[Sight, ...] = ()
    total_s: float = 0.0


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
    traffic: Traffic,
    bakes: tuple[tuple[int, Bake], ...],
    draw: Draw | None = None,
    *,
    simulate: bool = False,
) -> Forecast:
    """The forecast. With a source of randomness, what few errors decide is simulated; `simulate`: everything is."""
    steps = tuple([_step(spec, traffic, weight, bake, (draw, simulate)) for weight, bake in bakes])
    path = tuple([Stretch(step.weight, step.lasts_s) for step in steps])
    whole = tuple([_sight(spec, traffic, path, factor, (draw, simulate)) for factor in _factors(traffic)])
    return Forecast(traffic, steps, whole if path else (), sum(stretch.seconds for stretch in path))


def _factors(traffic: Traffic) -> tuple[float, ...]:
    return tuple(factor for factor in FACTORS if factor <= traffic.factor_max)


def _step(
    spec: JudgeSpec, traffic: Traffic, weight: int, bake: Bake, how: tuple[Draw | None, bool]
) -> StepForecast:
    promote_s = promotion_s(spec, traffic, weight)
    lasts_s = min(max(bake.bake_s, promote_s, spec.interval_s), max(bake.deadline_s, spec.interval_s))
    path = (Stretch(weight, lasts_s),)
    sights = tuple([_sight(spec, traffic, path, factor, how) for factor in _factors(traffic)])
    found = StepForecast(
        weight, bake.bake_s, promote_s, lasts_s, smallest(spec, traffic, path, lasts_s), sights
    )
    if not sights or sights[0].chance >= SURE:
        return found
    half = (Stretch(HALF, 0.0),)
    doubling_half_s = _sight(spec, traffic, half, FACTORS[0], how).q90_s
    return msgspec.structs.replace(found, doubling_s=sights[0].q90_s, doubling_half_s=doubling_half_s)


def smallest(spec: JudgeSpec, traffic: Traffic, path: tuple[Stretch, ...], within_s: float) -> float | None:
    """The smallest factor that is found with 90% probability within so many seconds, or None."""
    low, high = math.log(rule_of(spec).grid.null), math.log(traffic.factor_max)
    if passage(spec, traffic, path, math.exp(high)).chance(within_s) < SURE:
        return None
    while high - low > 0.01:  # noqa: PLR2004 - one percent
        middle = (low + high) / 2
        seen = passage(spec, traffic, path, math.exp(middle)).chance(within_s) >= SURE
        low, high = (low, middle) if seen else (middle, high)
    return math.exp(high)


def _passage(
    spec: JudgeSpec,
    traffic: Traffic,
    path: tuple[Stretch, ...],
    factor: float,
    how: tuple[Draw | None, bool],
) -> Passage:
    draw, always = how
    closed = passage(spec, traffic, path, factor)
    few = closed.errors < FEW_ERRORS or closed.intervals < FEW_INTERVALS
    if draw is None or not math.isfinite(closed.mean_s) or not (few or always):
        return closed
    return simulated(spec, traffic, path, factor, closed.mean_s, draw)


def _sight(
    spec: JudgeSpec,
    traffic: Traffic,
    path: tuple[Stretch, ...],
    factor: float,
    how: tuple[Draw | None, bool],
) -> Sight:
    found = _passage(spec, traffic, path, factor, how)
    total_s = sum(stretch.seconds for stretch in path)
    return Sight(
        factor,
        found.mean_s,
        found.quantile_s(SURE),
        found.chance(total_s),
        bad_requests(traffic, path, factor, min(found.mean_s, total_s)),
        bool(found.quantiles),
    )


def bad_requests(traffic: Traffic, path: tuple[Stretch, ...], factor: float, until_s: float) -> float:
    """The canary's failed answers from the path's beginning up to a moment."""
    left, bad = until_s, 0.0
    for stretch in path:
        spent = min(left, stretch.seconds)
        bad += traffic.canary_errors(stretch.weight, factor) * max(spent, 0.0)
        left -= spent
    return bad
