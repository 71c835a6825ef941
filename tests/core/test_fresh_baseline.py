"""A fresh baseline: old instances as new as the canary's, which it is compared with, and which never outlive it."""

from collections.abc import Iterable

import pytest
from msgspec.structs import replace

from headgate.core.machine.effects import Effect, Observe, PrepareVersion, SetRouting, StopVersion
from headgate.core.machine.events import EffectFailed, Judged, PromotionForced, ReleaseAborted, VersionLost
from headgate.core.machine.plan import Leg
from headgate.core.machine.state import Pending
from headgate.core.machine.steps import Expose
from headgate.core.machine.steps.expose import aside, exposed, promoted, undone
from headgate.core.model import Intent, Listener, Match, Rollout, Routing, Stage, StrategyName, Version
from headgate.core.model.criteria import JudgeSpec
from headgate.core.release.need import need
from headgate.core.release.planning import Policies, plan, plan_back
from headgate.core.story.explain import explain
from headgate.core.story.view import summarise
from tests.core.ride import NEW, OLD, WEB, Ride, answer, request, verdict_of

FRESH = replace(OLD, fresh=True)
LADDER = (Stage(weight=10, bake_s=2.0), Stage(weight=60, bake_s=2.0))


def intent(
    stages: Iterable[Stage] = LADDER, strategy: StrategyName = "canary", *, asked: bool = True
) -> Intent:
    rollout = Rollout(strategy, tuple(stages), warm_s=60.0, fresh_baseline=asked)
    return Intent(WEB, NEW, Listener(8000), rollout, JudgeSpec(interval_s=1.0), instances=3)


def leg(wish: Intent | None = None) -> Leg:
    return plan((wish or intent(),), {WEB: OLD}, Policies()).legs[0]


def ride() -> Ride:
    return Ride(plan((intent(),), {WEB: OLD}, Policies(gates=("ready",))))


def started() -> Ride:
    """Both are being started."""
    return ride().succeed_first("AskGates")


def both_ready(moved: Ride) -> Ride:
    return moved.succeed_first("PrepareVersion").succeed_first("PrepareVersion")


def stops(moved: Ride) -> list[Version]:
    return [one.effect.version for one in moved.state.pending if isinstance(one.effect, StopVersion)]


def asked_of(moved: Ride, effect: Effect) -> Pending:
    """The effect, which is pending."""
    return next(one for one in moved.state.pending if one.effect == effect)


def to_warm() -> Ride:
    moved = both_ready(started())
    while moved.state.stage == "forward":
        own = [name for name in moved.effects() if name != "Observe"]
        moved.succeed_first((own or ["Observe"])[0])
    return moved


# --- where there is one -----------------------------------------------------------------------------------------------


def test_it_is_the_baseline_once_more_and_another_version_to_whoever_runs_routes_or_measures_it() -> None:
    assert leg().change.fresh == FRESH != OLD
    assert FRESH.key == f"{OLD.key}-fresh"
    assert str(FRESH) == f"web@{OLD.key}-fresh"


@pytest.mark.parametrize(
    "wish",
    [
        intent(asked=False),
        intent((), "blue-green"),
        intent((), "rolling"),
        intent((), "all-at-once"),
        intent((Stage(weight=100, bake_s=1.0),)),
        intent((Stage(matches=(Match("header", "x-us", "1"),), bake_s=1.0),)),
    ],
    ids=["not asked", "blue-green", "rolling", "all-at-once", "everything", "matches alone"],
)
def test_there_is_none_where_it_was_not_asked_for_or_no_step_divides_the_traffic(wish: Intent) -> None:
    assert leg(wish).change.fresh is None


def test_a_first_release_and_a_rollback_have_none() -> None:
    assert plan((intent(),), {}, Policies()).legs[0].change.fresh is None
    assert plan_back((intent(),), {WEB: OLD}, Policies()).legs[0].change.fresh is None


@pytest.mark.parametrize(
    ("weight", "shares"),
    [(0, (0, 100, 0)), (5, (5, 90, 5)), (50, (50, 0, 50)), (60, (60, 0, 40)), (100, (100, 0, 0))],
)
def test_it_has_as_much_as_the_canary_or_what_is_left(weight: int, shares: tuple[int, int, int]) -> None:
    routing = Routing(WEB, Listener(8000), OLD, NEW, weight, fresh=FRESH)
    assert (routing.weight, routing.stable_weight, routing.fresh_weight) == shares
    plain = replace(routing, fresh=None)
    assert (plain.stable_weight, plain.fresh_weight) == (100 - weight, 0)


@pytest.mark.parametrize(("stable", "canary"), [(None, NEW), (OLD, None), (None, None)])
def test_there_is_none_without_a_canary_and_a_stable(stable: Version | None, canary: Version | None) -> None:
    with pytest.raises(ValueError, match="beside a canary"):
        Routing(WEB, Listener(8000), stable, canary, fresh=FRESH)


def test_only_steps_that_divide_the_traffic_route_to_it() -> None:
    own = leg()
    ways = [exposed(own.change, step) for step in own.steps if isinstance(step, Expose)]
    assert [(way.weight, way.fresh_weight, way.fresh) for way in ways] == [
        (10, 10, FRESH),
        (60, 40, FRESH),
        (100, 0, None),
    ]
    assert [way.fresh for way in (aside(own.change), promoted(own.change), undone(own.change))] == [
        None,
        None,
        None,
    ]


# --- on its way -------------------------------------------------------------------------------------------------------


def test_it_is_started_with_the_canary_and_as_large_and_nobody_is_exposed_before_both_are_ready() -> None:
    moved = started()
    prepared = [one.effect for one in moved.state.pending if isinstance(one.effect, PrepareVersion)]
    assert prepared == [PrepareVersion(NEW, 3), PrepareVersion(FRESH, 3)]
    moved.succeed_first("PrepareVersion")
    assert "SetRouting" not in moved.effects()
    moved.succeed_first("PrepareVersion")
    _, order = moved.pending(SetRouting)
    assert order.routing == exposed(leg().change, Expose(10))


def test_which_of_them_is_ready_first_does_not_matter() -> None:
    moved = started()
    moved.tell(answer(asked_of(moved, PrepareVersion(FRESH, 3)), moved.state.at))
    assert moved.effects().count("PrepareVersion") == 1
    assert "SetRouting" in moved.succeed_first("PrepareVersion").effects()


def test_one_that_cannot_be_started_undoes_the_release() -> None:
    moved = started()
    one = asked_of(moved, PrepareVersion(FRESH, 3))
    moved.tell(EffectFailed(at=moved.state.at, effect=one.id, reason="there is no room"))
    assert (moved.state.stage, moved.state.reason) == ("reverting", "there is no room")
    assert stops(moved) == [NEW, FRESH]


def test_one_that_is_lost_undoes_the_release_since_its_users_are_failed() -> None:
    moved = both_ready(started()).succeed(SetRouting)
    moved.tell(VersionLost(at=moved.state.at, version=FRESH, reason="it is gone"))
    assert (moved.state.stage, moved.state.outcome) == ("reverting", "rolled_back")


# --- its end ----------------------------------------------------------------------------------------------------------


def test_after_a_rollback_it_is_stopped_once_its_traffic_is_away() -> None:
    moved = both_ready(started()).succeed(SetRouting).judge("fail")
    assert stops(moved) == []
    moved.succeed(SetRouting)
    assert stops(moved) == [NEW, FRESH]
    moved.succeed_first("StopVersion").succeed_first("VerifyVersion")
    assert moved.state.stage == "reverting"
    assert moved.succeed_first("StopVersion").state.stage == "closed"


def test_one_that_cannot_be_stopped_is_a_warning() -> None:
    moved = both_ready(started()).succeed(SetRouting).judge("fail").succeed(SetRouting)
    last = asked_of(moved, StopVersion(FRESH, 10.0))
    moved.tell(EffectFailed(at=moved.state.at, effect=last.id, reason="it does not listen"))
    assert moved.state.warnings == ("it does not listen",)
    assert stops(moved) == [NEW]


def test_after_a_promotion_it_is_stopped_at_once_while_the_old_version_stays_warm() -> None:
    moved = to_warm()
    assert stops(moved) == [FRESH]
    told = summarise(moved.state, moved.plan, request(moved.plan))
    assert (told.warm, told.moves[0].before, told.moves[0].after) == ((OLD,), OLD, NEW)
    moved.succeed_first("StopVersion")
    assert (moved.state.stage, moved.effects()) == ("warm", ["WakeAt"])
    assert moved.succeed_first("WakeAt").succeed_first("StopVersion").state.stage == "closed"


def test_a_promotion_is_not_over_before_it_is_stopped() -> None:
    moved = to_warm().succeed_first("WakeAt")
    assert stops(moved) == [FRESH, OLD]
    moved.tell(answer(asked_of(moved, StopVersion(OLD, 10.0)), moved.state.at))
    assert (moved.state.stage, stops(moved)) == ("warm", [FRESH])
    assert moved.succeed_first("StopVersion").state.stage == "closed"


def test_a_person_who_promotes_ends_it_too() -> None:
    moved = both_ready(started()).succeed(SetRouting)
    moved.tell(PromotionForced(at=moved.state.at, by="ada", reason="I know")).succeed_first("SetRouting")
    assert (moved.state.stage, stops(moved)) == ("warm", [FRESH])


def test_an_abort_before_it_was_ready_stops_it() -> None:
    moved = started()
    moved.tell(ReleaseAborted(at=moved.state.at, by="ada"))
    assert stops(moved) == [NEW, FRESH]
    assert moved.succeed_first("StopVersion").succeed_first("StopVersion").state.stage == "closed"


def test_another_release_does_not_stop_it_while_it_is_compared() -> None:
    moved = both_ready(started()).succeed(SetRouting)
    assert need(moved.state, moved.plan, FRESH) == f"r1 is moving {FRESH}"
    assert need(to_warm().state, moved.plan, FRESH) == ""


# --- what is told of it -----------------------------------------------------------------------------------------------


def test_it_is_the_placebo_also_of_a_service_with_one_instance() -> None:
    drawn = plan((replace(intent(), instances=1),), {WEB: OLD}, Policies(gates=("ready",)))
    moved = both_ready(Ride(drawn).succeed_first("AskGates")).succeed(SetRouting)
    id_, look = moved.pending(Observe)
    verdict = replace(verdict_of("watch"), placebo=7.0)
    moved.tell(Judged(at=look.due_at, effect=id_, verdict=verdict, sample=""))
    placebo = summarise(moved.state, moved.plan, request(moved.plan)).moves[0].placebo
    assert placebo is not None
    assert placebo.evidence == 7.0


def test_the_story_says_what_it_had() -> None:
    moved = both_ready(started()).succeed(SetRouting)
    told = [sentence.text for sentence in explain(moved.told)]
    assert f"3 instances of {FRESH} were ready." in told
    assert f"The proxy confirmed: canary 10% for {NEW} and 10% for {FRESH}." in told
