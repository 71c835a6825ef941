"""The course of a release as columns: what a chart draws."""

from collections.abc import Sequence

import msgspec

from headgate.core.judge.verdict.reading import UNEASY
from headgate.core.machine.plan import Leg
from headgate.core.machine.state import LegState
from headgate.core.model.criteria import MeanCriterion
from headgate.core.story.series import Count, Point
from headgate.core.story.view import share

ODDS_MAX = 1e6


class ArmColumns(msgspec.Struct, frozen=True):
    """One arm, a value for each point; None: nothing is known there. Latencies in milliseconds."""

    requests: list[int]
    errors: list[int]
    error_ratio: list[float | None]
    p50_ms: list[float | None]
    p99_ms: list[float | None]


class SignalColumns(msgspec.Struct, frozen=True):
    """A business signal that is judged: its share in either arm, a value for each point; None: no cases."""

    name: str
    stable: list[float | None]
    canary: list[float | None]


class LegColumns(msgspec.Struct, frozen=True):
    """One service. `at` are the ends of the points (seconds since the epoch), `interval_s` their lengths.

    `weight` is the canary's share of the traffic that was set, in percent; `evidence` is the verdict's odds, `needed`
    those at which it fails (None: nobody had reached the canary yet, nothing was judged), `passes_below` those from
    which on nothing passes; `ratio` in [`low`, `high`] compares the error ratios of canary and stable; `signals` are
    the business signals. As of `share_at`, when the release changed last, the new version has `share` percent of the
    traffic.
    """

    service: str
    at: list[float]
    interval_s: list[float]
    weight: list[int]
    stable: ArmColumns
    canary: ArmColumns
    kind: list[str]
    evidence: list[float | None]
    needed: list[float | None]
    passes_below: float
    ratio: list[float | None]
    low: list[float | None]
    high: list[float | None]
    signals: list[SignalColumns]
    share: int
    share_at: float


class Series(msgspec.Struct, frozen=True):
    """The course of a release, leg by leg."""

    release: str
    legs: list[LegColumns]


def columns(leg: Leg, points: Sequence[Point], now: LegState, at: float) -> LegColumns:
    """The points of one leg as columns, rounded to what can be seen; `now` is where the leg is, as of `at`."""
    judged = _judged(points)
    return LegColumns(
        service=leg.unit.service,
        at=[round(point.at, 3) for point in points],
        interval_s=[round(point.interval_s, 3) for point in points],
        weight=[point.weight for point in points],
        stable=_arm([point.stable for point in points]),
        canary=_arm([point.canary for point in points]),
        kind=[point.kind for point in points],
        evidence=[
            _odds(point.evidence) if known else None for point, known in zip(points, judged, strict=True)
        ],
        needed=[_odds(point.needed) if known else None for point, known in zip(points, judged, strict=True)],
        passes_below=UNEASY,
        ratio=[_short(point.ratio) for point in points],
        low=[_short(point.low) for point in points],
        high=[_short(point.high) for point in points],
        signals=[
            SignalColumns(
                criterion.name,
                [_short(point.stable.mean(criterion.name)) for point in points],
                [_short(point.canary.mean(criterion.name)) for point in points],
            )
            for criterion in leg.judge.of(MeanCriterion)
        ],
        share=share(now, leg),
        share_at=round(at, 3),
    )


def _judged(points: Sequence[Point]) -> list[bool]:
    """Whether there was anything to judge by then: before anybody reaches the canary there is no evidence, not none."""
    found, reached = list[bool](), False
    for point in points:
        reached = reached or bool(point.weight or point.canary.requests)
        found.append(reached)
    return found


def _arm(counts: Sequence[Count]) -> ArmColumns:
    return ArmColumns(
        requests=[one.requests for one in counts],
        errors=[one.errors for one in counts],
        error_ratio=[_short(one.error_ratio) for one in counts],
        p50_ms=[_short(one.quantile_ms(0.5)) for one in counts],
        p99_ms=[_short(one.quantile_ms(0.99)) for one in counts],
    )


def _odds(value: float) -> float:
    """As exact as they are said: whole numbers to a million, beyond which nobody counts."""
    return float(f"{min(value, ODDS_MAX):.7g}")


def _short(value: float | None) -> float | None:
    """Four digits: more cannot be seen, and would be sent."""
    return None if value is None else float(f"{value:.4g}")
