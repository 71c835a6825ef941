"""Entries whose criteria had a field for each kind: `old/*_1.json`, as they were written then."""

from __future__ import annotations

import json
from pathlib import Path

from headgate.core.machine.events import ReleaseDequeued, ReleaseRequested
from headgate.core.model.criteria import ErrorRatio, JudgeSpec, Latency, MeanCriterion
from headgate.ledger.codec import CODEC

OLD = Path(__file__).parent / "old"
FULL = (
    ErrorRatio(1.25, 0.01, 2.0),
    Latency(0.99, 500.0, 1.5),
    Latency(0.5, None, 1.2),
    MeanCriterion("orders", limit=0.9),
    MeanCriterion("refunds", higher_is_better=False),
)


def test_a_request_of_version_1_is_read() -> None:
    event = CODEC.decode(1, (OLD / "release_requested_1.json").read_bytes())
    assert isinstance(event, ReleaseRequested)
    assert [intent.judge for intent in event.intents] == [JudgeSpec(FULL, external=True), JudgeSpec(())]
    assert [leg.judge.criteria for leg in event.plan.legs] == [FULL, ()]
    assert event.plan.legs[0].judge.ahead == ((2, 100),)
    assert CODEC.decode(*CODEC.encode(event)) == event


def test_a_dequeued_release_of_version_1_is_read() -> None:
    event = CODEC.decode(1, (OLD / "release_dequeued_1.json").read_bytes())
    assert isinstance(event, ReleaseDequeued)
    assert [leg.judge.criteria for leg in event.plan.legs] == [FULL, ()]
    assert CODEC.encode(event)[0] == 2


def test_what_was_left_out_is_as_it_was_by_default() -> None:
    fields = json.loads((OLD / "release_dequeued_1.json").read_bytes())
    del fields["plan"]["legs"][1:]
    fields["plan"]["legs"][0]["judge"] = {"alpha": 0.02}
    event = CODEC.decode(1, json.dumps(fields).encode())
    assert isinstance(event, ReleaseDequeued)
    assert event.plan.legs[0].judge == JudgeSpec((ErrorRatio(), Latency()), alpha=0.02)
