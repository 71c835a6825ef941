"""The step that has all the traffic: what stable still answered while it changed must not stand in the way."""

from headgate.core.judge.judge import observe, start
from headgate.core.model import Arm, Mean, Sample, Unit
from headgate.core.model.criteria import ErrorRatio, JudgeSpec, MeanCriterion

UNIT = Unit("shop", "production", "web")
SPEC = JudgeSpec((ErrorRatio(), MeanCriterion("answered", margin=0.05)), requests_min=10)


def arm(n: int) -> Arm:
    return Arm(requests=n, means={"answered": Mean(float(n), n)} if n else {})


def test_a_few_late_answers_of_stable_do_not_hold_the_whole_traffic() -> None:
    state, at, kinds = start(SPEC), 0.0, []
    for weight, stable, canary, step in [
        (50, 4, 8, 2),
        (50, 14, 19, 2),
        (100, 2, 20, 4),
        *[(100, 0, 20, 4)] * 20,
    ]:
        at += 0.5
        sample = Sample(UNIT, at, 0.5, weight, arm(stable), arm(canary))
        state, verdict = observe(SPEC, state, sample, step)
        kinds.append(verdict.kind)
    assert kinds[-1] == "pass"
