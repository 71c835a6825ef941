"""The person at the wheel: pause, resume, approve, promote, abort."""

import pytest

from headgate.core.machine.effects import AskGates, PrepareVersion, SetRouting
from headgate.core.machine.events import (
    PromotionForced,
    ReleaseAborted,
    ReleasePaused,
    ReleaseResumed,
    StepApproved,
)
from headgate.core.machine.names import Illegal
from headgate.core.machine.steps import Expose, Pause, Prepare
from tests.core.ride import CANARY, NEW, Ride, leg, plan_of


def test_a_pause_lets_the_step_end_and_no_other_begin() -> None:
    ride = Ride().to_exposed().tell(ReleasePaused(at=0.0, by="ada")).judge("pass", "pass")
    assert (ride.state.done, ride.effects()) == (True, ["Observe"])
    with pytest.raises(Illegal, match="paused already"):
        ride.tell(ReleasePaused(at=9.0, by="ada"))
    ride.tell(ReleaseResumed(at=9.0, by="ada"))
    assert "SetRouting" in ride.effects()


def test_a_paused_release_is_still_watched() -> None:
    ride = Ride().to_exposed().tell(ReleasePaused(at=0.0, by="ada")).judge("fail")
    assert (ride.state.stage, ride.state.paused) == ("reverting", False)


def test_a_pause_in_the_middle_of_a_step_goes_on_where_it_was() -> None:
    ride = Ride().to_exposed().tell(ReleasePaused(at=0.0, by="ada")).tell(ReleaseResumed(at=1.0, by="ada"))
    assert (ride.state.step, ride.state.entered_at) == (2, 0.0)
    with pytest.raises(Illegal, match="nothing to resume"):
        ride.tell(ReleaseResumed(at=1.0, by="ada"))


def test_a_question_waits_for_its_answer() -> None:
    ride = Ride(plan_of(leg((Prepare(2), Expose(10), Pause("look"), *CANARY[3:])))).to_exposed()
    ride.judge("pass", "pass", "pass")
    assert ride.effects() == ["Observe"]
    ride.tell(StepApproved(at=3.0, by="ada"))
    assert "SetRouting" in ride.effects()
    with pytest.raises(Illegal, match="no step waits"):
        ride.tell(StepApproved(at=3.0, by="ada"))


def test_an_override_promotes_against_the_judge_and_is_not_undone_by_it() -> None:
    ride = Ride().to_exposed().judge("watch").tell(PromotionForced(at=1.0, by="ada", reason="I know"))
    id_, effect = ride.pending(SetRouting)
    assert effect.routing.stable == NEW
    ride.judge("fail")
    assert ride.pending(SetRouting)[0] == id_
    ride.succeed(SetRouting)
    assert (ride.state.outcome, ride.state.reason) == ("promoted", "promoted by a person, without the judge")


def test_an_override_needs_a_reason_and_traffic_and_happens_once() -> None:
    with pytest.raises(Illegal, match="give one"):
        Ride().to_exposed().tell(PromotionForced(at=0.0, by="ada", reason=" "))
    with pytest.raises(Illegal, match="no traffic yet"):
        Ride().succeed(AskGates).tell(PromotionForced(at=0.0, by="ada", reason="now"))
    forced = Ride().to_exposed().tell(PromotionForced(at=0.0, by="ada", reason="now"))
    with pytest.raises(Illegal, match="being promoted already"):
        forced.tell(PromotionForced(at=0.0, by="ada", reason="now"))


def test_an_override_lifts_a_hold() -> None:
    ride = (
        Ride().to_exposed().judge("no_data", times=10).tell(PromotionForced(at=10.0, by="ada", reason="now"))
    )
    assert ride.state.hold is None
    assert "SetRouting" in ride.effects()


@pytest.mark.parametrize("moment", ["checking", "prepared", "exposed"])
def test_a_person_can_abort_at_any_moment(moment: str) -> None:
    ride = Ride()
    if moment != "checking":
        ride.succeed(AskGates).succeed(PrepareVersion)
    if moment == "exposed":
        ride.succeed(SetRouting)
    ride.tell(ReleaseAborted(at=0.0, by="ada"))
    assert ride.state.stage == ("closed" if moment == "checking" else "reverting")
    assert ride.state.outcome == "aborted"
