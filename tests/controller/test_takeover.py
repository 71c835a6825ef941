"""What has happened to a release while no controller was there: asked of the world, and said."""

import asyncio
from collections.abc import Collection
from dataclasses import replace as renew

import pytest
from msgspec.structs import replace

from headgate.controller.lease import MemoryLease
from headgate.controller.supervisor import Supervisor
from headgate.core.home.facts import LedgerReconciled
from headgate.core.machine.events import EffectId, ReleaseAborted, WatchResumed
from headgate.ports import Temporary
from headgate.ports.controller import Stopped
from headgate.ports.retreat import Retreated
from tests.controller.house import TWO, WEB, Home, play, wish


class Word:
    """Retreats as a keeper leaves them."""

    def __init__(self, *kept: Retreated) -> None:
        self.kept = kept

    def read(self) -> tuple[Retreated, ...]:
        return self.kept

    def clear(self, releases: Collection[str]) -> None:
        self.kept = tuple(one for one in self.kept if one.release not in releases)


async def left_alone(home: Home) -> None:
    """Version two has a fifth of the traffic, and the controller is gone."""
    supervisor = await home.with_one()
    await supervisor.submit(wish(TWO))
    await home.until("r2", "baking")
    await supervisor.close()


def taken_back(home: Home) -> None:
    assert home.house.routing is not None
    home.house.routing = replace(home.house.routing, weight=0)


def test_traffic_that_was_taken_back_meanwhile_is_a_way_back_to_be_finished() -> None:
    home = Home()

    async def story() -> None:
        await left_alone(home)
        taken_back(home)
        await home.start()
        await home.until_closed("r2")
        (aborted,) = home.events("r2", ReleaseAborted)
        assert isinstance(aborted, ReleaseAborted)
        assert aborted.by == "headgate"
        assert "its traffic was taken back while this controller was not there" in aborted.reason
        assert TWO not in home.house.running

    play(story)


def test_whoever_took_it_back_has_said_why() -> None:
    home = Home()

    async def story() -> None:
        await left_alone(home)
        assert home.house.routing is not None
        before = home.house.routing
        taken_back(home)
        why = "the controller died 21 times"
        word = Word(Retreated(WEB, "r2", 1000.0, why, EffectId("r2", 5, 9), before, home.house.routing))
        world = renew(home.house.world(), retreats=word)
        supervisor = Supervisor(home.ledger, world, MemoryLease(home.slot), lambda: home.wall)
        await supervisor.start()
        await home.until_closed("r2")
        (aborted,) = home.events("r2", ReleaseAborted)
        assert isinstance(aborted, ReleaseAborted)
        assert aborted.reason == why
        await asyncio.sleep(5.0)
        assert word.kept == ()  # dealt with

    play(story)


def test_a_release_whose_traffic_is_where_it_was_goes_on() -> None:
    home = Home()

    async def story() -> None:
        await left_alone(home)
        await home.start()
        await home.until_closed("r2")
        assert home.events("r2", ReleaseAborted) == []
        assert home.events("r2", WatchResumed) == []  # a restart is no absence

    play(story)


def test_a_clock_that_jumped_over_a_restart_ends_no_bake() -> None:
    home = Home()

    async def story() -> None:
        await left_alone(home)
        home.wall += 3600.0
        began = asyncio.get_running_loop().time()
        await home.start()
        await home.until("r2", "promoted")
        assert asyncio.get_running_loop().time() - began > 1.5  # of a bake of two seconds
        (resumed,) = home.events("r2", WatchResumed)
        assert isinstance(resumed, WatchResumed)
        assert resumed.unwatched_s > 3500.0

    play(story)


def test_a_ledger_from_before_begins_and_carries_on_nothing_until_a_person_has_spoken() -> None:
    """It was restored: what the next release would be called is done already, as somebody else's orders."""
    home = Home()

    async def story() -> None:
        supervisor = await home.with_one()
        await supervisor.close()
        before = len(home.house.calls)
        home.house.applied_effects.append(EffectId("r5", 13, 0))
        supervisor = await home.start()
        trouble = supervisor.health()["trouble"]
        assert isinstance(trouble, dict)
        assert "the proxy has carried out r5.13.0, of which the ledger knows nothing" in trouble["ledger"]
        with pytest.raises(Stopped, match="headgate ledger reconcile"):
            await supervisor.submit(wish(TWO))
        assert len(home.house.calls) == before
        settled = LedgerReconciled(at=home.wall, by="ada", reason="the backup counts", releases=("r5",))
        await home.ledger.note(0, settled)
        name = await supervisor.submit(wish(TWO))
        assert name == "r6"  # no order of it can be taken for one of r5
        await home.until_closed(name)
        assert supervisor.health()["trouble"] == {}

    play(story)


def test_what_was_done_ahead_of_a_ledger_that_could_not_be_written_is_no_older_ledger() -> None:
    home = Home()

    async def story() -> None:
        await left_alone(home)
        taken_back(home)
        home.house.applied_effects.append(EffectId("r2", 999, 0))
        supervisor = await home.start()
        assert supervisor.health()["trouble"] == {}
        await home.until_closed("r2")

    play(story)


def test_a_proxy_that_cannot_be_asked_is_not_held_against_the_ledger() -> None:
    home = Home()

    async def story() -> None:
        await left_alone(home)
        home.house.does["remembered"] = [Temporary("no answer")]
        await home.start()
        await home.until_closed("r2")

    play(story)
