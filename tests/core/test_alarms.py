"""How often the judge would have failed stable against itself."""

import pytest
from msgspec.structs import replace

from headgate.core.machine.effects import Observe
from headgate.core.machine.events import Judged
from headgate.core.model.summary import Move, Outcome, Placebo, Summary
from headgate.core.story.view import alarms, summarise
from tests.core.ride import API, NEW, OLD, WEB, Ride, leg, plan_of, request, verdict_of


def ended(evidence: float | None, outcome: Outcome | None = "promoted", needed: float = 100.0) -> Summary:
    placebo = Placebo(evidence, needed) if evidence is not None else None
    ride = Ride().to_exposed()
    told = summarise(ride.state, ride.plan, request(ride.plan))
    return replace(told, moves=(Move(WEB, OLD, NEW, placebo=placebo),), outcome=outcome)


def test_a_release_that_compared_nothing_is_not_counted() -> None:
    assert alarms([ended(None), ended(200.0, outcome=None)], WEB) is None
    assert alarms([ended(200.0)], API) is None


def test_the_rate_and_what_was_promised() -> None:
    found = alarms([ended(1.0), ended(99.0), ended(100.0), ended(None), ended(5.0, needed=400.0)], WEB)
    assert found is not None
    assert (found.releases, found.false, found.rate) == (4, 1, 0.25)
    assert found.promised == pytest.approx((3 * 0.01 + 0.0025) / 4)


@pytest.mark.parametrize(("instances", "expected"), [(2, Placebo(40.0, 400.0)), (1, None)])
def test_a_summary_has_the_most_that_was_seen(instances: int, expected: Placebo | None) -> None:
    spec = replace(leg().judge, retry=1)
    ride = Ride(plan_of(replace(leg(instances=instances), judge=spec, learn=True))).to_exposed()
    for placebo in (3.0, 40.0, 1.0):
        id_, look = ride.pending(Observe)
        verdict = replace(verdict_of("watch"), placebo=placebo)
        ride.tell(Judged(at=look.due_at, effect=id_, verdict=verdict, sample=""))
    told = summarise(ride.state, ride.plan, request(ride.plan))
    assert told.moves[0].placebo == expected
