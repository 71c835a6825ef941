"""The table of transitions: what is legal where, and that everything else raises and changes nothing."""

import os
from itertools import product
from pathlib import Path
from typing import get_args

import pytest

from headgate.core.machine import events, names
from headgate.core.machine.asking import initial
from headgate.core.machine.effects import (
    AskGates,
    Effect,
    Observe,
    PrepareVersion,
    SetRouting,
    StopVersion,
    VerifyVersion,
)
from headgate.core.machine.events import AnyEvent, EffectFailed, EffectId, GatesAnswered, VersionPrepared
from headgate.core.machine.names import EFFECTS, FACTS, VERBS, Illegal, Stale
from headgate.core.machine.state import Pending, Stage, State
from headgate.core.machine.step import step
from headgate.core.machine.transitions import ANSWERED_BY, LEAVES, TRANSITIONS
from headgate.core.model import Finding, Verdict
from tests.core.ride import GOOD, NEW, OLD, Ride, answer, request

KINDS: tuple[type[AnyEvent], ...] = get_args(AnyEvent)
STAGES: tuple[Stage, ...] = get_args(Stage)
NOBODY = EffectId("r1", 999, 0)


def at_stage(stage: Stage) -> Ride:
    """A release that has come to this stage."""
    match stage:
        case "new":
            ride = Ride()
            ride.state = initial("r1", ride.plan)
            return ride
        case "queued":
            return Ride(behind="r0")
        case "checking":
            return Ride()
        case "forward":
            return Ride().to_exposed()
        case "reverting":
            return Ride().to_reverting()
        case "warm":
            return Ride().to_warm()
        case "closed":
            ride = Ride()
            return ride.succeed(AskGates, findings=(Finding("gate", "fail", "no"),))


def example(kind: type[AnyEvent], ride: Ride) -> AnyEvent:
    """An event of this kind, which answers what is pending where it is an answer and can."""
    at = ride.state.at
    for pending in ride.state.pending:
        fact = answer(pending, at)
        if type(fact) is kind:
            return fact
        if kind is EffectFailed and not isinstance(pending.effect, Observe):
            return EffectFailed(at=at, effect=pending.id, reason="no")
    match kind:
        case events.ReleaseRequested:
            return request(ride.plan)
        case events.ReleaseDequeued:
            return events.ReleaseDequeued(at=at, plan=ride.plan)
        case events.PromotionForced | events.WayBackOpened:
            return kind(at=at, by="ada", reason="I know better")
        case events.ReleasePaused | events.ReleaseResumed | events.StepApproved | events.ReleaseAborted:
            return kind(at=at, by="ada")
        case events.EffectDelayed | events.WatchResumed | events.VersionLost | events.ReleaseTakenOver:
            return by_itself(kind, ride)
        case _:
            return answer_to_nothing(kind, at)


def by_itself(kind: type[AnyEvent], ride: Ride) -> AnyEvent:
    if kind is events.VersionLost:
        return events.VersionLost(at=ride.state.at, version=NEW, reason="gone")
    if kind is events.ReleaseTakenOver:
        return events.ReleaseTakenOver(at=ride.state.at, into="r2")
    if kind is events.WatchResumed:
        return events.WatchResumed(at=ride.state.at, unwatched_s=7.0)
    pending = ride.state.pending[0].id if ride.state.pending else NOBODY
    return events.EffectDelayed(at=ride.state.at, effect=pending, reason="not yet", attempts=5)


def answer_to_nothing(kind: type[AnyEvent], at: float) -> AnyEvent:
    """An answer to an effect that nobody asked for."""
    fields: dict[type[AnyEvent], dict[str, object]] = {
        events.GatesAnswered: {"findings": ()},
        events.VersionPrepared: {"version": NEW, "instances": 1},
        events.RoutingSet: {"routing": Ride().to_exposed().state.here().routing},
        events.Judged: {"verdict": Verdict("pass", ""), "sample": ""},
        events.SmokeTested: {"version": NEW, "findings": ()},
        events.VersionVerified: {"version": OLD, "findings": ()},
        events.VersionStopped: {"version": OLD},
        events.CommandRan: {"version": NEW, "command": "migrate", "outcome": "applied"},
        events.TimeCame: {},
        events.EffectFailed: {"reason": "no"},
    }
    return kind(at=at, effect=NOBODY, **fields[kind])  # type: ignore[arg-type,call-arg]


@pytest.mark.parametrize(
    ("stage", "kind"), [pair for pair in product(STAGES, KINDS) if pair not in TRANSITIONS]
)
def test_what_is_not_in_the_table_is_illegal_and_changes_nothing(stage: Stage, kind: type[AnyEvent]) -> None:
    ride = at_stage(stage)
    before = ride.state
    assert before.stage == stage
    with pytest.raises(Illegal):
        step(ride.state, example(kind, ride), ride.plan)
    assert ride.state == before


def test_every_stage_says_what_is_possible_there() -> None:
    with pytest.raises(
        Illegal, match=r"`pause` is not possible: the release is waiting for its turn; possible: abort$"
    ):
        Ride(behind="r0").tell(events.ReleasePaused(at=0.0, by="ada"))
    with pytest.raises(Illegal, match="possible: nothing more"):
        at_stage("closed").tell(events.ReleasePaused(at=9e9, by="ada"))


def test_no_message_names_a_class() -> None:
    ours = {kind.__name__ for kind in (*KINDS, *ANSWERED_BY)}
    for stage, kind in product(STAGES, KINDS):
        if (stage, kind) not in TRANSITIONS:
            ride = at_stage(stage)
            with pytest.raises(Illegal) as refused:
                step(ride.state, example(kind, ride), ride.plan)
            assert not [name for name in ours if name in str(refused.value)], refused.value


def test_everything_has_a_name() -> None:
    assert set(VERBS) | set(FACTS) == set(KINDS)
    assert set(EFFECTS) == set(ANSWERED_BY)
    assert set(names.STAGES) == set(STAGES)


LEADS_TO: dict[tuple[Stage, type[AnyEvent]], Stage] = {
    ("new", events.ReleaseRequested): "checking",
    ("queued", events.ReleaseDequeued): "checking",
    ("queued", events.ReleaseAborted): "closed",
    ("checking", events.GatesAnswered): "forward",
    ("checking", events.EffectFailed): "closed",
    ("checking", events.ReleaseAborted): "closed",
    ("forward", events.Judged): "forward",
    ("forward", events.VersionLost): "reverting",
    ("forward", events.WatchResumed): "forward",
    ("forward", events.ReleasePaused): "forward",
    ("forward", events.PromotionForced): "forward",
    ("forward", events.ReleaseAborted): "reverting",
    ("reverting", events.RoutingSet): "reverting",
    ("reverting", events.EffectDelayed): "reverting",
    ("reverting", events.EffectFailed): "reverting",
    ("warm", events.TimeCame): "warm",
    ("warm", events.WatchResumed): "warm",
    ("warm", events.EffectFailed): "warm",
}


@pytest.mark.parametrize(("stage", "kind"), LEADS_TO)
def test_where_a_legal_event_leads(stage: Stage, kind: type[AnyEvent]) -> None:
    ride = at_stage(stage)
    before = ride.state
    ride.tell(example(kind, ride))
    assert ride.state.stage == LEADS_TO[stage, kind]
    assert ride.state.sequence == before.sequence + 1
    assert ride.state.at >= before.at


def test_every_transition_is_taken_somewhere_in_these_tests() -> None:
    """The rest of the table needs a state of its own; the tests of forward, back and warm make it."""
    elsewhere = {
        ("forward", events.VersionPrepared),
        ("forward", events.RoutingSet),
        ("forward", events.SmokeTested),
        ("forward", events.CommandRan),
        ("forward", events.TimeCame),
        ("forward", events.EffectFailed),
        ("forward", events.ReleaseResumed),
        ("forward", events.StepApproved),
        ("forward", events.WayBackOpened),
        ("forward", events.ReleaseTakenOver),
        ("reverting", events.VersionPrepared),
        ("reverting", events.VersionVerified),
        ("reverting", events.VersionStopped),
        ("reverting", events.CommandRan),
        ("reverting", events.ReleaseResumed),
        ("reverting", events.ReleaseAborted),
        ("warm", events.VersionStopped),
    }
    assert set(LEADS_TO) | elsewhere == set(TRANSITIONS)
    assert not set(LEADS_TO) & elsewhere


# --- answers ----------------------------------------------------------------------------------------------------------


def test_an_answer_that_comes_twice_is_stale() -> None:
    ride = Ride()
    id_, _ = ride.pending(AskGates)
    gates = GatesAnswered(at=0.0, effect=id_, findings=GOOD)
    before = ride.tell(gates).state
    with pytest.raises(Stale, match="late, twice, or was abandoned"):
        ride.tell(gates)
    assert ride.state == before


def test_an_answer_to_what_was_abandoned_is_stale() -> None:
    ride = Ride().succeed(AskGates).succeed(PrepareVersion)
    id_, effect = ride.pending(SetRouting)
    ride.tell(events.ReleaseAborted(at=0.0, by="ada"))
    with pytest.raises(Stale):
        ride.tell(answer(Pending(id_, effect), 0.0))


def test_an_answer_of_another_kind_is_illegal() -> None:
    ride = Ride()
    id_, _ = ride.pending(AskGates)
    with pytest.raises(Illegal, match=r"a version that is ready does not answer effect r1\.1\.0"):
        ride.tell(VersionPrepared(at=0.0, effect=id_, version=NEW, instances=1))


def test_an_observation_cannot_fail() -> None:
    ride = Ride().to_exposed()
    id_, _ = ride.pending(Observe)
    with pytest.raises(Illegal, match="a failure does not answer effect"):
        ride.tell(EffectFailed(at=ride.state.at, effect=id_, reason="no"))


def test_time_does_not_run_backwards() -> None:
    ride = Ride().to_exposed().judge("watch")
    with pytest.raises(Illegal, match="time ran backwards"):
        ride.tell(events.ReleasePaused(at=0.5, by="ada"))


def test_effects_are_numbered_by_the_event_that_caused_them() -> None:
    ride = Ride().to_exposed()
    ride.tell(events.ReleaseAborted(at=ride.state.at, by="ada"))
    ids = [pending.id for pending in ride.issued]
    assert len(set(ids)) == len(ids)
    assert all(id_.release == "r1" for id_ in ids)
    assert [p.id for p in ride.issued_now] == [EffectId("r1", ride.state.sequence, 0)]
    assert str(ids[0]) == "r1.1.0"


@pytest.mark.parametrize("kind", [AskGates, PrepareVersion, SetRouting, VerifyVersion, StopVersion])
def test_what_is_pending_and_still_wanted_is_not_issued_again(kind: type[Effect]) -> None:
    ride = Ride()
    seen: list[State] = []
    while kind.__name__ not in ride.effects():
        ride.succeed(type(ride.state.pending[0].effect), "fail")
        seen.append(ride.state)
    id_, _ = ride.pending(kind)
    others = [p for p in ride.state.pending if not isinstance(p.effect, kind)]
    for pending in others:
        ride.tell(answer(pending, ride.state.at, "watch"))
        if kind.__name__ in ride.effects():
            assert ride.pending(kind)[0] == id_


def test_only_what_is_legal_leads_anywhere() -> None:
    assert LEAVES.keys() <= TRANSITIONS.keys()
    assert not [pair for pair, stages in LEAVES.items() if pair[0] in stages or not stages]
    assert all(stage != "closed" for stage, _ in TRANSITIONS)


PAGE = Path(__file__).parents[2] / "docs" / "machine.md"
FENCE = "```mermaid\n"


def drawn() -> str:
    """The stages and what leads from each to each, as the table has it: in Mermaid's words."""
    lines = ["stateDiagram-v2", "    [*] --> new"]
    for before, after in product(STAGES, STAGES):
        facts = [
            names.called(kind).strip("`")
            for (stage, kind), to in LEAVES.items()
            if stage == before and after in to
        ]
        if facts:
            lines.append(f"    {before} --> {after}: {', '.join(facts)}")
    return "\n".join([*lines, "    closed --> [*]", ""])


def test_the_page_shows_the_table() -> None:
    head, _, rest = PAGE.read_text().partition(FENCE)
    if os.environ.get("HEADGATE_GOLDEN") == "write":
        PAGE.write_text(head + FENCE + drawn() + rest[rest.index("```") :])
    assert rest.startswith(drawn())
