"""The simulation can bite: each thing that is broken on purpose is found, by the invariant it breaks."""

import dataclasses
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from msgspec.structs import replace

from headgate.controller import crew, sampling, supervisor, underway
from headgate.controller.actor import Actor
from headgate.controller.lease import MemoryLease
from headgate.core.machine import asking, back, forward, wanted
from headgate.core.machine.effects import AskGates, Observe, PrepareVersion, RunSmoke, SetRouting, StopVersion
from headgate.core.machine.events import (
    AnyEvent,
    EffectId,
    GatesAnswered,
    Judged,
    ReleaseRequested,
    ReleaseResumed,
)
from headgate.core.machine.plan import OneWayStep, Plan
from headgate.core.machine.state import LegState, Pending, State
from headgate.core.machine.steps import KINDS, Bake, Expose, Prepare, Promote, Smoke
from headgate.core.machine.steps import expose as traffic
from headgate.core.machine.steps.bake import BAKE
from headgate.core.machine.steps.expose import promoted, undone
from headgate.core.machine.steps.kind import WAITS_FOR, Decision, Look
from headgate.core.machine.steps.prepare import PREPARE
from headgate.core.machine.transitions import TRANSITIONS
from headgate.core.model import Routing, ServiceChange, Version
from headgate.core.model.summary import Outcome
from headgate.lab.simulation import Report, simulate
from headgate.lab.simulation.invariants import (
    Snapshot,
    death_changes_nothing,
    goes_back_legally,
    no_rise_in_trouble,
    only_the_holder_acts,
    relief_is_bounded,
    weights_and_health,
)
from headgate.lab.simulation.loop import Life
from headgate.lab.simulation.trace import begin
from headgate.ledger import memory
from headgate.ports.platform import Platforms
from tests.core.ride import NEW, OLD, Kind, Ride, answer, leg, plan_of, request
from tests.simulation import mutants

TABLE: dict[Any, Any] = TRANSITIONS
Patch = pytest.MonkeyPatch
SEEDS = range(200)
SOON = (
    "unverified_rollback",
    "immediate_drain",
    "frozen_time_counted",
    "stale_pass",
    "lost_lease_unseen",
    "stable_lost_ignored",
    "no_deadline",
    "gives_up_going_back",
    "barrier_ignored",
)


def first_violation(seeds: Iterable[int] = SEEDS) -> Report:
    for seed in seeds:
        report = simulate(seed)
        if report.violations:
            return report
    raise AssertionError("nothing was found")


def found(number: int, words: str) -> None:
    report = first_violation()
    said = str(report.violations[0])
    assert said.startswith(f"invariant {number}: "), said
    assert words in said
    assert f"seed {report.seed} violates:" in report.story()
    assert "ReleaseRequested" in report.story()


def test_stopping_a_version_that_still_has_traffic(monkeypatch: Patch) -> None:
    monkeypatch.setitem(WAITS_FOR, "stop", ())
    found(1, "is to be stopped and receives traffic")


def test_traffic_to_a_version_that_does_not_run(monkeypatch: Patch) -> None:
    def unprepared(state: State, event: GatesAnswered, plan: Plan) -> State:
        return forward.enter(replace(state, stage="forward"), event.at, plan, leg=0, step=1)

    monkeypatch.setitem(TABLE, ("checking", GatesAnswered), unprepared)
    monkeypatch.setattr(
        wanted, "_work", lambda state, plan: (SetRouting(promoted(plan.legs[state.leg].change)),)
    )
    found(1, "is to receive traffic and does not run")


def test_a_weight_that_rises_after_a_failing_verdict(monkeypatch: Patch) -> None:
    def worse(change: ServiceChange) -> Routing:
        return Routing(
            change.unit, change.listener, stable=change.baseline, canary=change.candidate, weight=100
        )

    monkeypatch.setattr(traffic, "undone", worse)
    found(2, "has failed and goes from")


def test_a_failing_verdict_that_nobody_acts_on(monkeypatch: Patch) -> None:
    def deaf(state: State, at: float, plan: Plan, outcome: Outcome, reason: str) -> State:
        return state if "the canary is worse" in reason else back.revert(state, at, plan, outcome, reason)

    monkeypatch.setattr(forward, "revert", deaf)
    said = [str(one.violations[0]) for one in map(simulate, range(60)) if one.violations]
    assert all(one.startswith(("invariant 2: ", "invariant 8: ")) for one in said), said
    assert any("traffic is not back" in one for one in said), said


def test_a_promotion_that_nobody_asked_to_be_proven(monkeypatch: Patch) -> None:
    monkeypatch.setattr(LegState, "promotable", property(lambda _: True))
    monkeypatch.setitem(KINDS, Bake, dataclasses.replace(BAKE, judged=_any_verdict))
    report = first_violation()
    assert str(report.violations[0]).startswith(("invariant 3: ", "invariant 8: "))


def _any_verdict(_: Bake, look: Look) -> Decision:
    """Everything but a failing verdict will do."""
    return "done" if look.current else "stay"


def test_a_pass_from_before_the_change_of_traffic(monkeypatch: Patch) -> None:
    judged = forward.judged

    def stale(state: State, event: Judged, plan: Plan) -> State:
        after = judged(state, event, plan)
        return after.with_leg(replace(after.here(), passed=True)) if after.stage == "forward" else after

    monkeypatch.setitem(TABLE, ("forward", Judged), stale)
    monkeypatch.setitem(KINDS, Bake, dataclasses.replace(BAKE, judged=_any_verdict))
    report = first_violation()
    assert str(report.violations[0]).startswith(("invariant 3: ", "invariant 8: "))


def test_a_platform_that_is_asked_for_what_another_runs(monkeypatch: Patch) -> None:
    monkeypatch.setattr(Platforms, "at", lambda self, placed: self.open("host"))
    found(23, "is of `elsewhere`, and `host` was asked for it")


def test_two_releases_at_once(monkeypatch: Patch) -> None:
    def careless(state: State, event: ReleaseRequested, plan: Plan) -> State:
        return asking.requested(state, replace(event, behind=None), plan)

    monkeypatch.setitem(TABLE, ("new", ReleaseRequested), careless)
    found(4, "at once")


def test_a_sample_that_is_counted_twice(monkeypatch: Patch) -> None:
    def forgetful(self: sampling.Watcher, observation: sampling.Observation) -> None:
        self._judge = observation.judge
        sample = observation.sample
        self._readings = self._readings if self._readings[0] else (*sample.readings, sample.fresh_reading)

    monkeypatch.setattr(sampling.Watcher, "commit", forgetful)
    found(5, "does not begin where the last one ended")


def test_a_sample_that_is_lost(monkeypatch: Patch) -> None:
    observe = sampling.Watcher.observe

    async def eager(
        self: sampling.Watcher, at: float, weight: int, exposure: int, *, deadline: bool = False
    ) -> sampling.Observation:
        seen = await observe(self, at, weight, exposure, deadline=deadline)
        self._readings = (*seen.sample.readings, seen.sample.fresh_reading)
        return seen

    monkeypatch.setattr(sampling.Watcher, "observe", eager)
    found(5, "does not begin where the last one ended")


def test_a_chain_with_a_gap(monkeypatch: Patch) -> None:
    monkeypatch.setattr(memory, "link", lambda *parts: "0" * 64)
    found(5, "does not follow the one before it")


def test_a_state_that_is_not_what_the_ledger_says(monkeypatch: Patch) -> None:
    changed = crew.Crew._changed

    def meddling(self: crew.Crew, actor: Actor) -> None:
        release = actor._release
        release.state = replace(release.state, reason="because I say so")
        changed(self, actor)

    monkeypatch.setattr(crew.Crew, "_changed", meddling)
    found(5, "differently from a replay")


def test_an_old_version_that_goes_too_early(monkeypatch: Patch) -> None:
    retire = wanted._retire

    def early(state: State, plan: Plan, index: int) -> tuple[Any, ...]:
        leg = plan.legs[index]
        return tuple(
            StopVersion(leg.change.baseline, leg.change.drain_s)
            for _ in retire(state, plan, index)
            if leg.change.baseline
        )

    monkeypatch.setattr(wanted, "_retire", early)
    found(6, "within the rollback window")


def test_a_stop_that_asks_nobody(monkeypatch: Patch) -> None:
    monkeypatch.setattr(supervisor.Supervisor, "_needed", lambda *_: "")
    report = first_violation()
    assert report.violations[0].number in (1, 6)


def test_silence_that_promotes(monkeypatch: Patch) -> None:
    monkeypatch.setattr(forward, "_unproven", forward.complete)
    found(8, "although the verdict is")


def test_a_controller_that_does_not_ask_for_its_lease(monkeypatch: Patch) -> None:
    monkeypatch.setattr(MemoryLease, "held", lambda _: True)
    found(10, "a controller without the lease")


def test_effects_before_the_ledger_has_them(monkeypatch: Patch) -> None:
    monkeypatch.setattr(Actor, "_may_start", lambda self, pending: True)
    found(10, "is not in the ledger")


@pytest.mark.parametrize("name", SOON)
def test_what_was_once_missed_is_found_soon(name: str) -> None:
    """`make mutants` says so of every one of them, and takes its time."""
    assert mutants.hunt(name, seeds=200).seed is not None


def test_a_queue_that_nobody_serves(monkeypatch: Patch) -> None:
    async def nothing(_: object) -> None:
        """Nobody is let go."""

    monkeypatch.setattr(supervisor.Supervisor, "_serve_queue", nothing)
    found(0, "not at an end")


def test_effects_that_are_forgotten_over_a_restart(monkeypatch: Patch) -> None:
    settle = underway.Underway.settle
    run = Actor.run

    async def amnesiac(self: Actor) -> None:
        forgotten = {pending.id for pending in self.state.pending}

        def without(pending: Iterable[Any], may_start: Callable[[Pending], bool]) -> None:
            settle(self._underway, [entry for entry in pending if entry.id not in forgotten], may_start)

        monkeypatch.setattr(self._underway, "settle", without)
        await run(self)

    monkeypatch.setattr(Actor, "run", amnesiac)
    report = first_violation()
    assert report.violations[0].number in (0, 11), report.story()


def test_a_bad_version_that_is_never_stopped(monkeypatch: Patch) -> None:
    forgetful = dataclasses.replace(PREPARE, undo=lambda _, __: ())
    monkeypatch.setitem(KINDS, Prepare, forgetful)
    found(22, "was never told to stop")


def test_a_fresh_baseline_that_is_never_stopped(monkeypatch: Patch) -> None:
    def forgetful(state: State, event: GatesAnswered, plan: Plan) -> State:
        after = asking.gates_answered(state, event, plan)
        return replace(after, legs=tuple(replace(leg, fresh_stopped=True) for leg in after.legs))

    monkeypatch.setitem(TABLE, ("checking", GatesAnswered), forgetful)
    found(0, "-fresh still runs, and nobody needs it")


def test_a_fresh_baseline_that_gets_more_than_the_canary(monkeypatch: Patch) -> None:
    monkeypatch.setattr(Routing, "fresh_weight", property(lambda routing: 100 - routing.weight))
    found(1, "is to receive more than the canary")


# --- what no simulated world can come to: the checks themselves -------------------------------------------------------


def test_an_illegal_rollback() -> None:
    plain = leg()
    plan = plan_of(replace(plain, one_way=(OneWayStep(1, "the schema is new"),)))
    trace = begin(request(plan))
    trace.state = Ride(plan).to_exposed().state
    assert "the schema is new" in goes_back_legally(trace, undone(plain.change))
    assert goes_back_legally(trace, promoted(plain.change)) == ""


def test_a_death_that_is_felt() -> None:
    routing = {OLD.unit: undone(leg().change)}
    before = Snapshot(3, 7, routing, {OLD: 1})
    assert death_changes_nothing(before, before) == ""
    assert "1 orders were given" in death_changes_nothing(before, before._replace(orders=4))
    assert "without an order" in death_changes_nothing(before, before._replace(running={}))
    assert death_changes_nothing(before, before._replace(running={}, mutations=8)) == ""


def test_whoever_acts_without_being_the_one() -> None:
    one, other = Life(), Life()
    trace = begin(request(plan_of()))
    effect_id, effect = EffectId("r1", 1, 0), StopVersion(NEW, 0.0)
    trace.issued[effect_id] = effect
    assert only_the_holder_acts(trace, effect_id, effect, one, one) == ""
    assert "without the lease" in only_the_holder_acts(trace, effect_id, effect, one, other)
    assert "not in the ledger" in only_the_holder_acts(trace, effect_id, StopVersion(OLD, 0.0), one, one)
    assert "not in the ledger" in only_the_holder_acts(None, effect_id, effect, one, one)


def test_a_weight_that_rises_while_stable_is_in_trouble(monkeypatch: Patch) -> None:
    steps = (Prepare(2), Expose(10), Smoke(), Expose(50), Bake(1.0, 9.0), Promote())

    def seen() -> str:
        plan = plan_of(leg(steps))
        ride, trace = Ride(plan), begin(request(plan))
        trace.take(request(plan))
        said = ""
        for kind in (AskGates, PrepareVersion, SetRouting, Observe, RunSmoke):
            id_, effect = ride.pending(kind)
            event = answer(Pending(id_, effect), ride.state.at, "hold_external")
            ride.tell(event)
            trace.take(event)
            said = no_rise_in_trouble(trace, event)
        return said

    assert seen() == ""
    monkeypatch.setattr(LegState, "frozen", property(lambda _: False))
    assert "goes from 10% to 50%" in seen()


def test_traffic_that_is_taken_away_again_and_again() -> None:
    plan = plan_of()
    ride, trace = Ride(plan), begin(request(plan))

    def tell(event: AnyEvent) -> None:
        ride.tell(event)
        trace.take(event)

    def answered(kind: type[Any], verdict: Kind = "pass") -> None:
        id_, effect = ride.pending(kind)
        tell(answer(Pending(id_, effect), ride.state.at, verdict))

    trace.take(request(plan))
    for kind in (AskGates, PrepareVersion, SetRouting):
        answered(kind)
    for times in (1, 2):
        answered(Observe, "shared")
        assert trace.reliefs == times
        answered(SetRouting)
        answered(Observe, "watch")
        if times == 1:
            answered(Observe, "watch")
            answered(SetRouting)
            answered(Observe, "watch")
    assert relief_is_bounded(trace) == ""
    trace.reliefs += 1
    assert "3 times under one exposure" in relief_is_bounded(trace)
    tell(ReleaseResumed(at=ride.state.at, by="ada"))
    assert trace.reliefs == 0


class FakeTown:
    """A town where nothing runs."""

    def __init__(self) -> None:
        self.running: dict[Version, int] = {}
        self.died: set[Version] = set()


def test_routing_to_what_does_not_run() -> None:
    routing = Routing(OLD.unit, leg().change.listener, OLD, NEW, 100)
    assert f"{NEW} is to receive traffic" in weights_and_health(FakeTown(), routing)  # type: ignore[arg-type]
    assert weights_and_health(FakeTown(), replace(routing, stable=None, canary=None, weight=0)) == ""  # type: ignore[arg-type]
