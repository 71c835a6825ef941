"""The course of a release as columns: what a chart draws."""

from collections.abc import Sequence

import msgspec

from headgate.core.judge.judge import UNEASY
from headgate.core.series import Count, Point


class ArmColumns(msgspec.Struct, frozen=True):
    """One arm, a value for each point; None: nothing is known there. Latencies in milliseconds."""

    requests: list[int]
    errors: list[int]
    error_ratio: list[float | None]
    p50_ms: list[float | None]
    p99_ms: list[float | None]


class LegColumns(msgspec.Struct, frozen=True):
    """One service. `at` are the ends of the points (seconds since the epoch), `interval_s` their lengths.

    `weight` is the canary's share of the traffic that was set, in percent; `evidence` is the verdict's odds, `needed`
    those at which it fails, `passes_below` those from which on nothing passes; `ratio` in [`low`, `high`] compares the
    error ratios of canary and stable.
    """

    service: str
    at: list[float]
    interval_s: list[float]
    weight: list[int]
    stable: ArmColumns
    canary: ArmColumns
    kind: list[str]
    evidence: list[float]
    needed: list[float]
    passes_below: float
    ratio: list[float | None]
    low: list[float | None]
    high: list[float | None]


class Series(msgspec.Struct, frozen=True):
    """The course of a release, leg by leg."""

    release: str
    legs: list[LegColumns]


def columns(service: str, points: Sequence[Point]) -> LegColumns:
    """The points of one leg as columns, rounded to what can be seen."""
    return LegColumns(
        service=service,
        at=[round(point.at, 3) for point in points],
        interval_s=[round(point.interval_s, 3) for point in points],
        weight=[point.weight for point in points],
        stable=_arm([point.stable for point in points]),
        canary=_arm([point.canary for point in points]),
        kind=[point.kind for point in points],
        evidence=[_short(point.evidence) or 0.0 for point in points],
        needed=[_short(point.needed) or 0.0 for point in points],
        passes_below=UNEASY,
        ratio=[_short(point.ratio) for point in points],
        low=[_short(point.low) for point in points],
        high=[_short(point.high) for point in points],
    )


def _arm(counts: Sequence[Count]) -> ArmColumns:
    return ArmColumns(
        requests=[one.requests for one in counts],
        errors=[one.errors for one in counts],
        error_ratio=[_short(one.error_ratio) for one in counts],
        p50_ms=[_short(one.quantile_ms(0.5)) for one in counts],
        p99_ms=[_short(one.quantile_ms(0.99)) for one in counts],
    )


def _short(value: float | None) -> float | None:
    """Four digits: more cannot be seen, and would be sent."""
    return None if value is None else float(f"{value:.4g}")
