"""Two controllers on one ledger: exactly one acts, and whoever holds the lease reads anew what the other one wrote."""

import asyncio
from collections.abc import Callable

import pytest
from msgspec.structs import replace

from headgate.controller.intake import request
from headgate.controller.lease import LeaseTaken, MemoryLease
from headgate.controller.recover import recover
from headgate.controller.supervisor import Means, Supervisor
from headgate.core.machine.asking import initial
from headgate.core.machine.events import ReleasePaused, ReleaseRequested, ReleaseResumed
from headgate.core.machine.step import step
from headgate.core.story.view import summarise
from headgate.ledger import Entry, Ledger, MemoryLedger
from headgate.ledger.verify import verify
from headgate.ports.controller import Stopped
from tests.controller.house import ONE, THREE, TWO, Home, T, play, wish


def test_a_second_controller_does_not_start() -> None:
    async def story() -> None:
        home = Home()
        supervisor = await home.start()
        second = home.controller()
        with pytest.raises(LeaseTaken):
            await second.start()
        await second.close()
        with pytest.raises(Stopped):
            await second.submit(wish(ONE))
        await supervisor.close()
        await second.start()
        await second.close()

    play(story)


@pytest.mark.parametrize("seed", range(10))
def test_of_two_controllers_on_one_ledger_exactly_one_acts(seed: int) -> None:
    async def story() -> None:
        home = Home()
        first = await home.with_one()
        name = await first.submit(wish(TWO))
        await asyncio.sleep(seed * 0.5)
        home.slot.clear()
        second = await home.start()
        await asyncio.sleep(3.0)
        assert first.open_releases() == ()
        assert "lost its lease" in str(first.health()["trouble"])
        with pytest.raises(Stopped):
            await first.submit(wish(THREE))
        await home.until_closed(name)
        assert home.phase(name) == "promoted"
        acts = [call for call in home.house.calls if call.startswith(("apply", "stop"))]
        assert len(acts) <= 5
        assert isinstance(home.ledger, MemoryLedger)
        assert verify(home.ledger).broken is None
        await first.close()
        await second.close()

    play(story, seed)


def test_who_holds_the_lease_reads_anew_what_somebody_else_wrote() -> None:
    async def story() -> None:
        home = Home()
        supervisor = await home.with_one()
        name = await supervisor.submit(wish(TWO))
        await home.until(name, "baking")
        actor = supervisor.actor(name)
        assert actor is not None
        await _intrude(home, name)
        with pytest.raises(Stopped):
            await actor.tell(ReleasePaused(at=0.0, by="ada"))
        await asyncio.sleep(0.1)
        assert supervisor.open_releases() == (name,)
        fresh = supervisor.actor(name)
        assert fresh is not None
        assert fresh is not actor
        assert fresh.state.paused
        await supervisor.tell(name, ReleaseResumed(at=0.0, by="ada"))
        await home.until_closed(name)
        await supervisor.close()

    play(story)


def test_a_release_that_another_controller_began_meanwhile_is_waited_for() -> None:
    """The last words of a controller that lost its lease come between the look at the ledger and the first entry."""

    async def story() -> None:
        home = Home()
        first = await home.with_one()
        await first.close()
        late = [request(wish(TWO), home.ledger, home.wall)]

        async def aside(work: Callable[[Ledger], T]) -> T:
            found = work(home.ledger)
            while late:
                await _begin(home, late.pop())
            return found

        lease, means = MemoryLease(home.slot), Means(spool=home.spool, aside=aside)
        second = Supervisor(home.ledger, home.house.world(), lease, lambda: home.wall, means)
        await second.start()
        name = await second.submit(wish(THREE, concurrency="queue"))
        asked = second.request(name)
        assert asked is not None
        assert (name, asked.behind) == ("r3", "r2")
        await home.until_closed("r2", "r3")
        await second.close()

    play(story)


async def _begin(home: Home, asked: ReleaseRequested) -> None:
    state, _ = step(initial(asked.release, asked.plan), replace(asked, at=home.wall), asked.plan)
    await home.ledger.append(asked.release, 0, asked, summarise(state, asked.plan, asked))


async def _intrude(home: Home, name: str) -> Entry:
    """Somebody else pauses the release, in the ledger alone."""
    release = recover(home.ledger.read(name), home.house.world(), home.ledger.sample)
    event = ReleasePaused(at=release.state.at, by="intruder")
    state, _ = step(release.state, event, release.plan)
    summary = summarise(state, release.plan, release.request)
    return await home.ledger.append(name, release.state.sequence, event, summary)
