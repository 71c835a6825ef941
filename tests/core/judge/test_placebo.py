"""Stable against itself."""

import random

from headgate.core.model.criteria import ErrorRatio, JudgeSpec
from headgate.core.model.sample import Arm, Counts, Sample
from tests.core.judge.traffic import arm, counts, judged, sample

SPEC = JudgeSpec((ErrorRatio(),))


def split(x: int, y: int) -> Sample:
    both = {"a": Counts(500, x), "b": Counts(500, y)}
    return sample(Arm(1000, x + y, instances=both), Arm(100, 0))


def test_one_instance_has_no_placebo() -> None:
    assert judged(SPEC, [counts(1000, 5, 100, 0)] * 20)[1][-1].placebo == 1.0


def test_instances_alike_stay_near_one() -> None:
    rng, high = random.Random(1), 0
    for _ in range(60):
        both = [sample(arm(rng, 1000, 0.01, k=4), arm(rng, 100, 0.01)) for _ in range(30)]
        high += judged(SPEC, both)[1][-1].placebo >= 100
    assert high <= 1


def test_an_odd_instance_shows_and_decides_nothing() -> None:
    _, verdicts = judged(SPEC, [split(20, 2)] * 20)
    assert verdicts[-1].placebo > 100
    assert verdicts[-1].kind != "fail"


def test_the_highest_stays() -> None:
    _, verdicts = judged(SPEC, [split(20, 2)] * 10 + [split(2, 20)] * 20)
    assert verdicts[-1].placebo >= verdicts[9].placebo
