"""Margins in milliseconds, as far as the buckets allow."""

from __future__ import annotations

import random

from headgate.core.judge.evidence.histogram import shifted
from headgate.core.model.criteria import JudgeSpec, Latency
from headgate.core.model.sample import Arm, Histogram, Sample
from tests.core.judge.traffic import judged, sample

LE = tuple(float(le) for le in range(10, 310, 10))
INF = float("inf")


def spec(slower_ms: float | None, factor: float | None = 1.0) -> JudgeSpec:
    return JudgeSpec((Latency(factor=factor, slower_ms=slower_ms),), promote=False)


def arm(rng: random.Random, n: int, more_ms: float, le: tuple[float, ...] = LE) -> Arm:
    """Answers around 60 ms, all of them later by `more_ms`."""
    times = [60 * rng.lognormvariate(0, 0.3) + more_ms for _ in range(n)]
    return Arm(n, 0, Histogram(le, tuple(sum(ms <= bound for ms in times) for bound in le)))


def traffic(more_ms: float, seconds: int = 120, le: tuple[float, ...] = LE) -> list[Sample]:
    rng = random.Random(5)
    return [
        sample(arm(rng, 150, 0.0, le), arm(rng, 50, more_ms, le), at=float(k), weight=25)
        for k in range(seconds)
    ]


def kinds(slower_ms: float | None, more_ms: float) -> set[str]:
    return {verdict.kind for verdict in judged(spec(slower_ms), traffic(more_ms))[1]}


def test_slower_within_the_margin_is_allowed() -> None:
    assert "fail" in kinds(None, 20.0)
    assert "fail" not in kinds(20.0, 20.0)
    assert "fail" not in kinds(20.0, 0.0)


def test_slower_beyond_the_margin_is_found() -> None:
    assert "fail" in kinds(20.0, 60.0)


def test_each_bound_has_one_that_is_at_least_so_much_higher() -> None:
    assert shifted((10.0, 25.0, 50.0, 100.0, INF), 20.0) == {0: 2, 1: 2, 2: 3}
    assert shifted((10.0, 25.0), 0.0) == {0: 0, 1: 1}
    assert shifted((10.0, INF), 20.0) == {}


def test_both_bounds_are_named() -> None:
    _, verdicts = judged(spec(20.0), traffic(60.0))
    assert " ms " in verdicts[-1].reason
    assert "% over " in verdicts[-1].reason
    evidence = verdicts[-1].metrics[0]
    assert evidence.low is not None
    assert evidence.low > 1


def test_a_histogram_that_is_too_coarse_is_said_and_never_passes() -> None:
    coarse = (50.0, 1000.0, INF)
    asked = JudgeSpec((Latency(slower_ms=2000.0),))
    _, verdicts = judged(asked, traffic(0.0, 20, coarse))
    assert {verdict.kind for verdict in verdicts} <= {"watch", "no_data"}
    assert verdicts[-1].metrics[0].kind == "no_data"
    assert "2000 ms apart" in verdicts[-1].metrics[0].note
