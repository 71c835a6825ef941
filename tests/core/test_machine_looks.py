"""When stable is watched alone, and the one exact test at a step's deadline."""

import pytest
from msgspec.structs import replace

from headgate.core.machine.effects import AskGates, Observe, PrepareVersion, SetRouting
from headgate.core.machine.events import ReleaseResumed
from headgate.core.machine.plan import Leg
from headgate.core.machine.state import UNEXPOSED
from headgate.core.machine.steps import Bake, Expose, Pause, Prepare, Promote
from headgate.core.model import Intent, Rollout, Stage
from headgate.core.model.criteria import JudgeSpec
from headgate.core.release.planning import Policies, plan, plan_back
from tests.core.ride import NEW, OLD, Ride, leg, plan_of

LEARNING = replace(leg(), learn=True)
TESTED = replace(leg(), judge=JudgeSpec(interval_s=1.0, deadline_share=0.5))


# --- before anybody is exposed ----------------------------------------------------------------------------------------


def test_stable_is_watched_from_the_first_step_on() -> None:
    ride = Ride(plan_of(LEARNING)).succeed(AskGates)
    assert ride.effects() == ["PrepareVersion", "Observe"]
    assert ride.pending(Observe)[1] == Observe(0, UNEXPOSED, 1.0)
    ride.judge("watch", "no_data", "hold_external", "inconclusive", "watch")
    assert (ride.state.hold, ride.state.here().passed) == (None, False)
    assert ride.effects() == ["PrepareVersion", "Observe"]


def test_the_first_exposure_closes_what_was_learnt() -> None:
    ride = Ride(plan_of(LEARNING)).succeed(AskGates).judge("watch").succeed(PrepareVersion)
    ride.succeed(SetRouting)
    assert ride.pending(Observe)[1] == Observe(0, UNEXPOSED, 1.0)
    ride.judge("watch")
    assert ride.pending(Observe)[1] == Observe(0, 1, 2.0)
    assert "SetRouting" not in ride.judge("pass").effects(), "the bake began with the exposure"
    assert "SetRouting" in ride.judge("pass").effects()


def test_the_first_exposure_waits_while_stable_is_in_trouble() -> None:
    ride = Ride(plan_of(LEARNING)).succeed(AskGates).judge("hold_external").succeed(PrepareVersion)
    assert ride.effects() == ["Observe"]
    assert "SetRouting" in ride.judge("watch").effects()


def test_a_bake_before_any_exposure_is_still_held() -> None:
    steps = (Prepare(1), Bake(1.0, 5.0), Expose(10), Promote())
    ride = Ride(plan_of(replace(LEARNING, steps=steps))).succeed(AskGates).succeed(PrepareVersion)
    assert ride.state.hold is not None
    assert ride.state.hold.kind == "no_data"


def test_a_long_wait_takes_few_samples() -> None:
    steps = (Pause("wait for monday"), Prepare(1), Expose(10), Promote())
    ride = Ride(plan_of(replace(LEARNING, steps=steps))).succeed(AskGates)
    looks = 0
    while ride.state.at < 86400:
        ride.judge("watch")
        looks += 1
    assert looks < 600


def test_the_next_leg_is_learnt_too() -> None:
    ride = Ride(plan_of(LEARNING, LEARNING)).succeed(AskGates).succeed(PrepareVersion).succeed(SetRouting)
    ride.judge("watch", "pass", "pass").succeed(SetRouting).judge("watch", "pass").succeed(SetRouting)
    assert ride.state.leg == 1
    assert ride.pending(Observe)[1].exposure == UNEXPOSED


def intent(**rollout: object) -> Intent:
    spec = JudgeSpec(deadline_share=0.3)
    return Intent(NEW.unit, NEW, LEARNING.change.listener, Rollout(**rollout), spec)  # type: ignore[arg-type]


def drawn(*, running: bool = True, back: bool = False, **rollout: object) -> Leg:
    draw = plan_back if back else plan
    return draw((intent(**rollout),), {OLD.unit: OLD} if running else {}, Policies()).legs[0]


def test_a_plan_says_where_there_is_something_to_learn() -> None:
    assert drawn().learn
    assert not drawn(running=False).learn
    assert not drawn(back=True).learn
    assert not drawn(strategy="all-at-once").learn


def test_the_share_for_deadlines_is_divided_among_the_exposures_that_have_one() -> None:
    stages = (Stage(weight=5, bake_s=1.0), Stage(bake_s=2.0), Stage(weight=50, bake_s=1.0))
    assert drawn(stages=stages).judge.deadlines == 3
    assert drawn(strategy="all-at-once").judge.deadlines == 1


# --- at a deadline ----------------------------------------------------------------------------------------------------


def test_the_last_sample_before_the_deadline_is_tested_once() -> None:
    ride = Ride(plan_of(TESTED)).to_exposed()
    looks = []
    while ride.state.hold is None:
        looks.append(ride.pending(Observe)[1])
        ride.judge("watch")
    assert [look.deadline for look in looks] == [False] * 9 + [True]
    assert ride.state.here().tested == 1
    ride.tell(ReleaseResumed(at=ride.state.at, by="ada"))
    for _ in range(10):
        assert not ride.pending(Observe)[1].deadline
        ride.judge("watch")
    assert ride.state.hold is not None


def test_the_sample_ends_with_the_deadline_itself() -> None:
    ride = Ride(plan_of(replace(TESTED, judge=replace(TESTED.judge, interval_s=4.0)))).to_exposed()
    ride.judge("watch", "watch")
    assert ride.pending(Observe)[1] == Observe(0, 1, 10.0, deadline=True)


@pytest.mark.parametrize(("kind", "stage"), [("fail", "reverting"), ("watch", "forward")])
def test_what_the_test_finds_decides(kind: str, stage: str) -> None:
    ride = Ride(plan_of(TESTED)).to_exposed().judge("watch", times=9)
    assert ride.judge(kind).state.stage == stage  # type: ignore[arg-type]


def test_each_exposure_has_its_own_test() -> None:
    ride = Ride(plan_of(TESTED)).to_exposed().judge("pass", "pass").succeed(SetRouting).judge("watch")
    ride.judge("watch", times=9)
    assert ride.pending(Observe)[1].deadline


def test_without_a_share_there_is_none() -> None:
    ride = Ride().to_exposed().judge("watch", times=9)
    assert not ride.pending(Observe)[1].deadline
