"""Whether going back is still legal: one-way steps, the barriers that they leave, and the way forward from there."""

import pytest
from msgspec.structs import replace

from headgate.core.home.facts import BarrierLifted, Home, folded
from headgate.core.legality.barrier import Barrier, barriers, in_the_way, missing
from headgate.core.legality.declared import meant_for, one_way_steps
from headgate.core.legality.forward import Forward, from_there, frozen, may_take_over, takes_over, taking_over
from headgate.core.machine.effects import AskGates, PrepareVersion, SetRouting, StopVersion
from headgate.core.machine.events import (
    EffectFailed,
    PromotionForced,
    ReleaseAborted,
    ReleaseRequested,
    ReleaseTakenOver,
    VersionLost,
    WayBackOpened,
)
from headgate.core.machine.names import Illegal
from headgate.core.machine.one_way import beyond_return, forecast, objection, objection_to_revert
from headgate.core.machine.plan import Leg, OneWayStep, Plan
from headgate.core.machine.steps import Bake, Expose, Pause, Prepare, Promote, Smoke
from headgate.core.model import Intent, Listener, Match, OneWay, Rollout, Stage, Version
from headgate.core.model.criteria import JudgeSpec
from headgate.core.model.summary import Summary
from headgate.core.release.admission import Known, Words, objections
from headgate.core.release.planning import Policies, plan, plan_back
from headgate.core.story.explain import explain
from headgate.core.story.notices import Telling
from headgate.core.story.view import summarise
from tests.core.ride import CANARY, NEW, NEW_API, OLD, OLD_API, WEB, Ride, leg, plan_of, version

REASON = "the queue's format is new"
SENTENCE = f"going back to before r1 is illegal: {REASON}"
FIX, OLDER = version("e"), version("f")
EXPOSE_10, BAKE, EXPOSE_100, PROMOTE = 1, 2, 3, 5


def one_way(step: int, baseline: Version | None = OLD) -> Leg:
    plain, ends = leg(baseline=baseline), (OneWayStep(step, REASON),)
    return replace(plain, steps=tuple(beyond_return(plain.steps, ends)), one_way=ends)


def barred(step: int = EXPOSE_10) -> Ride:
    """A release that a one-way step has frozen."""
    return Ride(plan_of(one_way(step))).to_exposed().judge("fail")


def barred_pair() -> Ride:
    """A release of two services: the first is promoted, a one-way step of the second has frozen it."""
    second = replace(leg(baseline=OLD_API, candidate=NEW_API), one_way=(OneWayStep(EXPOSE_10, REASON),))
    ride = Ride(plan_of(leg(), second)).to_exposed().judge("pass", "pass").succeed(SetRouting)
    return (
        ride.judge("pass", "pass")
        .succeed(SetRouting)
        .succeed(PrepareVersion)
        .succeed(SetRouting)
        .judge("fail")
    )


# --- when a step is one-way -------------------------------------------------------------------------------------------


def test_a_step_is_one_way_as_soon_as_its_order_is_on_record() -> None:
    ride = Ride(plan_of(one_way(EXPOSE_10))).succeed(AskGates)
    assert objection_to_revert(ride.state, ride.plan.legs) is None
    ride.succeed(PrepareVersion)
    assert ride.effects() == ["SetRouting"]
    assert objection_to_revert(ride.state, ride.plan.legs) == SENTENCE
    assert ride.pending(SetRouting)[1].routing.one_way


def test_what_comes_before_it_can_be_undone() -> None:
    ride = Ride(plan_of(one_way(EXPOSE_100))).to_exposed()
    routing = ride.state.here().routing
    assert routing is not None
    assert not routing.one_way
    assert ride.judge("fail").state.stage == "reverting"


def test_a_promotion_that_is_held_has_not_begun() -> None:
    unproven = (Prepare(2), Expose(10), Promote())
    ride = Ride(plan_of(replace(leg(unproven), one_way=(OneWayStep(2, REASON),)))).to_exposed()
    assert ride.state.hold is not None
    assert objection_to_revert(ride.state, ride.plan.legs) is None
    ride.tell(PromotionForced(at=1.0, by="ada", reason="I know it"))
    assert objection_to_revert(ride.state, ride.plan.legs) == SENTENCE


def test_an_order_that_was_not_applied_leaves_no_barrier() -> None:
    ride = Ride(plan_of(one_way(EXPOSE_10))).succeed(AskGates).succeed(PrepareVersion)
    id_, _ = ride.pending(SetRouting)
    ride.tell(EffectFailed(at=0.0, effect=id_, reason="nothing was asked of the proxy", not_applied=True))
    assert ride.state.stage == "reverting"


def test_an_order_that_may_have_been_applied_leaves_one() -> None:
    ride = Ride(plan_of(one_way(EXPOSE_10))).succeed(AskGates).succeed(PrepareVersion).fail(SetRouting)
    assert ride.state.hold is not None
    assert (ride.state.stage, ride.state.hold.kind) == ("forward", "illegal")
    with pytest.raises(Illegal, match=SENTENCE):
        ride.tell(ReleaseAborted(at=1.0, by="ada"))


def test_a_one_way_step_that_a_person_passes_over_begins_with_the_promotion() -> None:
    ride = Ride(plan_of(one_way(EXPOSE_100))).to_exposed()
    ride.tell(PromotionForced(at=1.0, by="ada", reason="now"))
    assert objection_to_revert(ride.state, ride.plan.legs) == SENTENCE


def test_a_first_release_has_nothing_older_to_be_kept_from() -> None:
    ride = Ride(plan_of(one_way(EXPOSE_10, baseline=None))).to_exposed()
    assert ride.state.here().one_way
    assert objection(ride.plan.legs[0], ride.state.here()) is None
    assert forecast(ride.plan.legs[0]) == ""


def test_one_leg_that_cannot_go_back_keeps_all_from_it() -> None:
    ride = Ride(plan_of(one_way(EXPOSE_10), leg(baseline=OLD_API, candidate=NEW_API)))
    assert objection_to_revert(ride.state, ride.plan.legs) is None
    ride.to_exposed()
    assert objection_to_revert(ride.state, ride.plan.legs) == SENTENCE


def test_a_lost_canary_is_not_taken_off_across_a_barrier() -> None:
    ride = Ride(plan_of(one_way(EXPOSE_10))).to_exposed()
    ride.tell(VersionLost(at=1.0, version=NEW, reason="it is gone"))
    assert ride.state.hold is not None
    assert ride.state.hold.reason == f"it is gone; {SENTENCE}"


def test_a_suspected_canary_keeps_its_traffic_behind_a_barrier() -> None:
    assert Ride().to_exposed().judge("shared").state.here().relief == "leaving"
    assert Ride(plan_of(one_way(EXPOSE_10))).to_exposed().judge("shared").state.here().relief == ""


def test_the_plan_says_where_going_back_ends() -> None:
    assert forecast(leg()) == ""
    assert forecast(one_way(EXPOSE_10)) == f"going back ends when step 2 (canary 10%) begins: {REASON}"


# --- what lifts a barrier ---------------------------------------------------------------------------------------------


def test_a_person_opens_the_way_back_of_a_release_under_way_and_then_aborts_it() -> None:
    ride = barred()
    with pytest.raises(Illegal, match="with a reason"):
        ride.tell(WayBackOpened(at=2.0, by="ada", reason=" "))
    ride.tell(WayBackOpened(at=2.0, by="ada", reason="the queue is empty"))
    assert ride.state.hold is not None
    assert summarise(ride.state, ride.plan, ride.told[0]).moves[0].barred == ()  # type: ignore[arg-type]
    assert ride.tell(ReleaseAborted(at=2.0, by="ada")).state.stage == "reverting"


def test_there_is_nothing_to_open_before_a_one_way_step_has_begun() -> None:
    with pytest.raises(Illegal, match="nothing to lift"):
        Ride().to_exposed().tell(WayBackOpened(at=1.0, by="ada", reason="why not"))


def test_a_barrier_outlives_its_release_until_a_person_lifts_it() -> None:
    history = [done("r1", OLD, NEW, PROMOTE)]
    (found,) = barriers(history, Home())
    assert (found.release, found.oldest, found.under_way, found.sentence()) == ("r1", NEW, False, SENTENCE)
    lifted = folded([BarrierLifted(at=9.0, by="ada", unit=WEB, release="r1", reason="both formats work")])
    assert barriers(history, lifted) == ()


def done(release: str, before: Version, after: Version, step: int | None = None) -> Summary:
    """A promoted release; with `step`, a one-way step of it has begun."""
    drawn = leg(baseline=before, candidate=after)
    drawn = drawn if step is None else replace(drawn, one_way=(OneWayStep(step, REASON),))
    ride = Ride(plan_of(drawn)).to_warm()
    return replace(summarise(ride.state, ride.plan, ride.told[0]), release=release)  # type: ignore[arg-type]


# --- what a barrier keeps out -----------------------------------------------------------------------------------------

HISTORY = [done("r3", NEW, FIX), done("r2", OLD, NEW, PROMOTE), done("r1", OLDER, OLD)]


def kept_out(candidate: Version) -> Barrier | None:
    return in_the_way(candidate, barriers(HISTORY, Home()), HISTORY)


@pytest.mark.parametrize("candidate", [OLD, OLDER, replace(OLD, configuration="9" * 64)])
def test_what_ran_before_the_barrier_is_kept_out(candidate: Version) -> None:
    found = kept_out(candidate)
    assert found is not None
    assert found.release == "r2"


@pytest.mark.parametrize("candidate", [NEW, FIX, version("0"), replace(NEW, configuration="9" * 64), OLD_API])
def test_what_is_newer_goes_through(candidate: Version) -> None:
    assert kept_out(candidate) is None


def test_an_older_configuration_of_the_oldest_artifact_that_works_is_kept_out() -> None:
    before = replace(NEW, configuration="9" * 64)
    history = [done("r2", before, NEW, PROMOTE), done("r1", OLD, before)]
    assert in_the_way(before, barriers(history, Home()), history) is not None


def said(candidate: Version, words: Words, *, back: bool = False) -> dict[str, str]:
    wish = (Intent(WEB, candidate, Listener(8000), Rollout(), JudgeSpec()),)
    barrier = kept_out(candidate)
    known = Known({}, (), kept_out={WEB: barrier} if barrier else {}, ordered_back=back)
    return {
        one.check: one.answer for one in objections(wish, plan(wish, {WEB: FIX}, Policies()), known, words)
    }


def test_a_deploy_of_an_older_version_needs_the_glass_broken_and_a_way_back_the_barrier_lifted() -> None:
    assert said(OLD, Words()) == {"not across a barrier": "fail"}
    assert said(OLD, Words(break_glass="a fire")) == {"not across a barrier": "warn"}
    assert said(OLD, Words(break_glass="a fire"), back=True) == {"not across a barrier": "fail"}
    assert said(version("0"), Words()) == {}


# --- what is declared -------------------------------------------------------------------------------------------------

STAGES = (Stage(weight=5, bake_s=1.0), Stage(weight=25, bake_s=1.0))


def drawn(declared: OneWay, *, production: bool = True, stages: tuple[Stage, ...] = STAGES) -> Leg:
    wish = Intent(WEB, NEW, Listener(8000), Rollout("canary", stages), JudgeSpec(), one_way=declared)
    return plan((wish,), {WEB: OLD}, Policies(production=production)).legs[0]


def test_a_declared_end_of_going_back_is_the_promotion_and_asks_a_person_before_it() -> None:
    found = drawn(OneWay(REASON))
    (step,) = found.one_way
    assert isinstance(found.steps[step.step], Promote)
    assert found.steps[step.step - 1] == Pause(f"going back ends with the next step: {REASON}")


def test_it_may_be_the_first_step_with_so_much_of_the_traffic() -> None:
    (step,) = (found := drawn(OneWay(REASON, 20))).one_way
    assert found.steps[step.step] == Expose(25, one_way=True)
    assert isinstance(found.steps[step.step - 1], Pause)
    assert found.judge.ahead == ((1, 25), (4, 100), (6, 100))


def test_a_question_that_is_asked_there_anyway_is_not_asked_twice() -> None:
    stages = (Stage(weight=5, bake_s=1.0, pause="ready?"), Stage(weight=25, bake_s=1.0))
    found = drawn(OneWay(REASON, 25), stages=stages)
    assert [one for one in found.steps if isinstance(one, Pause)] == [Pause("ready?")]


def test_where_it_is_not_production_nobody_is_asked_and_the_plan_says_it() -> None:
    found = drawn(OneWay(REASON), production=False)
    assert not any(isinstance(one, Pause) for one in found.steps)
    assert "going back ends when step" in forecast(found)


def test_neither_a_way_back_nor_another_size_is_one_way() -> None:
    wish = Intent(WEB, OLD, Listener(8000), Rollout(), JudgeSpec(), one_way=OneWay(REASON))
    assert plan_back((wish,), {WEB: NEW}, Policies()).legs[0].one_way == ()
    assert plan((wish,), {WEB: OLD}, Policies()).legs[0].one_way == ()


def test_a_declaration_is_for_one_release() -> None:
    assert meant_for(OneWay(REASON), WEB, NEW, None, HISTORY) == "r2"
    assert meant_for(OneWay(REASON), WEB, FIX, None, HISTORY) == "r2"
    assert meant_for(OneWay("the schema is new"), WEB, FIX, None, HISTORY) == ""
    assert meant_for(OneWay(REASON), WEB, OLD, None, HISTORY) == "", "it was gone back from: it comes again"


def test_what_is_left_in_the_file_is_said_and_changes_nothing() -> None:
    wish = (Intent(WEB, version("0"), Listener(8000), Rollout(), JudgeSpec()),)
    known = Known({}, (), meant_for={WEB: "r2"})
    (found,) = objections(wish, plan(wish, {WEB: FIX}, Policies()), known, Words())
    assert (found.check, found.answer) == ("declared for this release", "warn")


# --- going forward ----------------------------------------------------------------------------------------------------

AT_25 = Forward("r1", NEW, 25, REASON, NEW)


def test_only_a_release_that_is_held_behind_a_one_way_step_is_frozen() -> None:
    exposed = Ride(plan_of(one_way(EXPOSE_10))).to_exposed()
    assert frozen(exposed.state, exposed.plan) == {}
    ride = barred()
    assert frozen(ride.state, ride.plan) == {WEB: Forward("r1", NEW, 10, REASON, NEW)}


def test_an_order_that_may_have_been_carried_out_counts() -> None:
    ride = Ride(plan_of(one_way(EXPOSE_10))).to_exposed().judge("pass", "pass").fail(SetRouting)
    assert frozen(ride.state, ride.plan)[WEB].weight == 100


def test_a_unit_that_was_promoted_with_the_frozen_release_is_taken_over_whole() -> None:
    ride = barred_pair()
    found = frozen(ride.state, ride.plan)
    assert {unit.service: (one.weight, one.reason) for unit, one in found.items()} == {
        "web": (100, REASON),
        "api": (10, REASON),
    }
    assert not may_take_over({WEB: FIX}, found), "the other one would be forgotten"


def test_the_same_version_once_more_is_no_fix() -> None:
    assert may_take_over({WEB: FIX}, {WEB: AT_25})
    assert not may_take_over({WEB: NEW}, {WEB: AT_25})
    assert not may_take_over({WEB: FIX}, {})


def test_nobody_has_less_of_what_goes_forward_than_of_what_is_frozen() -> None:
    header = Match("header", "x-internal", "yes")
    steps = (
        Prepare(2),
        Expose(5),
        Smoke(),
        Bake(1.0, 5.0),
        Expose(25),
        Bake(1.0, 5.0),
        Expose(100),
        Promote(),
    )
    found = from_there(steps, replace(AT_25, matches=(header,)))
    at_25, at_100 = Expose(25, (header,)), Expose(100, (header,))
    assert found == (Prepare(2), Smoke(), at_25, Bake(1.0, 5.0), at_100, Promote())


def test_its_fix_is_one_way_from_its_first_user_on() -> None:
    wish = Intent(WEB, FIX, Listener(8000), Rollout("canary", STAGES), JudgeSpec())
    forward = plan((wish,), {WEB: OLD}, Policies(), {WEB: AT_25}).legs[0]
    assert (forward.change.baseline, forward.takes_over) == (OLD, "r1")
    (step,) = forward.one_way
    assert (forward.steps[step.step], step.oldest) == (Expose(25, one_way=True), NEW)
    assert not any(isinstance(one, Expose) and one.weight == 5 for one in forward.steps)


def test_a_fix_may_be_one_way_itself() -> None:
    steps, found = one_way_steps(CANARY, OneWay("the schema is new"), AT_25, asks=True)
    assert [one.reason for one in found] == [REASON, "the schema is new"]
    assert [type(steps[one.step]) for one in found] == [Expose, Promote]


def test_what_is_asked_before_the_fix_is_one_way_moves_its_first_exposure() -> None:
    steps, found = one_way_steps(CANARY, OneWay("the schema is new", 10), AT_25, asks=True)
    assert [type(steps[one.step]) for one in found] == [Expose, Expose]
    assert isinstance(steps[found[0].step - 1], Pause)


def test_whoever_was_matched_behind_a_barrier_stays_matched() -> None:
    team, beta = Match("header", "x-team", "us"), Match("cookie", "beta", "1")
    steps = (Prepare(2), Expose(10, (team,)), Expose(20, (beta,)), Expose(100), Promote())
    found, _ = one_way_steps(steps, OneWay(REASON, 20), None, asks=False)
    assert [one.matches for one in found if isinstance(one, Expose)] == [(team,), (beta,), (beta,)]
    found, _ = one_way_steps(steps, OneWay(REASON, 10), None, asks=False)
    assert [one.matches for one in found if isinstance(one, Expose)] == [(team,), (team, beta), (team, beta)]


def fix() -> Plan:
    return plan_of(
        replace(leg(candidate=FIX), takes_over="r1", one_way=(OneWayStep(EXPOSE_10, REASON, NEW),))
    )


def test_a_fix_that_fails_before_its_first_user_leaves_the_frozen_release_as_it_is() -> None:
    ride = Ride(fix()).succeed(AskGates)
    assert taking_over("r1", [(ride.state, ride.plan)]) == "r1"  # the ride's own name, too
    ride.fail(PrepareVersion)
    assert ride.state.stage == "reverting"
    assert ride.effects() == ["StopVersion"]
    assert taking_over("r1", [(ride.state, ride.plan)]) == ""


def test_a_fix_has_taken_over_when_the_proxy_says_so_and_its_barrier_is_the_old_one() -> None:
    ride = Ride(fix()).succeed(AskGates).succeed(PrepareVersion)
    assert not takes_over(ride.state, ride.plan, "r1")
    ride.succeed(SetRouting)
    assert takes_over(ride.state, ride.plan, "r1")
    (move,) = summarise(ride.state, ride.plan, ride.told[0]).moves  # type: ignore[arg-type]
    assert [one.oldest for one in move.barred] == [NEW]


def test_what_was_taken_over_stops_its_version_and_moves_no_traffic() -> None:
    ride = barred().tell(ReleaseTakenOver(at=3.0, into="r2"))
    assert (ride.state.outcome, ride.effects()) == ("aborted", ["StopVersion"])
    assert ride.pending(StopVersion)[1].version == NEW
    assert ride.succeed(StopVersion).state.stage == "closed"
    (move,) = summarise(ride.state, ride.plan, ride.told[0]).moves  # type: ignore[arg-type]
    assert [one.reason for one in move.barred] == [REASON], "the barrier outlives it"


def test_what_is_not_frozen_is_not_taken_over() -> None:
    with pytest.raises(Illegal, match="frozen"):
        Ride().to_exposed().tell(ReleaseTakenOver(at=3.0, into="r2"))


def test_legs_that_were_promoted_before_are_left_as_well() -> None:
    ride = barred_pair()
    ride.tell(ReleaseTakenOver(at=ride.state.at, into="r2")).succeed(StopVersion)
    assert (ride.state.leg, ride.effects()) == (0, ["StopVersion"])


# --- what people are told ---------------------------------------------------------------------------------------------


def test_people_are_told_that_it_is_frozen_why_and_how_it_goes_on() -> None:
    told = barred().told
    assert isinstance(told[0], ReleaseRequested)
    telling = Telling(told[0], {})
    for event in told:
        telling.add(event)
    asked = telling.asks(99.0)
    assert asked is not None
    assert asked.title.endswith(f"is frozen at 10%: {SENTENCE}")
    assert (asked.moment, asked.severity) == ("held", "critical")
    assert any("headgate deploy -e production web" in line for line in asked.lines)
    assert any("headgate barrier lift -e production web" in line for line in asked.lines)
    assert not any("headgate abort" in line for line in asked.lines)


def test_the_story_says_where_going_back_ended_and_who_took_it_over() -> None:
    said = [one.text for one in explain(barred().tell(ReleaseTakenOver(at=3.0, into="r2")).told)]
    assert f"Going back ends when step 2 (canary 10%) begins: {REASON}." in said
    assert f"From here on, {SENTENCE}." in said
    assert "r2 has its traffic and goes forward; what only this release ran was stopped." in said


# --- what can be had --------------------------------------------------------------------------------------------------


def test_a_version_is_had_by_its_artifact_and_its_configuration() -> None:
    assert missing(OLD, artifact="", configuration="") == ""
    assert "artifact aaaaaaaaaaaa cannot be had: gone" in missing(OLD, artifact="gone", configuration="")
    assert "configuration aaaaaaaa cannot be had: gone" in missing(OLD, artifact="", configuration="gone")
