"""Stable in trouble of its own: the ramp freezes, the canary's traffic is taken away, a person decides."""

import pytest
from msgspec.structs import replace

from headgate.core.machine.effects import AskGates, Observe, PrepareVersion, RunSmoke, SetRouting
from headgate.core.machine.events import PromotionForced, ReleaseAborted, ReleaseResumed, VersionLost
from headgate.core.machine.state import UNEXPOSED
from headgate.core.machine.steps import Bake, Expose, Learn, Pause, Prepare, Promote, Shrink, Smoke
from headgate.core.machine.steps.expose import aside, exposed
from headgate.core.model import Routing, VerdictKind
from headgate.core.story.view import phase, waits_for_person
from tests.core.ride import OLD, Ride, leg, plan_of

LEG = leg()
LEARNING = replace(leg((Prepare(2), Learn(20.0), Expose(100), Bake(0.0, 10.0), Promote())), learn=True)
SMOKED = (Prepare(2), Expose(10), Smoke(), Expose(50), Bake(0.0, 5.0), Promote())


def asked(ride: Ride) -> Routing:
    return ride.pending(SetRouting)[1].routing


def held(ride: Ride) -> str:
    assert ride.state.hold is not None
    return ride.state.hold.kind


# --- freezing ---------------------------------------------------------------------------------------------------------


def test_trouble_of_stable_neither_passes_nor_fails_and_clears_itself() -> None:
    ride = Ride().to_exposed().judge("hold_external", times=5)
    assert (ride.state.stage, ride.state.hold, ride.effects()) == ("forward", None, ["Observe"])
    assert phase(ride.state, ride.plan) == "waiting for stable"
    ride.judge("pass")
    assert phase(ride.state, ride.plan) == "baking"
    assert ride.effects() == ["Observe"]
    assert "SetRouting" in ride.judge("pass").effects()


@pytest.mark.parametrize("policy", ["hold", "roll_back", "promote"])
def test_at_the_deadline_a_person_decides_whatever_the_policy(policy: str) -> None:
    ride = Ride(plan_of(on_inconclusive=policy)).to_exposed().judge("hold_external", times=10)
    assert held(ride) == "external"
    assert ride.state.stage == "forward"
    assert ride.effects() == ["Observe"]


def test_time_in_trouble_counts_for_the_deadline_only_while_it_lasts() -> None:
    ride = Ride().to_exposed().judge("hold_external", times=8).judge("watch", times=9)
    assert ride.state.hold is None
    assert ride.state.frozen_s == 8.0
    assert held(ride.judge("watch")) == "inconclusive"


def test_a_step_that_is_begun_again_has_lost_no_time() -> None:
    ride = Ride().to_exposed().judge("hold_external", times=10)
    ride.tell(ReleaseResumed(at=ride.state.at, by="ada"))
    assert (ride.state.frozen_s, ride.state.hold) == (0.0, None)
    assert "SetRouting" in ride.judge("pass", "pass").effects()


def test_a_failing_verdict_is_not_frozen() -> None:
    assert Ride().to_exposed().judge("hold_external", "fail").state.stage == "reverting"


def test_more_traffic_waits_for_stable_and_is_not_taken_back_once_ordered() -> None:
    ride = Ride(plan_of(leg(SMOKED))).to_exposed().judge("hold_external").succeed(RunSmoke)
    assert ride.effects() == ["Observe"]
    assert asked(ride.judge("watch")).weight == 50
    assert asked(ride.judge("hold_external")).weight == 50


def test_more_traffic_does_not_wait_for_ever() -> None:
    ride = Ride(plan_of(leg(SMOKED))).to_exposed().judge("hold_external").succeed(RunSmoke)
    ride.judge("hold_external", times=4)
    assert ride.state.hold is None
    assert held(ride.judge("hold_external")) == "external"
    ride.tell(ReleaseResumed(at=ride.state.at, by="ada"))
    assert asked(ride.judge("watch")).weight == 50


def test_a_person_may_promote_over_it() -> None:
    ride = Ride().to_exposed().judge("hold_external")
    ride.tell(PromotionForced(at=ride.state.at, by="ada", reason="it is the database"))
    assert asked(ride).stable == LEG.change.candidate


# --- taking the traffic away ------------------------------------------------------------------------------------------


def away() -> Ride:
    return Ride().to_exposed().judge("shared").succeed(SetRouting).judge("watch")


def test_the_traffic_is_taken_away_and_comes_back_when_stable_recovers() -> None:
    ride = Ride().to_exposed().judge("shared")
    assert asked(ride) == aside(LEG.change)
    assert not aside(LEG.change).exposed
    ride.succeed(SetRouting)
    assert (ride.state.here().relief, ride.pending(Observe)[1].exposure) == ("away", 1)
    ride.judge("watch")
    assert ride.pending(Observe)[1].exposure == UNEXPOSED
    assert ride.state.here().relief == "away", "the sample that closed had the canary in it"
    ride.judge("hold_external", "no_data")
    assert ride.effects() == ["Observe"]
    began = ride.judge("watch").succeed(SetRouting).state
    assert began.here().routing == exposed(LEG.change, Expose(10))
    assert (began.here().relief, began.entered_at, began.hold) == ("", began.at, None)
    assert ride.judge("watch").pending(Observe)[1].exposure == 1


@pytest.mark.parametrize("kind", ["hold_external", "no_data"])
def test_where_stable_does_not_recover_a_person_decides(kind: VerdictKind) -> None:
    ride = away().judge(kind, times=58)
    assert ride.state.hold is None
    ride.judge(kind, times=2)
    assert held(ride) == "external"
    assert "not recovered 60 s after" in waits_for_person(ride.state, ride.plan)
    assert ride.judge("watch", "pass").effects() == ["Observe"], "what is held waits for the person"
    ride.tell(ReleaseResumed(at=ride.state.at, by="ada"))
    assert asked(ride) == exposed(LEG.change, Expose(10))


def test_the_second_time_under_one_exposure_is_for_a_person() -> None:
    ride = away().judge("watch").succeed(SetRouting).judge("watch", "shared")
    assert held(ride) == "external"
    assert asked(ride) == aside(LEG.change)
    ride.succeed(SetRouting).judge("watch", times=3)
    assert (ride.state.here().relief, ride.effects()) == ("away", ["Observe"])


def test_another_exposure_has_its_own_time() -> None:
    ride = away().judge("watch").succeed(SetRouting).judge("watch", "pass", "pass", "pass")
    ride.succeed(SetRouting).judge("watch", "shared")
    assert ride.state.hold is None
    assert asked(ride) == aside(LEG.change)


def test_nothing_passes_while_the_traffic_leaves() -> None:
    ride = Ride().to_exposed().judge("pass", "shared", "pass", "pass")
    assert asked(ride) == aside(LEG.change)
    assert not ride.state.here().passed


def test_a_failing_verdict_or_a_person_ends_it() -> None:
    assert away().judge("fail").state.stage == "reverting"
    ride = away()
    assert ride.tell(ReleaseAborted(at=ride.state.at, by="ada")).state.stage == "reverting"
    ride = away()
    ride.tell(PromotionForced(at=ride.state.at, by="ada", reason="I know better"))
    assert (asked(ride).stable, ride.state.here().relief) == (LEG.change.candidate, "")


@pytest.mark.parametrize(
    "steps",
    [
        (
            Prepare(1),
            Expose(50),
            Bake(0.0, 5.0),
            Shrink(1),
            Prepare(2),
            Expose(100),
            Bake(0.0, 5.0),
            Promote(),
        ),
        (Prepare(2), Expose(100), Smoke(), Promote(judged=False)),
    ],
)
def test_a_stable_that_could_not_carry_everything_keeps_what_it_has(steps: tuple[object, ...]) -> None:
    plan = plan_of(leg(steps))  # type: ignore[arg-type]
    ride = Ride(plan).to_exposed()
    if len(steps) > 4:
        ride.judge("pass", "pass")
        for kind in (PrepareVersion, PrepareVersion, SetRouting):
            ride.succeed(kind)
        ride.judge("watch")
    assert "SetRouting" not in ride.judge("shared").effects()


def test_a_question_to_a_person_does_not_stop_it() -> None:
    steps = (Prepare(2), Expose(10), Pause("look"), Bake(0.0, 5.0), Promote())
    ride = Ride(plan_of(leg(steps))).to_exposed().judge("shared")
    assert asked(ride) == aside(LEG.change)


def test_gates_come_before_any_of_it() -> None:
    assert Ride().succeed(AskGates).state.here().relief == ""


# --- a stable that is lost, or has to be known first ------------------------------------------------------------------


def test_a_lost_stable_holds_until_the_candidate_passes_by_its_own_evidence() -> None:
    ride = Ride().to_exposed().tell(VersionLost(at=0.0, version=OLD, reason="its processes are gone"))
    assert held(ride) == "stable_lost"
    assert held(ride.judge("watch", times=3)) == "stable_lost"
    ride.judge("pass", "pass")
    assert ride.state.hold is None
    assert "its processes are gone; the new version went on by its own evidence" in ride.state.warnings
    assert asked(ride).weight == 100


def test_what_a_lost_stable_has_kept_waiting_is_done_then() -> None:
    ride = Ride(plan_of(leg(SMOKED))).to_exposed()
    ride.tell(VersionLost(at=0.0, version=OLD, reason="gone"))
    assert (held(ride), ride.effects()) == ("stable_lost", ["Observe"])
    ride.judge("pass").succeed(RunSmoke)
    assert (ride.state.hold, asked(ride).weight) == (None, 50)


def test_before_a_switch_stable_is_watched_until_it_is_known() -> None:
    ride = Ride(plan_of(LEARNING)).succeed(AskGates).succeed(PrepareVersion)
    assert phase(ride.state, ride.plan) == "watching the old version"
    assert ride.judge("watch", times=5).effects() == ["Observe"]
    ride.judge("learnt")
    assert asked(ride).weight == 100


@pytest.mark.parametrize(("policy", "stage"), [("hold", "forward"), ("roll_back", "reverting")])
def test_what_never_becomes_known_is_decided_before_anybody_meets_the_new_version(
    policy: str, stage: str
) -> None:
    ride = Ride(plan_of(LEARNING, on_inconclusive=policy)).succeed(AskGates).succeed(PrepareVersion)
    while ride.state.stage == "forward" and ride.state.hold is None:
        ride.judge("watch")
    assert ride.state.stage == stage
    assert ride.state.legs[0].exposure == UNEXPOSED
