"""The judge alone, as a library."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from headgate.core.judge.judge import observe, start
from headgate.core.model.criteria import ErrorRatio
from headgate.judge import ArmCounts, Buckets, Interval, Judge, JudgeSpec, answer

LE = (50.0, 100.0, 1000.0)


def traffic(canary_errors: float, seconds: int = 60, weight: float = 10) -> Iterator[Interval]:
    rng = random.Random(7)
    for at in range(1, seconds + 1):
        x0, x1 = (sum(rng.random() < p for _ in range(n)) for n, p in ((900, 0.002), (100, canary_errors)))
        yield Interval(float(at), ArmCounts(900, x0), ArmCounts(100, x1), weight)


def test_a_bad_canary_fails_and_stays_failed() -> None:
    judge = Judge(JudgeSpec((ErrorRatio(),)))
    kinds = [judge.observe(one).kind for one in traffic(0.1)]
    first = kinds.index("fail")
    assert first < 10
    assert set(kinds[first:]) == {"fail"}


def test_a_good_canary_passes_and_stays_so_whatever_comes() -> None:
    judge = Judge(JudgeSpec((ErrorRatio(),)))
    assert [judge.observe(one).kind for one in traffic(0.002)][-1] == "pass"
    assert {judge.observe(one).kind for one in traffic(0.5)} == {"pass"}


def test_it_is_the_engine_of_the_releases() -> None:
    spec = JudgeSpec((ErrorRatio(),), promote=False)
    judge, state = Judge(spec), start(spec)
    for one in traffic(0.004):
        state, expected = observe(spec, state, one.sample(1.0), 0)
        assert judge.observe(one) == expected


def test_latency_is_judged_where_it_is_measured_and_nobody_said_so() -> None:
    without, with_latency = Judge(latency_optional=True), Judge(latency_optional=True)
    one = next(traffic(0.002))
    assert [m.metric for m in without.observe(one).metrics] == ["error_ratio"]
    slow = ArmCounts(900, 0, Buckets(LE, (800, 890, 900)))
    measured = Interval(1.0, slow, ArmCounts(100, 0, Buckets(LE, (90, 99, 100))))
    assert [m.metric for m in with_latency.observe(measured).metrics] == ["error_ratio", "latency_p99"]


def test_latency_that_was_asked_for_and_is_missing_never_passes() -> None:
    judge = Judge(JudgeSpec())
    assert "pass" not in {judge.observe(one).kind for one in traffic(0.002)}


def test_an_arm_that_is_missing_is_no_data() -> None:
    verdict = Judge(JudgeSpec((ErrorRatio(),))).observe(Interval(1.0, ArmCounts(900)))
    assert (verdict.kind, verdict.reason) == ("no_data", "in this interval: canary was not measured")


def test_time_that_stands_still_is_no_data() -> None:
    judge = Judge(JudgeSpec((ErrorRatio(),), promote=False))
    one = next(traffic(0.002))
    judge.observe(one)
    assert judge.observe(one).kind == "no_data"


def test_another_weight_begins_another_step() -> None:
    judge = Judge(JudgeSpec((ErrorRatio(),), requests_min=150, promote=False))
    small, large = Interval(1.0, ArmCounts(900), ArmCounts(100), 10), ArmCounts(500)
    assert "100 of at least 150 requests" in judge.observe(small).reason
    assert "100 of at least 150" in judge.observe(Interval(2.0, large, ArmCounts(100), 50)).reason


@pytest.mark.parametrize(("at", "length"), [(15.0, 15.0), (1.7e9, 1.0), (0.0, 1.0)])
def test_the_first_interval_has_the_length_of_its_clock(at: float, length: float) -> None:
    judge = Judge(JudgeSpec((ErrorRatio(),), interval_s=1.0))
    assert judge._length(Interval(at)) == length


def test_an_answer_has_what_a_line_shows() -> None:
    judge = Judge(JudgeSpec((ErrorRatio(),)))
    verdict = judge.observe(next(traffic(0.002)))
    said = answer(15.0, verdict)
    assert (said.at, said.verdict, said.evidence) == (15.0, verdict.kind, verdict.evidence)
    assert said.metrics[0].name == "error_ratio"
