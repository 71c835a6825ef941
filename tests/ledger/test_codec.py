"""Events to bytes and back, today's and yesterday's."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path
from typing import get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.core.machine.events import (
    AnyEvent,
    EffectFailed,
    EffectId,
    Judged,
    ReleasePaused,
    ReleaseRequested,
    RoutingSet,
)
from headgate.core.model import Arm, Listener, ProxyRules, Routing, Sample, Unit, Version
from headgate.ledger import LedgerCorrupt, LedgerTooNew, MemoryLedger, SqliteLedger
from headgate.ledger.codec import (
    Codec,
    Fields,
    decode_sample,
    decode_summary,
    encode_sample,
    encode_summary,
    sample_digest,
)
from headgate.ledger.verify import verify
from headgate.testing.ledger import a_sample, a_summary, judged, paused, write_all

TODAY = Codec()


def renamed(fields: Fields) -> Fields:
    """Version 1 had `who`, version 2 has `by`."""
    return {**{key: value for key, value in fields.items() if key != "who"}, "by": fields["who"]}


def explained(fields: Fields) -> Fields:
    """Version 3 always has a reason."""
    return {**fields, "reason": fields.get("reason") or "none given"}


TOMORROW = Codec({("ReleasePaused", 1): renamed, ("ReleasePaused", 2): explained})


@given(at=st.floats(allow_nan=False, allow_infinity=False), by=st.text(), reason=st.text())
def test_events_come_back(at: float, by: str, reason: str) -> None:
    if any("\ud800" <= character <= "\udfff" for character in by + reason):
        return
    event = ReleasePaused(at=at, by=by, reason=reason)
    version, body = TODAY.encode(event)
    assert TODAY.decode(version, body) == event
    assert b"\n" not in body
    assert TODAY.encode(event) == (version, body)


def test_every_type_of_event_can_be_told_from_the_others() -> None:
    names = [event_type.__name__ for event_type in get_args(AnyEvent)]
    assert len(set(names)) == len(names)
    for event_type in get_args(AnyEvent):
        assert event_type.__struct_config__.tag == event_type.__name__


def test_the_order_of_a_dictionary_does_not_matter() -> None:
    def sample(names: str) -> Sample:
        arm = Arm(instances={name: a_sample(1.0).stable.instances["web-1"] for name in names})  # type: ignore[union-attr]
        return Sample(Unit("p", "e", "s"), 1.0, 1.0, 10, arm, None)

    assert encode_sample(sample("abc")) == encode_sample(sample("cab"))
    assert sample_digest(sample("abc")) != sample_digest(sample("abd"))


def test_old_events_are_brought_up_to_date() -> None:
    first = b'{"type":"ReleasePaused","at":1.0,"who":"ada"}'
    second = b'{"type":"ReleasePaused","at":1.0,"by":"ada","reason":"lunch"}'
    assert TOMORROW.decode(1, first) == ReleasePaused(at=1.0, by="ada", reason="none given")
    assert TOMORROW.decode(2, second) == ReleasePaused(at=1.0, by="ada", reason="lunch")
    assert TOMORROW.encode(ReleasePaused(at=1.0, by="ada", reason="x"))[0] == 3
    assert TOMORROW.encode(EffectFailed(at=1.0, effect=EffectId("r1", 1, 0), reason="x"))[0] == 1


def test_an_event_that_was_given_another_name_is_read() -> None:
    def as_today(fields: Fields) -> Fields:
        return {**fields, "type": "ReleasePaused"}

    codec = Codec({("ReleaseHalted", 1): as_today})
    body = b'{"type":"ReleaseHalted","at":1.0,"by":"ada"}'
    assert codec.decode(1, body) == ReleasePaused(at=1.0, by="ada")


def test_the_bytes_of_old_events_stay_and_verify(tmp_path: Path) -> None:
    before = SqliteLedger(tmp_path / "ledger.db")
    asyncio.run(write_all(before, "r1", 4))
    before.close()
    codec = Codec({("ReleasePaused", 1): explained})
    after = SqliteLedger(tmp_path / "ledger.db", codec=codec)
    asyncio.run(after.append("r1", 4, paused(5), a_summary("r1", 5)))
    assert [record.version for record in after.records()] == [1, 1, 1, 1, 2]
    assert len(after.read("r1")) == 5
    assert verify(after, codec=codec).broken is None
    after.close()
    with pytest.raises(LedgerTooNew, match="ReleasePaused of version 2 was written by a newer Headgate"):
        SqliteLedger(tmp_path / "ledger.db", readonly=True).read("r1")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b'{"at":1.0}',
        b'{"type":"Nonsense","at":1.0}',
        b'{"type":"ReleasePaused","at":"1.0","by":"ada"}',
        b'{"type":"ReleasePaused","at":1.0}',
        b'{"type":"ReleasePaused","at":1.0,"by":7}',
    ],
)
@pytest.mark.parametrize("codec", [TODAY, TOMORROW], ids=["today", "tomorrow"])
def test_what_is_no_event_is_refused(codec: Codec, body: bytes) -> None:
    with pytest.raises(LedgerCorrupt):
        codec.decode(3 if codec is TOMORROW and b"ReleasePaused" in body else 1, body)


def test_a_sample_is_checked_against_its_digest() -> None:
    sample = a_sample(1.0)
    body = encode_sample(sample)
    assert decode_sample(sample_digest(sample), body) == sample
    with pytest.raises(LedgerCorrupt, match="was changed"):
        decode_sample(sample_digest(sample), body.replace(b"100", b"101"))
    endless = msgspec.structs.replace(sample, at=float("nan"))
    with pytest.raises(ValueError, match="shop/production/web"):
        encode_sample(endless)


def test_what_is_refused_leaves_the_twin_as_it_was() -> None:
    ledger = MemoryLedger()
    event: AnyEvent = judged("r1", 1, a_sample(1.0))
    with pytest.raises(ValueError, match="neither given nor stored"):
        asyncio.run(ledger.append("r1", 0, event, a_summary("r1", 1)))
    assert ledger.summaries() == []
    assert verify(ledger).entries == 0


def test_events_from_before_a_field_was_there_mean_what_they_meant() -> None:
    """Old releases were not watched before they were exposed, and had no exact test: so they are folded."""
    effect = {"release": "r1", "sequence": 3, "n": 0}
    verdict = {"kind": "watch", "reason": "."}
    old = {"type": "Judged", "at": 1.0, "effect": effect, "verdict": verdict, "sample": ""}
    judged_then = TODAY.decode(1, msgspec.json.encode(old))
    assert isinstance(judged_then, Judged)
    assert not judged_then.deadline
    unit = {"project": "p", "environment": "e", "service": "s"}
    version = {"unit": unit, "artifact": "a", "configuration": "c"}
    drawn = {
        "unit": unit, "candidate": version, "baseline": version, "listener": {"port": 1}, "judge": {},
        "steps": [{"type": "prepare", "instances": 1}, {"type": "promote"}],
    }  # fmt: skip
    plan = {"legs": [drawn]}
    asked = {
        "type": "ReleaseRequested",
        "at": 0.0,
        "release": "r1",
        "intents": [],
        "plan": plan,
        "author": "ada",
    }
    requested = TODAY.decode(1, msgspec.json.encode(asked))
    assert isinstance(requested, ReleaseRequested)
    (then,) = requested.plan.legs
    assert (then.learn, then.judge.external, then.judge.deadline_share) == (False, False, 0.0)
    assert (then.change.fresh, then.change.candidate.fresh) == (None, False)
    assert then.change.size_before == then.change.instances


def test_summaries_from_before_sizes_were_in_them_do_not_know_them() -> None:
    summary = a_summary("r1", 1)
    old = encode_summary(summary).replace(b',"instances":0', b"")
    assert old != encode_summary(summary)
    assert decode_summary(old) == summary


def test_a_version_is_written_as_it_was_before_there_were_fresh_ones() -> None:
    unit = Unit("p", "e", "s")
    plain = b'{"unit":{"project":"p","environment":"e","service":"s"},"artifact":"a","configuration":"c"}'
    assert msgspec.json.encode(Version(unit, "a", "c")) == plain
    fresh = Version(unit, "a", "c", fresh=True)
    assert msgspec.json.decode(msgspec.json.encode(fresh), type=Version) == fresh


def test_old_samples_and_routings_have_no_fresh_baseline() -> None:
    sample = a_sample(1.0)
    fields = msgspec.json.decode(encode_sample(sample), type=Fields)
    old = msgspec.json.encode({key: value for key, value in fields.items() if not key.startswith("fresh")})
    assert decode_sample(hashlib.sha256(old).hexdigest(), old) == sample
    set_then = RoutingSet(
        at=1.0, effect=EffectId("r1", 3, 0), routing=Routing(Unit("p", "e", "s"), Listener(1), None)
    )
    fields = msgspec.json.decode(TODAY.encode(set_then)[1], type=Fields)
    assert TODAY.decode(1, msgspec.json.encode(fields).replace(b',"fresh":null', b"")) == set_then


def test_old_listeners_have_the_proxys_rules_by_default() -> None:
    set_then = RoutingSet(
        at=1.0, effect=EffectId("r1", 3, 0), routing=Routing(Unit("p", "e", "s"), Listener(1), None)
    )
    body = TODAY.encode(set_then)[1]
    rules = b',"proxy":' + msgspec.json.encode(ProxyRules())
    assert rules in body
    assert TODAY.decode(1, body.replace(rules, b"")) == set_then
