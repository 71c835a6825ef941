"""Going back, and the rollback window after success."""

import pytest
from msgspec.structs import replace

from headgate.core.machine.effects import (
    AskGates,
    Effect,
    Observe,
    PrepareVersion,
    RunCommand,
    SetRouting,
    StopVersion,
    VerifyVersion,
    WakeAt,
)
from headgate.core.machine.events import (
    EffectDelayed,
    PromotionForced,
    ReleaseAborted,
    ReleaseResumed,
    WatchResumed,
)
from headgate.core.machine.names import Illegal, Stale
from headgate.core.machine.plan import Leg, OneWayStep
from headgate.core.machine.safety import needs_no_ledger
from headgate.core.machine.steps import Execute, Expose, Prepare, Promote
from headgate.core.machine.steps.expose import undone
from headgate.core.machine.undoing import traffic_is_back
from headgate.core.model import Command, Version
from headgate.core.story.view import summarise
from tests.core.ride import (
    API,
    BAD,
    CANARY,
    NEW,
    NEW_API,
    OLD,
    OLD_API,
    ROLLING,
    UNKNOWN,
    WEB,
    Ride,
    leg,
    plan_of,
    request,
)


def one_way(after: int) -> Leg:
    return replace(leg(), one_way=(OneWayStep(after, "the schema is new"),))


def test_traffic_first_then_proof_and_the_end_of_the_bad_version() -> None:
    ride = Ride().to_reverting()
    assert ride.effects() == ["SetRouting"]
    assert ride.pending(SetRouting)[1].routing == undone(ride.plan.legs[0].change)
    ride.succeed(SetRouting)
    assert ride.effects() == ["VerifyVersion", "StopVersion"]
    assert ride.pending(VerifyVersion)[1].version == OLD
    assert ride.pending(StopVersion)[1].version == NEW
    ride.succeed(StopVersion).succeed(VerifyVersion)
    assert (ride.state.stage, ride.state.outcome, ride.effects()) == ("closed", "rolled_back", [])


def test_a_shrunk_baseline_comes_back_to_full_size_at_once() -> None:
    ride = Ride(plan_of(leg(ROLLING))).to_exposed().judge("pass").succeed(PrepareVersion)
    ride.tell(ReleaseAborted(at=2.0, by="ada"))
    assert ride.effects() == ["SetRouting", "PrepareVersion"]
    assert ride.pending(PrepareVersion)[1] == PrepareVersion(OLD, 2)
    ride.succeed(SetRouting)
    assert "VerifyVersion" not in ride.effects()
    ride.succeed(PrepareVersion)
    assert "VerifyVersion" in ride.effects()


def test_what_was_never_touched_is_not_undone() -> None:
    ride = Ride().succeed(AskGates).tell(ReleaseAborted(at=0.0, by="ada"))
    assert ride.effects() == ["StopVersion"]
    assert ride.succeed(StopVersion).state.stage == "closed"


def both_moved(*legs: Leg, **policies: object) -> Ride:
    """Two legs, the first promoted, the second exposed to everybody and found bad."""
    ride = Ride(plan_of(*(legs or (leg(), leg(baseline=OLD_API, candidate=NEW_API))), **policies))
    while ride.state.leg == 0 or ride.state.step < 4:
        kind = next(
            (type(p.effect) for p in ride.state.pending if not isinstance(p.effect, Observe)), Observe
        )
        ride.succeed(kind)
    return ride.judge("fail")


def routed(ride: Ride) -> list[Version | None]:
    """Where the pending orders of traffic send everybody, in their order."""
    return [p.effect.routing.stable for p in ride.state.pending if isinstance(p.effect, SetRouting)]


def test_the_users_of_every_leg_go_back_at_once_and_the_rest_leg_by_leg() -> None:
    ride = both_moved()
    assert ride.effects() == ["SetRouting", "SetRouting"]
    assert routed(ride) == [OLD_API, OLD]
    ride.succeed(SetRouting, unit=API).succeed(StopVersion).succeed(VerifyVersion)
    assert (ride.state.stage, ride.state.leg, ride.effects()) == ("reverting", 0, ["SetRouting"])
    ride.succeed(SetRouting).succeed(VerifyVersion).succeed(StopVersion)
    assert ride.state.stage == "closed"


def test_plans_of_before_take_back_the_users_of_one_leg_after_another() -> None:
    ride = both_moved(users_first=False)
    assert routed(ride) == [OLD_API]
    ride.succeed(SetRouting).succeed(StopVersion).succeed(VerifyVersion)
    assert (ride.state.leg, routed(ride)) == (0, [OLD])
    ride.succeed(SetRouting).succeed(VerifyVersion).succeed(StopVersion)
    assert ride.state.stage == "closed"


@pytest.mark.parametrize("failing", [SetRouting, VerifyVersion, RunCommand])
def test_users_of_an_earlier_leg_are_back_whatever_becomes_of_the_last_one(failing: type[Effect]) -> None:
    """A failure is held, and the orders of the other leg stay: their identities, too."""
    index_built = Command("index", ("build",), undo=("drop",))
    last = leg((Execute(index_built), *CANARY), OLD_API, NEW_API)
    ride = both_moved(leg(), last)
    first = ride.pending(SetRouting, WEB)
    for kind in (SetRouting, VerifyVersion, RunCommand):
        if kind is failing:
            ride.fail(kind, "it is gone", unit=API)
            break
        ride.succeed(kind, unit=API)
    assert ride.state.hold is not None
    assert [type(one) for one in ride.state.hold.blocks] == [failing]
    assert ride.pending(SetRouting, WEB) == first
    ride.succeed(SetRouting, unit=WEB)
    assert ride.state.legs[0].routing == undone(ride.plan.legs[0].change)
    assert (ride.state.hold.reason, ride.state.leg) == ("it is gone", 1)
    ride.tell(ReleaseResumed(at=ride.state.at, by="ada"))
    assert failing.__name__ in ride.effects()


def test_an_end_that_hangs_keeps_no_user_of_an_earlier_leg_waiting() -> None:
    ride = both_moved().succeed(SetRouting, unit=API).succeed(SetRouting, unit=WEB)
    assert ride.effects() == ["VerifyVersion", "StopVersion"]
    assert ride.state.leg == 1
    assert all(traffic_is_back(*one) for one in zip(ride.plan.legs, ride.state.legs, strict=True))


def test_an_earlier_leg_that_fails_stays_held_once_the_last_one_is_undone() -> None:
    ride = both_moved().fail(SetRouting, "no proxy", unit=WEB)
    ride.succeed(SetRouting, unit=API).succeed(VerifyVersion).succeed(StopVersion)
    assert (ride.state.leg, ride.effects()) == (0, [])
    assert ride.state.hold is not None
    assert ride.state.hold.reason == "no proxy"
    assert routed(ride.tell(ReleaseResumed(at=ride.state.at, by="ada"))) == [OLD]


def test_a_small_old_version_of_an_earlier_leg_grows_while_its_users_come_back() -> None:
    ride = both_moved(leg(ROLLING), leg(baseline=OLD_API, candidate=NEW_API))
    assert ride.effects() == ["SetRouting", "SetRouting", "PrepareVersion"]
    assert ride.pending(PrepareVersion)[1] == PrepareVersion(OLD, 2)


def test_a_delay_lasts_until_its_own_effect_is_done() -> None:
    ride = both_moved()
    for unit in (API, WEB):
        id_, _ = ride.pending(SetRouting, unit)
        ride.tell(EffectDelayed(at=ride.state.at, effect=id_, reason=f"{unit.service} waits", attempts=3))
    assert ride.state.delayed == "api waits; web waits"
    assert ride.succeed(SetRouting, unit=WEB).state.delayed == "api waits"
    assert ride.succeed(SetRouting, unit=API).state.delayed == ""


def test_users_of_every_leg_go_to_the_safe_side_without_the_ledger() -> None:
    ride = both_moved()
    assert all(needs_no_ledger(one, ride.state, ride.plan) for one in ride.state.pending)


# --- what cannot be undone --------------------------------------------------------------------------------------------


def test_where_going_back_is_illegal_everything_freezes_and_says_why() -> None:
    ride = Ride(plan_of(one_way(after=1))).to_exposed().judge("fail")
    assert ride.state.hold is not None
    assert (ride.state.stage, ride.state.hold.kind) == ("forward", "illegal")
    assert ride.state.hold.reason == "it is fail; going back to before r1 is illegal: the schema is new"
    assert ride.effects() == ["Observe"]
    with pytest.raises(Illegal, match="is illegal: the schema is new; `promote` or the deploy of a fix goes"):
        ride.tell(ReleaseAborted(at=1.0, by="ada"))
    ride.tell(PromotionForced(at=1.0, by="ada", reason="roll forward"))
    assert ride.pending(SetRouting)[1].routing.stable == NEW


def test_a_frozen_release_does_not_raise_the_weight_it_was_about_to_raise() -> None:
    ride = Ride(plan_of(one_way(after=2))).to_exposed().judge("pass", "pass")
    assert "SetRouting" in ride.effects()
    ride.judge("fail")
    assert ride.effects() == ["Observe"]


def test_what_fails_in_a_frozen_release_is_not_tried_again_by_itself() -> None:
    ride = Ride(plan_of(one_way(after=0))).succeed(AskGates).succeed(PrepareVersion).fail(SetRouting)
    assert ride.state.hold is not None
    assert (ride.state.hold.kind, ride.effects()) == ("illegal", [])
    ride.tell(ReleaseResumed(at=0.0, by="ada"))
    assert ride.effects() == ["SetRouting"]


def test_before_the_point_of_no_return_going_back_is_legal() -> None:
    assert Ride(plan_of(one_way(after=3))).to_reverting().state.stage == "reverting"


# --- when going back fails --------------------------------------------------------------------------------------------


def test_an_unverified_stable_is_held_until_it_is_proven() -> None:
    for findings in (BAD, UNKNOWN):
        ride = Ride().to_reverting().succeed(SetRouting).succeed(VerifyVersion, findings=findings)
        assert ride.state.hold is not None
        assert ride.state.hold.kind == "unverified"
        assert ride.effects() == ["StopVersion"]
        ride.succeed(StopVersion).tell(ReleaseResumed(at=1.0, by="ada"))
        assert ride.effects() == ["VerifyVersion"]
        assert ride.succeed(VerifyVersion).state.outcome == "rolled_back"


def test_a_person_may_take_over_an_unverified_stable() -> None:
    ride = Ride().to_reverting().succeed(SetRouting).succeed(StopVersion).succeed(VerifyVersion, findings=BAD)
    ride.tell(ReleaseAborted(at=1.0, by="ada"))
    assert (ride.state.stage, ride.state.outcome) == ("closed", "rolled_back")
    assert "does not pass its checks" in ride.state.warnings[0]


def test_routing_that_cannot_be_undone_is_held_and_nothing_is_stopped() -> None:
    ride = Ride().to_reverting()
    back_again = ride.pending(SetRouting)[1]
    ride.fail(SetRouting, "the proxy is gone")
    assert ride.state.hold is not None
    assert (ride.state.hold.kind, ride.state.hold.blocks, ride.effects()) == ("failed", (back_again,), [])
    ride.tell(ReleaseResumed(at=1.0, by="ada"))
    assert ride.effects() == ["SetRouting"]


def test_a_second_failure_joins_the_first_and_the_rest_goes_on() -> None:
    ride = Ride(plan_of(leg(ROLLING))).to_exposed().judge("pass").succeed(PrepareVersion).judge("fail")
    ride.fail(PrepareVersion, "no memory")
    assert ride.effects() == ["SetRouting"]
    ride.fail(SetRouting, "no proxy")
    assert ride.state.hold is not None
    assert ride.state.hold.reason == "no memory; no proxy"
    assert [type(one) for one in ride.state.hold.blocks] == [PrepareVersion, SetRouting]


def test_a_bad_version_that_cannot_be_stopped_is_a_warning() -> None:
    ride = Ride().to_reverting().succeed(SetRouting).succeed(VerifyVersion).fail(StopVersion, "it hangs")
    assert (ride.state.stage, ride.state.warnings) == ("closed", ("it hangs",))


def test_a_first_release_that_the_proxy_never_took_is_undone_all_the_same() -> None:
    plan = plan_of(leg((Prepare(2), Expose(100), Promote(judged=False)), baseline=None))
    ride = Ride(plan).succeed(AskGates).succeed(PrepareVersion).fail(SetRouting, "port taken")
    ride.fail(SetRouting, "port taken").succeed(StopVersion)
    assert (ride.state.stage, ride.state.outcome, ride.state.warnings) == (
        "closed",
        "rolled_back",
        ("port taken",),
    )


def test_a_first_release_that_has_traffic_is_not_stopped_under_it() -> None:
    plan = plan_of(leg(CANARY, baseline=None))
    ride = Ride(plan).to_exposed().judge("fail").fail(SetRouting, "no proxy")
    assert ride.effects() == []
    assert ride.state.hold is not None


def test_nothing_to_resume_or_to_abort_while_all_is_well() -> None:
    ride = Ride().to_reverting()
    with pytest.raises(Illegal, match="nothing to resume"):
        ride.tell(ReleaseResumed(at=1.0, by="ada"))
    with pytest.raises(Illegal, match="being undone already"):
        ride.tell(ReleaseAborted(at=1.0, by="ada"))


# --- the rollback window ----------------------------------------------------------------------------------------------


def test_the_old_version_stays_warm_and_then_stops() -> None:
    ride = Ride().to_warm()
    _, wake = ride.pending(WakeAt)
    assert wake.at == (ride.state.ended_at or 0.0) + 60.0
    ride.succeed(WakeAt)
    assert ride.pending(StopVersion)[1].version == OLD
    assert ride.succeed(StopVersion).state.stage == "closed"


def test_an_old_version_that_cannot_be_stopped_is_a_warning() -> None:
    ride = Ride().to_warm().succeed(WakeAt).fail(StopVersion, "it hangs")
    assert (ride.state.stage, ride.state.outcome, ride.state.warnings) == (
        "closed",
        "promoted",
        ("it hangs",),
    )


def test_a_wake_up_that_fails_costs_nothing() -> None:
    ride = Ride().to_warm().fail(WakeAt, "no clock")
    assert (ride.state.stage, ride.effects()) == ("warm", ["WakeAt"])


def test_each_leg_has_its_own_window() -> None:
    ride = Ride(plan_of(leg(), leg(baseline=OLD_API, candidate=NEW_API))).to_warm()
    wakes = [p for p in ride.state.pending if isinstance(p.effect, WakeAt)]
    assert [w.effect.leg for w in wakes if isinstance(w.effect, WakeAt)] == [0, 1]


def test_going_back_that_is_delayed_stays_pending_and_holds_nothing() -> None:
    ride = Ride().to_reverting()
    id_, _ = ride.pending(SetRouting)
    ride.tell(EffectDelayed(at=2.0, effect=id_, reason="the disk is full", attempts=5))
    assert (ride.state.hold, ride.state.delayed, ride.effects()) == (None, "the disk is full", ["SetRouting"])
    assert ride.pending(SetRouting)[0] == id_
    summary = summarise(ride.state, ride.plan, request(ride.plan))
    assert (summary.phase, summary.reason) == ("rolling back", "the disk is full")
    ride.succeed(SetRouting)
    assert (ride.state.delayed, ride.state.outcome) == ("", "rolled_back")


def test_a_delay_of_what_is_done_already_is_stale() -> None:
    ride = Ride().to_reverting()
    id_, _ = ride.pending(SetRouting)
    ride.succeed(SetRouting)
    with pytest.raises(Stale):
        ride.tell(EffectDelayed(at=2.0, effect=id_, reason="the disk is full", attempts=5))


def test_an_old_size_that_cannot_be_had_may_be_done_without_by_a_person() -> None:
    ride = Ride(plan_of(leg(ROLLING))).to_exposed().judge("pass").succeed(PrepareVersion)
    ride.tell(ReleaseAborted(at=2.0, by="ada"))
    id_, _ = ride.pending(PrepareVersion)
    ride.tell(EffectDelayed(at=2.0, effect=id_, reason="no port is left", attempts=5))
    with pytest.raises(Illegal, match="being undone already"):
        ride.tell(
            ReleaseAborted(at=2.0, by="ada")
        )  # users are not back yet: that is not for anybody to give up
    ride.succeed(SetRouting)
    ride.tell(EffectDelayed(at=2.0, effect=id_, reason="no port is left", attempts=9))
    ride.tell(ReleaseAborted(at=2.0, by="ada"))
    assert ride.state.warnings == ("no port is left",)
    assert "VerifyVersion" in ride.effects()


def test_time_that_nobody_watched_is_no_part_of_the_rollback_window() -> None:
    ride = Ride().to_warm()
    _, before = ride.pending(WakeAt)
    ride.tell(WatchResumed(at=ride.state.at, unwatched_s=3600.0))
    assert ride.pending(WakeAt)[1].at == before.at + 3600.0
