"""A unit that is no longer wanted: a fact first, then no traffic and no processes, until that is so."""

import asyncio

import pytest

from headgate.core.home.facts import UnitRetired
from headgate.core.machine.events import ReleaseRequested
from headgate.ledger.projections import fleet_of
from headgate.ports import Temporary
from headgate.ports.controller import Retired, Stopped, Unretirable
from tests.controller.house import ONE, TWO, WEB, Home, play, wish


def test_it_is_recorded_and_nothing_of_it_is_left() -> None:
    async def story() -> None:
        home = Home()
        supervisor = await home.with_one()
        assert await supervisor.retire(WEB, "ada", "web is api now") == Retired(WEB, done=True)
        (event,) = [one.event for one in home.ledger.notes()]
        assert isinstance(event, UnitRetired)
        assert (event.unit, event.release, event.by) == (WEB, "r1", "ada")
        assert (home.house.running, home.house.routing) == ({}, None)
        assert home.house.calls.index("withdraw web") < home.house.calls.index("stop 1")
        assert fleet_of(home.ledger) == {}
        await supervisor.close()

    play(story)


def test_saying_it_again_changes_nothing() -> None:
    async def story() -> None:
        home = Home()
        supervisor = await home.with_one()
        await supervisor.retire(WEB, "ada", "")
        assert (await supervisor.retire(WEB, "ada", "")).done
        assert sum(isinstance(one.event, UnitRetired) for one in home.ledger.notes()) == 1
        await supervisor.close()

    play(story)


def test_what_stands_in_the_way_is_said_and_the_next_word_goes_on() -> None:
    async def story() -> None:
        home = Home()
        supervisor = await home.with_one()
        home.house.does["withdraw"] = [Temporary("the proxy is gone")] * 5
        answer = await supervisor.retire(WEB, "ada", "")
        assert not answer.done
        assert "the proxy is gone" in answer.trouble
        assert home.house.running == {ONE: 1}
        assert (await supervisor.retire(WEB, "ada", "")).done
        assert home.house.running == {}
        await supervisor.close()

    play(story)


def test_while_a_release_moves_it_it_is_not_retired() -> None:
    async def story() -> None:
        home = Home()
        supervisor = await home.with_one()
        release = await supervisor.submit(wish(TWO))
        with pytest.raises(Unretirable, match=f"{release} is moving"):
            await supervisor.retire(WEB, "ada", "")
        assert home.ledger.notes() == []
        await supervisor.close()

    play(story)


def test_what_does_not_run_is_not_retired() -> None:
    async def story() -> None:
        home = Home()
        supervisor = await home.start()
        with pytest.raises(Unretirable, match="nothing of"):
            await supervisor.retire(WEB, "ada", "")
        await supervisor.close()

    play(story)


def test_while_it_is_taken_away_nothing_brings_it_back() -> None:
    async def story() -> None:
        home = Home()
        supervisor = await home.with_one()
        home.house.does["stop"] = ["5"]
        retiring = asyncio.create_task(supervisor.retire(WEB, "ada", ""))
        await asyncio.sleep(1.0)
        with pytest.raises(Stopped, match="is being retired"):
            await supervisor.submit(wish(TWO))
        assert (await retiring).done
        await supervisor.close()

    play(story)


def test_a_later_release_is_a_first_one_and_brings_it_back() -> None:
    async def story() -> None:
        home = Home()
        supervisor = await home.with_one()
        await supervisor.retire(WEB, "ada", "")
        release = await supervisor.submit(wish(ONE))
        await home.until_closed(release)
        assert fleet_of(home.ledger)[WEB].release == release
        assert home.house.running == {ONE: 1}
        (first,) = home.events(release, ReleaseRequested)
        assert isinstance(first, ReleaseRequested)
        assert first.plan.legs[0].change.baseline is None
        await supervisor.close()

    play(story)


def test_what_nobody_finished_taking_away_is_gone_before_it_comes_back() -> None:
    """The controller died between the fact and the act; the next one is asked for another version at once."""

    async def story() -> None:
        home = Home()
        supervisor = await home.with_one()
        home.house.does["withdraw"] = [Temporary("the proxy is gone")] * 5
        assert not (await supervisor.retire(WEB, "ada", "")).done
        await supervisor.close()
        successor = await home.start()
        release = await successor.submit(wish(TWO))
        await home.until_closed(release)
        assert home.house.running == {TWO: 1}
        await successor.close()

    play(story)


def test_what_cannot_be_taken_away_does_not_come_back() -> None:
    async def story() -> None:
        home = Home()
        supervisor = await home.with_one()
        home.house.does["withdraw"] = [Temporary("the proxy is gone")] * 10
        assert not (await supervisor.retire(WEB, "ada", "")).done
        with pytest.raises(Stopped, match="not gone yet"):
            await supervisor.submit(wish(TWO))
        await supervisor.close()

    play(story)
