"""Views are computed from the state: the words people see."""

import pytest

from headgate.core.machine.effects import (
    AskGates,
    PrepareVersion,
    SetRouting,
    StopVersion,
    VerifyVersion,
    WakeAt,
)
from headgate.core.machine.events import ReleaseAborted, ReleasePaused
from headgate.core.machine.steps import Expose, Pause, Prepare, Promote
from headgate.core.story.view import phase, progress, remaining_s, summarise, waits_for_person
from tests.core.ride import BAD, NEW, NEW_API, OLD, OLD_API, Ride, leg, plan_of, request


def told(ride: Ride) -> str:
    return phase(ride.state, ride.plan)


def test_phases_along_a_good_release() -> None:
    ride = Ride()
    kinds = (AskGates, PrepareVersion, SetRouting)
    seen = [told(ride), *(told(ride.succeed(kind)) for kind in kinds)]
    ride.judge("pass", "pass")
    seen.append(told(ride))
    assert seen == ["checking", "preparing", "shifting traffic", "baking", "shifting traffic"]


def test_phases_off_the_straight_way() -> None:
    assert told(Ride(behind="r0")) == "queued"
    assert told(Ride().to_exposed().tell(ReleasePaused(at=0.0, by="ada"))) == "paused"
    assert told(Ride().to_exposed().judge("no_data", times=10)) == "held"
    assert told(Ride().to_reverting()) == "rolling back"
    assert told(Ride().to_warm()) == "promoted"
    ended = Ride().to_reverting().succeed(SetRouting).succeed(VerifyVersion).succeed(StopVersion)
    assert told(ended) == "rolled back"
    assert told(Ride().tell(ReleaseAborted(at=0.0, by="ada"))) == "aborted"


@pytest.mark.parametrize(("reason", "said"), [("look at the graphs", "look at the graphs"), ("", "approval")])
def test_what_a_person_is_asked(reason: str, said: str) -> None:
    ride = Ride(plan_of(leg((Prepare(2), Expose(10), Pause(reason), Promote())))).to_exposed()
    assert waits_for_person(ride.state, ride.plan) == said


def test_who_waits_for_nobody() -> None:
    ride = Ride().to_exposed()
    assert waits_for_person(ride.state, ride.plan) == ""
    ride.tell(ReleasePaused(at=0.0, by="ada"))
    assert waits_for_person(ride.state, ride.plan) == "paused by a person"
    held = Ride().to_reverting().succeed(SetRouting).succeed(VerifyVersion, findings=BAD)
    assert "does not pass its checks" in waits_for_person(held.state, held.plan)


def marks(ride: Ride, index: int = 0) -> str:
    return ",".join(mark for _, mark in progress(ride.state, ride.plan.legs[index], index))


def test_progress() -> None:
    two = plan_of(leg(), leg(baseline=OLD_API, candidate=NEW_API))
    ride = Ride(two).to_exposed()
    assert marks(ride) == "done,done,now,next,next,next"
    assert marks(ride, 1) == "next,next,next,next,next,next"
    ride.judge("fail")
    assert marks(ride) == "undone,undone,undone,never,never,never"
    assert marks(Ride().to_warm()) == "done,done,done,done,done,done"


def test_the_time_that_is_left_at_least() -> None:
    ride = Ride(plan_of(leg(), leg(baseline=OLD_API, candidate=NEW_API))).to_exposed()
    assert remaining_s(ride.state, ride.plan, 0.5) == 3.5
    assert remaining_s(ride.state, ride.plan, 99.0) == 0.0
    assert remaining_s(Ride().state, Ride().plan, 0.0) == 0.0


def test_the_summary_follows_the_state() -> None:
    ride = Ride()
    asked = request(ride.plan)
    ride.to_exposed()
    summary = summarise(ride.state, ride.plan, asked)
    assert (summary.phase, summary.outcome, summary.moves[0].weight) == ("baking", None, 10)
    ride.judge("fail")
    assert summarise(ride.state, ride.plan, asked).outcome is None
    warm = Ride().to_warm()
    summary = summarise(warm.state, warm.plan, asked)
    assert (summary.outcome, summary.warm, summary.closed) == ("promoted", (OLD,), False)
    assert summary.moves[0].after == NEW
    warm.succeed(WakeAt).succeed(StopVersion)
    summary = summarise(warm.state, warm.plan, asked)
    assert (summary.warm, summary.closed) == ((), True)
