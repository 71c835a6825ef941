"""The plan page: a form's fields as a question to the planner, and its answer as curves in SVG."""

import math
from collections.abc import Iterable, Sequence

import msgspec

from headgate.core.judge.planner import measured, stretches
from headgate.core.machine.plan import Plan
from headgate.core.model import Sample
from headgate.core.model.criteria import ErrorRatio
from headgate.web.api.forecast import FACTORS, STEPS_MAX, ForecastAnswer, ForecastQuestion, StepForecast
from headgate.web.http.problems import malformed
from headgate.web.pages.words import duration

WIDTH, HEIGHT = 640.0, 300.0
LEFT, RIGHT, TOP, BOTTOM = 56.0, 12.0, 12.0, 34.0
LEAST_S, MOST_S = 1.0, 86400.0
TICKS_S = (1.0, 10.0, 60.0, 600.0, 3600.0, 21600.0, 86400.0)
PERCENT = 100.0
DEFAULTS: dict[str, list[str]] = {
    "rate": ["50"],
    "base": ["0.1"],
    "factor": ["1.25"],
    "weight": ["5", "25", "50"],
    "bake": ["120", "300", "300"],
}


class Curve(msgspec.Struct, frozen=True):
    """One line of the chart. `points` as SVG has them; `look` is a class of the style sheet."""

    name: str
    look: str
    points: str


class Tick(msgspec.Struct, frozen=True):
    """A mark on an axis, at a pixel."""

    at: float
    name: str


class Drawing(msgspec.Struct, frozen=True):
    """Time to detect against the size of the regression, both logarithmic."""

    curves: list[Curve]
    factors: list[Tick]
    times: list[Tick]
    width: float = WIDTH
    height: float = HEIGHT
    left: float = LEFT
    right: float = WIDTH - RIGHT
    top: float = TOP
    bottom: float = HEIGHT - BOTTOM


def given_by(plan: Plan, samples: Iterable[Sample]) -> dict[str, list[str]]:
    """The fields that a release answers: its first leg's steps, and the traffic that was measured in it."""
    leg = plan.legs[0]
    bakes = stretches(leg.steps)[:STEPS_MAX]
    fields = dict(DEFAULTS)
    if bakes:
        fields |= {
            "weight": [str(weight) for weight, _ in bakes],
            "bake": [f"{bake.bake_s:g}" for _, bake in bakes],
        }
    for errors in leg.judge.of(ErrorRatio):
        fields["factor"] = [f"{errors.factor:g}"]
    seen = measured(sample for sample in samples if sample.unit == leg.unit)
    if seen is not None:
        fields |= {"rate": [f"{seen.errors.rate:.3g}"], "base": [f"{seen.errors.base * PERCENT:.3g}"]}
    return fields


def question(fields: dict[str, list[str]]) -> ForecastQuestion:
    """The question of the form's fields. A step whose weight is left empty is none. Raises Problem (422)."""
    pairs = zip(fields["weight"], fields["bake"], strict=False)
    steps = [(weight, bake) for weight, bake in pairs if weight.strip()]
    asked = {
        "rate": _number("rate", fields),
        "base": _number("base", fields) / PERCENT,
        "factor": _number("factor", fields),
        "steps": [{"weight": weight.strip(), "bake_s": bake.strip() or "0"} for weight, bake in steps],
    }
    try:
        return msgspec.convert(asked, ForecastQuestion, strict=False)
    except msgspec.ValidationError as error:
        raise malformed(str(error), "form") from error


def _number(name: str, fields: dict[str, list[str]]) -> float:
    text = next(iter(fields[name]), "").strip()
    try:
        found = float(text)
    except ValueError as error:
        raise malformed(f"{text[:50]!r} is no number", name) from error
    if not math.isfinite(found):
        raise malformed(f"{text[:50]!r} is no number", name)
    return found


def drawing(answer: ForecastAnswer) -> Drawing:
    """The chart: a curve for each step, and one for the whole way where there are several."""
    curves = [
        Curve(f"{step.weight}% for {duration(step.lasts_s)}", f"c{number}", _points(step))
        for number, step in enumerate(answer.steps)
    ]
    if len(curves) > 1:
        curves.append(Curve("all steps", "whole", _points(answer.whole)))
    factors = [Tick(_across(factor), f"{factor:g}x") for factor in FACTORS]
    return Drawing(curves, factors, [Tick(_up(at), duration(at)) for at in TICKS_S])


def _points(found: StepForecast) -> str:
    places = [(_across(s.factor), _up(s.sure_s)) for s in found.sights if s.sure_s is not None]
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in places)


def _across(factor: float) -> float:
    return LEFT + (WIDTH - LEFT - RIGHT) * _part(factor, FACTORS)


def _up(seconds: float) -> float:
    within = min(max(seconds, LEAST_S), MOST_S)
    return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * _part(within, (LEAST_S, MOST_S))


def _part(value: float, scale: Sequence[float]) -> float:
    return math.log(value / scale[0]) / math.log(scale[-1] / scale[0])
