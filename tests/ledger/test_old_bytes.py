"""What earlier versions of Headgate have written is read as it was meant."""

from pathlib import Path

from headgate.core.events import EffectFailed, ReleaseRequested, RoutingSet
from headgate.ledger.codec import CODEC

OLD = Path(__file__).parent / "old"


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
