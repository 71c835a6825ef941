"""Many releases, one controller at a time: refuse, queue, supersede, restart, and who holds the lease."""

import asyncio

import pytest

from headgate.controller.recover import recover
from headgate.core.machine.events import (
    AnyEvent,
    Judged,
    ReleaseAborted,
    ReleasePaused,
    ReleaseRequested,
    ReleaseResumed,
)
from headgate.core.machine.plan import ConcurrencyPolicy
from headgate.lab.simulation.loop import Life, context_of
from headgate.ledger import LedgerCorrupt, MemoryLedger
from tests.controller.house import ONE, THREE, TWO, Home, play, wait_for, wish


def author(event: AnyEvent) -> str:
    return event.by if isinstance(event, ReleaseAborted) else ""


# --- one release at a time --------------------------------------------------------------------------------------------


def test_another_release_is_refused() -> None:
    async def story() -> None:
        home = Home()
        supervisor = await home.with_one()
        await supervisor.submit(wish(TWO))
        refused = await supervisor.submit(wish(THREE))
        summary = home.ledger.summary(refused)
        assert summary is not None
        assert (summary.outcome, summary.closed) == ("refused", True)
        assert summary.reason == "one release at a time: r2 is moving shop/production/web"
        await supervisor.close()

    play(story)


def test_another_release_queues_and_starts_from_what_then_runs() -> None:
    async def story() -> None:
        home = Home()
        supervisor = await home.with_one()
        first = await supervisor.submit(wish(TWO, concurrency="queue"))
        second = await supervisor.submit(wish(THREE, concurrency="queue"))
        assert home.phase(second) == "queued"
        request = home.events(second, ReleaseRequested)[0]
        assert isinstance(request, ReleaseRequested)
        assert request.behind == first
        await home.until_closed(first, second)
        summary = home.ledger.summary(second)
        assert summary is not None
        assert (summary.moves[0].before, summary.outcome) == (TWO, "promoted")
        assert home.house.running == {THREE: 1}
        await supervisor.close()

    play(story)


def test_what_was_rolled_back_while_it_waited_is_refused_when_its_turn_comes() -> None:
    async def story() -> None:
        home = Home()
        home.house.failing[TWO] = 0.5
        supervisor = await home.with_one()
        await supervisor.submit(wish(TWO, concurrency="queue"))
        again = await supervisor.submit(wish(TWO, concurrency="queue"))
        reasoned = await supervisor.submit(wish(TWO, concurrency="queue", retry="by mistake"))
        await home.until_closed(again, reasoned)
        assert home.phase(again) == "refused"
        assert home.phase(reasoned) == "rolled back"
        await supervisor.close()

    play(story)


def test_what_already_runs_when_its_turn_comes_is_refused() -> None:
    async def story() -> None:
        home = Home()
        supervisor = await home.with_one()
        await supervisor.submit(wish(TWO, concurrency="queue"))
        again = await supervisor.submit(wish(TWO, concurrency="queue"))
        await home.until_closed(again)
        assert home.phase(again) == "refused"
        await supervisor.close()

    play(story)


def test_a_newer_release_supersedes_all_before_it() -> None:
    async def story() -> None:
        home = Home()
        supervisor = await home.with_one()
        first = await supervisor.submit(wish(TWO, concurrency="supersede"))
        await home.until(first, "baking")
        waiting = await supervisor.submit(wish(TWO, concurrency="queue"))
        newest = await supervisor.submit(wish(THREE, concurrency="supersede"))
        await home.until_closed(first, waiting, newest)
        assert [home.phase(name) for name in (first, waiting, newest)] == ["aborted", "aborted", "promoted"]
        assert author(home.events(first, ReleaseAborted)[0]) == "headgate"
        await supervisor.close()

    play(story)


@pytest.mark.parametrize("concurrency", ["queue", "supersede"])
def test_queue_and_supersede_survive_a_restart(concurrency: ConcurrencyPolicy) -> None:
    async def story() -> None:
        home = Home()
        supervisor = await home.with_one()
        first = await supervisor.submit(wish(TWO, concurrency="queue"))
        await home.until(first, "baking")
        await supervisor.tell(first, ReleasePaused(at=0.0, by="ada"))
        life = Life()
        home.slot.clear()
        asyncio.get_running_loop().create_task(
            _submit_and_die(home, concurrency, life), context=context_of(life)
        )
        await asyncio.sleep(1.0)
        await supervisor.close()
        home.slot.clear()
        again = await home.start()
        if concurrency == "queue":
            await again.tell(first, ReleaseResumed(at=0.0, by="ada"))
        await home.until_closed(first, "r3")
        assert home.phase(first) == ("promoted" if concurrency == "queue" else "aborted")
        assert home.phase("r3") == "promoted"
        await again.close()

    play(story)


async def _submit_and_die(home: Home, concurrency: ConcurrencyPolicy, life: Life) -> None:
    """A controller that dies right after it has written the request."""
    supervisor = await home.start()
    await supervisor.submit(wish(THREE, concurrency=concurrency))
    life.alive = False


# --- a version that two releases mean ---------------------------------------------------------------------------------


def test_going_back_to_what_is_still_warm_keeps_it_running() -> None:
    async def story() -> None:
        home = Home()
        supervisor = await home.with_one()
        forward = await supervisor.submit(wish(TWO))
        await home.until(forward, "promoted")
        back = await supervisor.submit(wish(ONE, rollback_to="r1"))
        await home.until_closed(forward, back)
        assert home.house.routing is not None
        assert (home.house.routing.stable, home.house.running) == (ONE, {ONE: 1})
        assert "stop 1" not in home.house.calls
        await supervisor.close()

    play(story)


def test_going_back_while_the_old_version_is_being_stopped_starts_it_again() -> None:
    async def story() -> None:
        home = Home()
        supervisor = await home.with_one()
        forward = await supervisor.submit(wish(TWO))
        await home.until(forward, "promoted")
        home.house.does["stop"] = ["3"]
        await wait_for(lambda: "stop 1" in home.house.calls)
        back = await supervisor.submit(wish(ONE, rollback_to="r1"))
        await home.until_closed(forward, back)
        assert home.house.running == {ONE: 1}
        await supervisor.close()

    play(story)


# --- restart ----------------------------------------------------------------------------------------------------------


def test_a_release_carries_on_after_every_single_event() -> None:
    """The controller is closed after each event in turn, and another one carries on, to the same end."""
    for number in range(1, 14):

        async def story(number: int = number) -> None:
            home = Home()
            supervisor = await home.with_one()
            name = await supervisor.submit(wish(TWO))
            await wait_for(lambda: len(home.ledger.read(name)) >= number)
            await supervisor.close()
            calls = list(home.house.calls)
            await asyncio.sleep(3.0)
            assert home.house.calls == calls
            again = await home.start()
            await home.until_closed(name)
            assert home.house.running == {TWO: 1}
            assert home.phase(name) == "promoted"
            await again.close()

        play(story)


def test_a_clock_that_steps_back_does_not_make_time_run_backwards() -> None:
    async def story() -> None:
        home = Home()
        supervisor = await home.with_one()
        name = await supervisor.submit(wish(TWO))
        await home.until(name, "baking")
        await supervisor.close()
        home.wall -= 86_400.0
        again = await home.start()
        await home.until_closed(name)
        times = [entry.event.at for entry in home.ledger.read(name)]
        assert times == sorted(times)
        assert home.phase(name) == "promoted"
        await again.close()

    play(story)


def test_what_is_recovered_is_what_was() -> None:
    async def story() -> None:
        home = Home()
        supervisor = await home.with_one()
        name = await supervisor.submit(wish(TWO))
        await wait_for(lambda: len(home.events(name, Judged)) >= 3)
        actor = supervisor.actor(name)
        assert actor is not None
        release = recover(home.ledger.read(name), home.house.world(), home.ledger.sample)
        assert (release.state, release.plan, release.request) == (actor.state, actor.plan, actor.request)
        mine, theirs = vars(release.watchers[0]), vars(actor._release.watchers[0])
        assert (mine["_judge"], mine["_readings"]) == (theirs["_judge"], theirs["_readings"])
        await supervisor.close()

    play(story)


def test_entries_that_make_no_sense_are_said_to() -> None:
    async def story() -> None:
        home = Home()
        supervisor = await home.with_one()
        await supervisor.close()
        entries = home.ledger.read("r1")
        world = home.house.world()
        with pytest.raises(LedgerCorrupt, match="does not begin with a request"):
            recover([], world, home.ledger.sample)
        with pytest.raises(LedgerCorrupt, match="r1 does not begin with a request"):
            recover(entries[1:], world, home.ledger.sample)
        with pytest.raises(LedgerCorrupt, match="entry 4 of r1 does not follow"):
            recover([*entries[:2], *entries[3:]], world, home.ledger.sample)

    play(story)


def test_a_name_that_somebody_else_takes_first_is_not_taken_twice() -> None:
    class Racing(MemoryLedger):
        names = 0

        def next_release(self) -> str:
            self.names += 1
            return "r1" if self.names == 2 else super().next_release()

    async def story() -> None:
        home = Home(ledger=Racing())
        supervisor = await home.with_one()
        assert await supervisor.submit(wish(TWO)) == "r2"
        await home.until_closed("r2")
        await supervisor.close()

    play(story)
