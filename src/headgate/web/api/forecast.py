"""A forecast for a plan's steps: which faults they detect, given the service's traffic. Nothing is begun or kept."""

import asyncio
import math
from typing import Annotated

import msgspec

from headgate.core.judge.planner import Stretch, Traffic, Watched, Workload, forecast, soonest, watched
from headgate.core.judge.planner.forecast import SURE, bad_requests, smallest
from headgate.core.machine.steps import Bake
from headgate.core.model.criteria import ErrorRatio, JudgeSpec
from headgate.core.release.strategies import bake
from headgate.web.http.endpoint import Call, Endpoint, Reply

STEPS_MAX = 8
FACTORS = (1.5, 2.0, 3.0, 5.0, 7.0, 10.0, 20.0, 50.0)
"""How many times worse than stable a canary is taken to be."""

Rate = Annotated[float, msgspec.Meta(gt=0, le=1e7)]
Share = Annotated[float, msgspec.Meta(ge=0, le=0.9)]
Seconds = Annotated[float, msgspec.Meta(ge=0, le=2_592_000)]
Percent = Annotated[int, msgspec.Meta(ge=1, le=99)]


class ForecastStep(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The canary has `weight` percent of the traffic for `bake_s` seconds."""

    weight: Percent
    bake_s: Seconds


class ForecastQuestion(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`rate` requests a second in all, of which the share `base` fails on a good day.

    `factor`: the canary may be so many times worse; `error_ratio_max`: an absolute limit on its share of failures;
    `interval_s`: the length of one sample.
    """

    rate: Rate
    base: Share
    steps: Annotated[tuple[ForecastStep, ...], msgspec.Meta(min_length=1, max_length=STEPS_MAX)]
    factor: Annotated[float, msgspec.Meta(ge=1, le=100)] = 1.25
    error_ratio_max: Annotated[float, msgspec.Meta(gt=0, le=1)] | None = None
    interval_s: Annotated[float, msgspec.Meta(ge=0.1, le=600)] = 0.5


class FaultForecast(msgspec.Struct, frozen=True):
    """A canary `factor` times worse: found after `mean_s` on average, and by `sure_s` in nine cases of ten.

    None: never. `chance` is that of finding it in the time there is, `bad_requests` how many of its answers fail until
    then.
    """

    factor: float
    mean_s: float | None
    sure_s: float | None
    chance: float
    bad_requests: float


class StepForecast(msgspec.Struct, frozen=True):
    """One step, or the whole way. It lasts `lasts_s`; `smallest` is the smallest factor surely found in that time.

    `promote_s` is when a good version may pass. None: never, or not even the worst there is.
    """

    weight: int | None
    lasts_s: float
    promote_s: float | None
    smallest: float | None
    sights: list[FaultForecast]


class ForecastAnswer(msgspec.Struct, frozen=True):
    """Step by step, and the whole way through all of them."""

    steps: list[StepForecast]
    whole: StepForecast


class Foretelling:
    """The endpoint for it."""

    def endpoints(self) -> tuple[Endpoint, ...]:
        """The one there is."""
        return (
            Endpoint(
                "POST",
                "/v1/forecast",
                "forecast",
                "How long a worse version would stay hidden from these steps",
                self._forecast,
                ForecastAnswer,
                "plans",
                body=ForecastQuestion,
            ),
        )

    async def _forecast(self, call: Call) -> Reply:
        return Reply(await asyncio.to_thread(foretold, call.body))


def foretold(asked: ForecastQuestion) -> ForecastAnswer:
    """The answer, in closed form (see `core.judge.planner`)."""
    spec = JudgeSpec((ErrorRatio(asked.factor, asked.error_ratio_max),), interval_s=asked.interval_s)
    workload = Workload(Traffic(asked.rate, asked.base))
    bakes: tuple[tuple[int, Bake], ...] = tuple((step.weight, bake(step.bake_s)) for step in asked.steps)
    seen, ways = forecast(spec, workload, bakes), tuple(watched(spec, workload))
    steps = [
        _stretched(ways, (Stretch(step.weight, step.lasts_s),), step.weight, step.promote_s)
        for step in seen.steps
    ]
    path = tuple(Stretch(step.weight, step.lasts_s) for step in seen.steps)
    return ForecastAnswer(steps, _stretched(ways, path, None, None))


def _stretched(
    ways: tuple[Watched, ...], path: tuple[Stretch, ...], weight: int | None, promote_s: float | None
) -> StepForecast:
    lasts_s = sum(stretch.seconds for stretch in path)
    worst = ways[0].traffic.factor_max
    sights = [_foresight(ways, path, factor, lasts_s) for factor in FACTORS if factor <= worst]
    return StepForecast(weight, lasts_s, _finite(promote_s), _finite(smallest(ways, path, lasts_s)), sights)


def _foresight(
    ways: tuple[Watched, ...], path: tuple[Stretch, ...], factor: float, lasts_s: float
) -> FaultForecast:
    way, found = soonest(ways, path, factor)
    return FaultForecast(
        factor,
        _finite(found.mean_s),
        _finite(found.quantile_s(SURE)),
        found.chance(lasts_s),
        bad_requests(way, path, factor, min(found.mean_s, lasts_s)),
    )


def _finite(value: float | None) -> float | None:
    """Four digits; JSON has no infinity."""
    return float(f"{value:.4g}") if value is not None and math.isfinite(value) else None
