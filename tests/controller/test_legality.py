"""A release that cannot be undone: frozen, taken over by its fix, and kept from every way back, through restarts."""

import pytest
from msgspec.structs import replace

from headgate.controller.supervisor import Supervisor
from headgate.core.home.facts import BarrierLifted
from headgate.core.machine.events import (
    EffectId,
    PromotionForced,
    ReleaseAborted,
    ReleaseRequested,
    ReleaseResumed,
    ReleaseTakenOver,
    WayBackOpened,
)
from headgate.core.machine.names import Illegal
from headgate.core.machine.steps import Expose
from headgate.core.model import OneWay, Routing, Version
from headgate.core.release.admission import Words
from headgate.core.release.submission import Submission
from headgate.ledger.going_back import NoWay, way_before
from headgate.ports import Permanent
from tests.controller.house import ONE, THREE, TWO, WEB, Home, House, play, wait_for, wish

REASON = "the queue's format is new"
AT_20 = OneWay(REASON, 20)
FOUR = replace(THREE, artifact="4" * 64)
BAD = 0.5
"""So large a share of a bad version's requests fails."""


def one_way(version: Version, declared: OneWay = AT_20) -> Submission:
    """Outside of production nobody is asked before the step."""
    plain = wish(version)
    intents = tuple(replace(one, one_way=declared) for one in plain.intents)
    return replace(plain, intents=intents, policies=replace(plain.policies, production=False))


class Watched(House):
    """A house that remembers every routing."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[Routing] = []

    async def apply(self, effect: EffectId, routing: Routing) -> None:
        await super().apply(effect, routing)
        self.seen.append(routing)


async def frozen(home: Home) -> Supervisor:
    """TWO is frozen at 20%, as r2."""
    supervisor = await home.with_one()
    home.house.failing[TWO] = BAD
    assert await supervisor.submit(one_way(TWO)) == "r2"
    await home.until("r2", "held")
    return supervisor


def never_back(seen: list[Routing], newer: set[Version]) -> bool:
    """Whether the share of what is newer than the barrier never falls."""
    shares = [100 if one.stable in newer else one.weight if one.canary in newer else 0 for one in seen]
    return shares == sorted(shares)


# --- frozen, and forward from there -----------------------------------------------------------------------------------


def test_it_is_frozen_at_its_weight_and_says_why() -> None:
    async def story() -> None:
        home = Home()
        supervisor = await frozen(home)
        summary = home.ledger.summary("r2")
        assert summary is not None
        assert summary.reason.endswith(f"going back to before r2 is illegal: {REASON}")
        assert (summary.moves[0].weight, [one.oldest for one in summary.moves[0].barred]) == (20, [TWO])
        assert home.house.routing is not None
        assert (home.house.routing.weight, home.house.routing.one_way) == (20, True)
        with pytest.raises(Illegal, match="is illegal"):
            await supervisor.tell("r2", ReleaseAborted(at=0.0, by="ada"))
        await supervisor.close()

    play(story)


def test_its_fix_takes_its_traffic_over_and_is_promoted() -> None:
    async def story() -> None:
        home = Home(Watched())
        supervisor = await frozen(home)
        assert await supervisor.submit(one_way(THREE)) == "r3"
        await home.until_closed("r2", "r3")
        old, new = home.ledger.summary("r2"), home.ledger.summary("r3")
        assert old is not None
        assert new is not None
        assert (old.outcome, old.reason.startswith("taken over by r3")) == ("aborted", True)
        assert (new.outcome, new.moves[0].before, new.moves[0].takes_over) == ("promoted", ONE, "r2")
        assert home.house.running == {THREE: 1}
        assert isinstance(home.house, Watched)
        assert never_back(home.house.seen, {TWO, THREE})
        (request,) = home.events("r3", ReleaseRequested)
        assert isinstance(request, ReleaseRequested)
        assert any("was meant for r2" in one.evidence for one in request.objections)
        weights = [step.weight for step in request.plan.legs[0].steps if isinstance(step, Expose)]
        assert weights == [20, 100]
        await supervisor.close()

    play(story)


@pytest.mark.parametrize("events", [1, 2, 3, 4, 5, 6, 8])
def test_a_restart_in_the_middle_changes_nothing(events: int) -> None:
    async def story() -> None:
        home = Home(Watched())
        supervisor = await frozen(home)
        await supervisor.submit(wish(THREE))
        await wait_for(lambda: len(home.events("r3")) >= events)
        await supervisor.close()
        supervisor = await home.start()
        await home.until_closed("r2", "r3")
        new = home.ledger.summary("r3")
        assert new is not None
        assert new.outcome == "promoted"
        assert len(home.events("r2", ReleaseTakenOver)) == 1
        assert isinstance(home.house, Watched)
        assert never_back(home.house.seen, {TWO, THREE})
        await supervisor.close()

    play(story)


def test_a_fix_that_fails_before_its_first_user_leaves_it_frozen() -> None:
    async def story() -> None:
        home = Home()
        supervisor = await frozen(home)
        home.house.does["prepare"] = [Permanent("no room")]
        await supervisor.submit(wish(THREE))
        await home.until_closed("r3")
        new = home.ledger.summary("r3")
        assert new is not None
        assert (new.outcome, home.phase("r2")) == ("rolled_back", "held")
        assert home.house.routing is not None
        assert (home.house.routing.canary, home.house.routing.weight) == (TWO, 20)
        await supervisor.close()

    play(story)


def test_a_fix_that_fails_as_well_is_frozen_in_its_turn_and_taken_over() -> None:
    async def story() -> None:
        home = Home(Watched())
        supervisor = await frozen(home)
        home.house.failing[THREE] = BAD
        await supervisor.submit(wish(THREE))
        await home.until_closed("r2")
        await home.until("r3", "held")
        await supervisor.submit(wish(FOUR))
        await home.until_closed("r3", "r4")
        assert home.house.running == {FOUR: 1}
        assert isinstance(home.house, Watched)
        assert never_back(home.house.seen, {TWO, THREE, FOUR})
        await supervisor.close()

    play(story)


def test_who_queued_before_it_froze_waits_for_the_fix_and_is_refused_when_that_is_promoted() -> None:
    async def story() -> None:
        home = Home()
        supervisor = await home.with_one()
        home.house.failing[TWO] = BAD
        await supervisor.submit(one_way(TWO))
        waiting = await supervisor.submit(wish(FOUR, concurrency="queue"))
        await home.until("r2", "held")
        fix = await supervisor.submit(wish(THREE))
        await home.until_closed("r2", waiting, fix)
        queued, taken = home.ledger.summary(waiting), home.ledger.summary(fix)
        assert queued is not None
        assert taken is not None
        assert (taken.outcome, queued.outcome) == ("promoted", "refused")
        assert f"{fix} was asked for later" in queued.reason
        assert home.house.running == {THREE: 1}
        await supervisor.close()

    play(story)


def test_while_it_is_taken_over_nobody_else_moves_it() -> None:
    async def story() -> None:
        home = Home()
        supervisor = await frozen(home)
        home.house.does["prepare"] = ["3"]
        await supervisor.submit(wish(THREE))
        await home.until("r3", "preparing")
        for word in (
            ReleaseResumed(at=0.0, by="ada"),
            PromotionForced(at=0.0, by="ada", reason="I know better"),
            WayBackOpened(at=0.0, by="ada", reason="the old format works"),
        ):
            with pytest.raises(Illegal, match="r3 is taking r2 over"):
                await supervisor.tell("r2", word)
        await home.until_closed("r2", "r3")
        await supervisor.close()

    play(story)


def test_the_same_version_once_more_and_one_that_ran_before_do_not_take_it_over() -> None:
    async def story() -> None:
        home = Home()
        supervisor = await frozen(home)
        same = home.ledger.summary(await supervisor.submit(one_way(TWO)))
        older = home.ledger.summary(await supervisor.submit(wish(ONE)))
        assert same is not None
        assert older is not None
        assert "r2 is moving" in same.reason
        assert "is from before r2" in older.reason
        await supervisor.close()

    play(story)


def test_a_person_lifts_the_barrier_of_a_frozen_release_and_takes_it_back() -> None:
    async def story() -> None:
        home = Home()
        supervisor = await frozen(home)
        await supervisor.tell("r2", WayBackOpened(at=0.0, by="ada", reason="the old format works again"))
        await supervisor.tell("r2", ReleaseAborted(at=0.0, by="ada"))
        await home.until_closed("r2")
        assert home.house.running == {ONE: 1}
        await supervisor.submit(one_way(THREE, OneWay(REASON)))
        request = home.events("r3", ReleaseRequested)[0]
        assert isinstance(request, ReleaseRequested)
        assert request.plan.legs[0].one_way, "the change is made anew, and is one-way anew"
        await home.until_closed("r3")
        await supervisor.close()

    play(story)


# --- after its end ----------------------------------------------------------------------------------------------------


async def behind_a_barrier(home: Home) -> Supervisor:
    """TWO is promoted, as r2, and there is no way back from it."""
    supervisor = await home.with_one()
    await supervisor.submit(one_way(TWO, OneWay(REASON)))
    await home.until_closed("r2")
    return supervisor


def test_after_a_promotion_and_a_restart_no_door_leads_back() -> None:
    async def story() -> None:
        home = Home()
        await (await behind_a_barrier(home)).close()
        supervisor = await home.start()
        promoted = home.ledger.summary("r2")
        assert promoted is not None
        with pytest.raises(NoWay, match=f"going back to before r2 is illegal: {REASON}"):
            way_before(home.ledger, promoted)
        back = home.ledger.summary(await supervisor.submit(wish(ONE, rollback_to="r1")))
        older = home.ledger.summary(await supervisor.submit(wish(ONE)))
        assert [one and one.outcome for one in (back, older)] == ["refused", "refused"]
        glass = replace(wish(ONE, rollback_to="r1"), words=Words(break_glass="a person ordered it"))
        ordered = home.ledger.summary(await supervisor.submit(glass))
        assert ordered is not None
        assert ordered.outcome == "refused", "what excuses a switch at once excuses no barrier"
        await supervisor.close()

    play(story)


def test_the_glass_opens_one_deploy_and_a_lifted_barrier_every_way_back() -> None:
    async def story() -> None:
        home = Home()
        supervisor = await behind_a_barrier(home)
        promoted = home.ledger.summary("r2")
        assert promoted is not None
        note = BarrierLifted(at=1.0, by="ada", unit=WEB, release="r2", reason="both formats work")
        await home.ledger.note(0, note)
        way = way_before(home.ledger, promoted)
        back = await supervisor.submit(way.submission("ada", "prices"))
        await home.until_closed(back)
        summary = home.ledger.summary(back)
        assert summary is not None
        assert summary.outcome == "promoted"
        await supervisor.close()

    play(story)


def test_a_deploy_across_it_takes_the_broken_glass() -> None:
    async def story() -> None:
        home = Home()
        supervisor = await behind_a_barrier(home)
        asked = replace(wish(ONE), words=Words(break_glass="a fire"))
        back = await supervisor.submit(asked)
        await home.until_closed(back)
        summary = home.ledger.summary(back)
        assert summary is not None
        assert summary.outcome == "promoted"
        await supervisor.close()

    play(story)


def test_a_later_release_of_the_same_file_is_not_one_way_and_comes_back_to_what_is_newer() -> None:
    async def story() -> None:
        home = Home()
        supervisor = await behind_a_barrier(home)
        home.house.failing[THREE] = BAD
        await supervisor.submit(one_way(THREE, OneWay(REASON)))
        await home.until_closed("r3")
        new = home.ledger.summary("r3")
        assert new is not None
        assert (new.outcome, new.moves[0].barred) == ("rolled_back", ())
        assert home.house.running == {TWO: 1}
        await supervisor.close()

    play(story)
