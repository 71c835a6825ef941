"""Going forward: step by step, under watch, and turning round as soon as the evidence says so."""

import pytest

from headgate.core.machine.effects import AskGates, Observe, PrepareVersion, RunSmoke, SetRouting
from headgate.core.machine.events import (
    PromotionForced,
    ReleaseAborted,
    ReleaseDequeued,
    ReleaseResumed,
    VersionLost,
    WatchResumed,
)
from headgate.core.machine.names import Stale
from headgate.core.machine.steps import Bake, Expose, Pause, Prepare, Promote, Shrink, Smoke
from headgate.core.machine.steps.expose import promoted
from headgate.core.model import Finding, VerdictKind
from tests.core.ride import (
    BAD,
    NEW,
    NEW_API,
    OLD,
    OLD_API,
    UNKNOWN,
    Ride,
    leg,
    plan_of,
    version,
)

# --- asking -----------------------------------------------------------------------------------------------------------


def test_a_failing_objection_refuses() -> None:
    ride = Ride(objections=(Finding("rule", "warn", "hm"), Finding("rule", "fail", "not today")))
    assert (ride.state.stage, ride.state.outcome, ride.state.reason) == (
        "closed",
        "refused",
        "rule: not today",
    )
    assert ride.effects() == []


def test_a_warning_does_not() -> None:
    assert Ride(objections=(Finding("rule", "warn", "hm"),)).effects() == ["AskGates"]


@pytest.mark.parametrize("findings", [BAD, UNKNOWN])
def test_a_gate_that_fails_or_does_not_know_refuses(findings: tuple[Finding, ...]) -> None:
    ride = Ride().succeed(AskGates, findings=findings)
    assert (ride.state.stage, ride.state.outcome) == ("closed", "refused")


def test_gates_that_cannot_be_asked_refuse() -> None:
    ride = Ride().fail(AskGates, "no network")
    assert (ride.state.outcome, ride.state.reason) == ("refused", "no network")


def test_a_queued_release_asks_nothing_until_its_turn_and_then_follows_the_new_plan() -> None:
    ride = Ride(behind="r0")
    assert (ride.state.stage, ride.effects()) == ("queued", [])
    ride.plan = plan_of(leg(baseline=version("e")), leg(baseline=OLD_API, candidate=NEW_API))
    ride.tell(ReleaseDequeued(at=1.0, plan=ride.plan))
    assert (ride.state.stage, len(ride.state.legs)) == ("checking", 2)


def test_what_has_become_wrong_while_it_waited_is_refused() -> None:
    ride = Ride(behind="r0")
    objections = (Finding("not rolled back before", "fail", "it was"),)
    ride.tell(ReleaseDequeued(at=1.0, plan=ride.plan, objections=objections))
    assert (ride.state.stage, ride.state.outcome) == ("closed", "refused")


def test_a_queued_release_can_be_withdrawn() -> None:
    ride = Ride(behind="r0").tell(ReleaseAborted(at=1.0, by="ada"))
    assert (ride.state.outcome, ride.state.reason) == ("aborted", "withdrawn by ada")


# --- a good release ---------------------------------------------------------------------------------------------------


def test_a_good_release_walks_through_its_steps() -> None:
    ride = Ride()
    walked: list[str] = []
    while ride.state.stage in ("checking", "forward"):
        kinds = [p for p in ride.state.pending if not isinstance(p.effect, Observe)] or list(
            ride.state.pending
        )
        walked.append(type(kinds[0].effect).__name__)
        ride.succeed(type(kinds[0].effect))
    assert ",".join(walked) == (
        "AskGates,PrepareVersion,SetRouting,Observe,Observe,SetRouting,Observe,Observe,SetRouting"
    )
    assert (ride.state.stage, ride.state.outcome, ride.state.reason) == (
        "warm",
        "promoted",
        "every verdict passed",
    )
    assert ride.state.here().routing == promoted(ride.plan.legs[0].change)


def test_a_pass_before_the_bake_is_over_does_not_go_on() -> None:
    ride = Ride().to_exposed().judge("pass")
    assert ride.effects() == ["Observe"]
    ride.judge("pass")
    assert "SetRouting" in ride.effects()


def test_only_a_passing_verdict_goes_on() -> None:
    ride = Ride().to_exposed().judge("watch", "watch", "watch", "inconclusive", "no_data")
    assert ride.effects() == ["Observe"]


def test_a_change_of_traffic_closes_the_sample_under_way_at_once() -> None:
    ride = Ride().to_exposed().judge("pass", "pass")
    _, before = ride.pending(Observe)
    ride.succeed(SetRouting)
    _, closing = ride.pending(Observe)
    assert (before.due_at, closing.due_at) == (3.0, 2.0)
    assert before.exposure == closing.exposure == 1
    ride.judge("pass")
    _, fresh = ride.pending(Observe)
    assert (fresh.exposure, fresh.due_at) == (3, 3.0)


def test_a_pass_seen_under_the_old_traffic_says_nothing_about_the_new() -> None:
    ride = Ride().to_exposed().judge("pass", "pass").succeed(SetRouting).judge("pass")
    assert not ride.state.here().passed
    assert ride.effects() == ["Observe"]
    ride.judge("pass")
    assert ride.pending(SetRouting)[1].routing.stable == NEW


def test_the_watch_goes_on_during_smoke_tests_and_questions() -> None:
    steps = (Prepare(1), Expose(10), Smoke(("a",)), Pause("look"), Bake(0.0, 9.0), Promote())
    ride = Ride(plan_of(leg(steps, instances=1))).to_exposed()
    assert ride.effects() == ["RunSmoke", "Observe"]
    ride.judge("watch").succeed(RunSmoke)
    assert ride.effects() == ["Observe"]
    ride.judge("fail")
    assert ride.state.stage == "reverting"


def test_a_promotion_first_has_the_new_version_at_full_size() -> None:
    steps = (
        Prepare(1),
        Expose(50),
        Bake(0.0, 9.0),
        Shrink(1),
        Prepare(2),
        Expose(100),
        Bake(0.0, 9.0),
        Promote(),
    )
    ride = Ride(plan_of(leg(steps))).to_exposed()
    ride.tell(PromotionForced(at=1.0, by="ada", reason="now"))
    assert ride.pending(PrepareVersion)[1] == PrepareVersion(NEW, 2)
    assert "SetRouting" not in ride.effects()
    ride.succeed(PrepareVersion)
    assert ride.pending(SetRouting)[1].routing == promoted(ride.plan.legs[0].change)


def test_legs_go_one_after_another() -> None:
    ride = Ride(plan_of(leg(), leg(baseline=OLD_API, candidate=NEW_API)))
    ride.to_exposed().judge("pass", "pass").succeed(SetRouting).judge("pass", "pass").succeed(SetRouting)
    assert (ride.state.leg, ride.state.step, ride.state.watch) == (1, 0, None)
    assert ride.pending(PrepareVersion)[1].version == NEW_API


# --- turning round ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("looks", [0, 1, 5])
def test_a_failing_verdict_turns_round_at_any_moment(looks: int) -> None:
    ride = Ride().to_exposed().judge("watch", times=looks).judge("fail")
    assert (ride.state.stage, ride.state.outcome, ride.state.reason) == (
        "reverting",
        "rolled_back",
        "it is fail",
    )
    assert ride.effects()[0] == "SetRouting"
    assert "Observe" not in ride.effects()


def test_a_failing_verdict_abandons_the_next_exposure() -> None:
    ride = Ride().to_exposed().judge("pass", "pass")
    id_, _ = ride.pending(SetRouting)
    ride.judge("fail")
    after, effect = ride.pending(SetRouting)
    assert after != id_
    assert (effect.routing.stable, effect.routing.canary, effect.routing.weight) == (OLD, None, 0)


@pytest.mark.parametrize("findings", [BAD, UNKNOWN])
def test_a_smoke_test_that_fails_or_cannot_be_run_turns_round(findings: tuple[Finding, ...]) -> None:
    ride = Ride(plan_of(leg((Prepare(1), Smoke(), Expose(10), Promote())))).succeed(AskGates)
    ride.succeed(PrepareVersion).succeed(RunSmoke, findings=findings)
    assert ride.state.stage == "reverting"
    assert ride.state.reason.startswith("smoke test failed")


@pytest.mark.parametrize("kind", [PrepareVersion, SetRouting])
def test_what_cannot_be_done_is_undone(kind: type[PrepareVersion | SetRouting]) -> None:
    ride = Ride().succeed(AskGates)
    if kind is SetRouting:
        ride.succeed(PrepareVersion)
    ride.fail(kind, "port taken")
    assert (ride.state.stage, ride.state.outcome, ride.state.reason) == (
        "reverting",
        "rolled_back",
        "port taken",
    )


def test_a_lost_canary_is_undone_and_a_lost_stable_is_held() -> None:
    lost = Ride().to_exposed().tell(VersionLost(at=0.0, version=NEW, reason="gone"))
    assert lost.state.stage == "reverting"
    held = Ride().to_exposed().tell(VersionLost(at=0.0, version=OLD, reason="gone"))
    assert held.state.hold is not None
    assert (held.state.stage, held.state.hold.kind) == ("forward", "stable_lost")
    assert held.effects() == ["Observe"]
    with pytest.raises(Stale):
        Ride().to_exposed().tell(VersionLost(at=0.0, version=version("f"), reason="gone"))


# --- not proven in time -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "hold"), [("watch", "inconclusive"), ("inconclusive", "inconclusive"), ("no_data", "no_data")]
)
def test_the_deadline_holds_by_default(kind: VerdictKind, hold: str) -> None:
    ride = Ride().to_exposed().judge(kind, times=10)
    assert ride.state.hold is not None
    assert ride.state.hold.kind == hold
    assert ride.effects() == ["Observe"]


def test_a_hold_still_turns_round() -> None:
    assert Ride().to_exposed().judge("watch", times=10).judge("fail").state.stage == "reverting"


def test_a_pass_does_not_lift_a_hold_and_a_person_does() -> None:
    ride = Ride().to_exposed().judge("watch", times=10).judge("pass", "pass")
    assert ride.effects() == ["Observe"]
    ride.tell(ReleaseResumed(at=12.0, by="ada"))
    assert (ride.state.hold, ride.state.entered_at) == (None, 12.0)
    assert "SetRouting" not in ride.judge("pass").effects()
    assert "SetRouting" in ride.judge("pass").effects()


def test_the_declared_policy_decides_at_the_deadline() -> None:
    back = Ride(plan_of(on_inconclusive="roll_back", on_no_data="roll_back"))
    assert back.to_exposed().judge("no_data", times=10).state.stage == "reverting"
    on = Ride(plan_of(on_inconclusive="promote")).to_exposed().judge("watch", times=10)
    assert "SetRouting" in on.effects()
    assert on.state.warnings == ("went on without a passing verdict, as the plan declares: it is watch",)


def test_silence_never_promotes_whatever_the_policy() -> None:
    ride = Ride(plan_of(on_inconclusive="promote")).to_exposed().judge("no_data", times=20)
    assert ride.state.hold is not None
    assert ride.state.hold.kind == "no_data"


def test_a_promotion_without_a_reason_is_held() -> None:
    ride = Ride(plan_of(leg((Prepare(2), Expose(100), Promote())))).to_exposed()
    assert ride.state.hold is not None
    assert ride.state.hold.kind == "unproven"
    assert ride.effects() == ["Observe"]
    ride.judge("pass").tell(ReleaseResumed(at=1.0, by="ada"))
    assert ride.pending(SetRouting)[1].routing.stable == NEW


def test_an_unjudged_promotion_needs_none() -> None:
    ride = Ride(plan_of(leg((Prepare(2), Expose(100), Promote(judged=False)), baseline=None))).to_exposed()
    assert ride.pending(SetRouting)[1].routing.stable == NEW
    ride.succeed(SetRouting)
    assert (ride.state.stage, ride.state.outcome) == ("closed", "promoted")


def test_a_bake_of_nothing_is_held() -> None:
    ride = Ride(plan_of(leg((Prepare(1), Bake(1.0, 5.0), Expose(10), Promote())))).succeed(AskGates)
    ride.succeed(PrepareVersion)
    assert ride.state.hold is not None
    assert ride.state.hold.kind == "no_data"


def test_time_that_nobody_watched_is_no_part_of_a_bake() -> None:
    """The clock was an hour ahead when a controller came back: the bake goes on where it was."""
    ride = Ride().to_exposed()
    ride.tell(WatchResumed(at=3601.0, unwatched_s=3600.0)).judge("pass")
    assert ride.plan.legs[0].steps[ride.state.step] == Bake(2.0, 10.0)
    ride.judge("pass")
    assert ride.plan.legs[0].steps[ride.state.step] != Bake(2.0, 10.0)


def test_nor_does_it_bring_the_deadline_nearer() -> None:
    ride = Ride().to_exposed().judge("watch")
    ride.tell(WatchResumed(at=3601.0, unwatched_s=3600.0)).judge("watch")
    assert held(ride) == ""
    ride.judge("watch", times=12)
    assert held(ride) == "inconclusive"


def held(ride: Ride) -> str:
    return ride.state.hold.kind if ride.state.hold else ""
