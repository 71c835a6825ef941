"""Events as earlier versions wrote them: every byte is read, and means what it meant."""

from __future__ import annotations

from pathlib import Path

import msgspec

from headgate.core.home.facts import AnyHomeEvent
from headgate.core.machine.asking import initial
from headgate.core.machine.events import EffectFailed, ReleaseDequeued, ReleaseRequested, RoutingSet
from headgate.core.machine.step import step
from headgate.core.model import ServiceChange
from headgate.ledger.codec import CODEC

OLD = Path(__file__).parent / "old"


def old(name: str) -> bytes:
    return (OLD / f"{name}.json").read_bytes().strip()


def test_a_plan_from_before_legs_had_changes_means_what_it_meant() -> None:
    for name, kind in (("release-requested-1", ReleaseRequested), ("release-dequeued-1", ReleaseDequeued)):
        body = old(name)
        event = CODEC.decode(1, body)
        assert isinstance(event, kind)
        as_written = msgspec.json.decode(body)["plan"]["legs"]
        for leg, before in zip(event.plan.legs, as_written, strict=True):
            now = msgspec.json.decode(msgspec.json.encode(leg))
            merged = now.pop("change") | now
            assert merged.pop("type") == "service"
            after, reason = before.pop("one_way_after"), before.pop("one_way_reason")
            steps = [(one["step"], one["reason"]) for one in merged["one_way"]]
            assert steps == ([] if after is None else [(after + 1, reason)])
            assert before.pop("judge") != merged["judge"], "see `test_old_criteria`"
            shared = {field: merged[field] for field in before}
            for one in shared["steps"]:
                one.pop("one_way", None)
            assert shared == before


def test_what_was_read_is_written_anew_as_it_is_now() -> None:
    event = CODEC.decode(1, old("release-requested-1"))
    version, body = CODEC.encode(event)
    assert version > 1
    assert CODEC.decode(version, body) == event
    assert isinstance(event, ReleaseRequested)
    assert all(isinstance(leg.change, ServiceChange) for leg in event.plan.legs)


def test_before_a_leg_had_several_one_way_steps_it_could_be_undone() -> None:
    """Nothing but tests had ever set `one_way_after`, so nothing is lost with it."""
    request, routed, failed = (
        CODEC.decode(1, line) for line in (OLD / "before_one_way.jsonl").read_bytes().splitlines()
    )
    assert isinstance(request, ReleaseRequested)
    assert isinstance(routed, RoutingSet)
    assert isinstance(failed, EffectFailed)
    assert (request.plan.legs[0].one_way, request.plan.legs[0].takes_over) == ((), "")
    assert request.intents[0].one_way is None
    assert not routed.routing.one_way
    assert not failed.not_applied


def test_a_way_back_that_went_leg_by_leg_is_folded_as_it_was_written() -> None:
    """Two legs: the first one's users waited for the second one's proof, which failed once."""
    lines = [line.split(b" ", 1) for line in (OLD / "two_legs_back.jsonl").read_bytes().splitlines()]
    request, *events = (CODEC.decode(int(version), body) for version, body in lines)
    assert isinstance(request, ReleaseRequested)
    assert not request.plan.users_first
    state, _ = step(initial(request.release, request.plan), request, request.plan)
    for event in events:
        assert not isinstance(event, AnyHomeEvent)
        state, _ = step(state, event, request.plan)
    assert (state.stage, state.outcome, state.sequence) == ("closed", "rolled_back", len(lines))
