"""What the ledger says runs is compared with what runs; what is safe is mended, and the rest is said."""

import asyncio

from headgate.controller.lease import MemoryLease
from headgate.controller.reconcile import PATIENCE_ROUNDS, ROUND_S
from headgate.controller.supervisor import Means, Supervisor
from headgate.core.model import Version
from headgate.ports import Instance, Temporary
from tests.controller.house import ONE, TWO, Home, House, play, wait_for, wish


class Leaky(House):
    """A house in which instances can be there and not be ready."""

    unready: int = 0

    async def inspect(self, version: Version) -> tuple[Instance, ...]:
        found = await super().inspect(version)
        return tuple(
            Instance(one.name, one.address, ready=n >= self.unready, restarts=0 if n >= self.unready else 14)
            for n, one in enumerate(found)
        )


async def mending(home: Home) -> Supervisor:
    """A controller that mends, and version one released."""
    world = home.house.world()
    supervisor = Supervisor(home.ledger, world, MemoryLease(home.slot), lambda: home.wall, Means(mends=True))
    await supervisor.start()
    await supervisor.submit(wish(ONE))
    await home.until_closed("r1")
    home.house.calls.clear()
    return supervisor


def trouble(supervisor: Supervisor) -> dict[str, str]:
    found = supervisor.health()["trouble"]
    assert isinstance(found, dict)
    return found


def test_what_is_as_it_should_be_is_left_alone() -> None:
    async def story() -> None:
        home = Home()
        supervisor = await mending(home)
        await asyncio.sleep(5 * ROUND_S)
        assert (home.house.calls, trouble(supervisor)) == ([], {})
        await supervisor.close()

    play(story)


def test_instances_that_are_gone_are_prepared_again() -> None:
    async def story() -> None:
        home = Home()
        supervisor = await mending(home)
        home.house.running.clear()
        await wait_for(lambda: home.house.running == {ONE: 1}, 2 * ROUND_S)
        assert home.house.calls == ["prepare 1x1"]
        await supervisor.close()

    play(story)


def test_what_cannot_be_mended_is_said_until_it_is_well() -> None:
    async def story() -> None:
        home = Home()
        supervisor = await mending(home)
        home.house.running.clear()
        home.house.does["prepare"] = [Temporary("no memory")] * 5
        await wait_for(lambda: bool(trouble(supervisor)), 3 * ROUND_S)
        assert "0 of 1 instances are ready" in trouble(supervisor)["shop/production/web"]
        assert "no memory" in trouble(supervisor)["shop/production/web"]
        await wait_for(lambda: not trouble(supervisor), 3 * ROUND_S)
        assert home.house.running == {ONE: 1}
        await supervisor.close()

    play(story)


def test_routing_that_is_not_in_force_is_applied_again() -> None:
    async def story() -> None:
        home = Home()
        supervisor = await mending(home)
        home.house.routing = None
        await wait_for(lambda: home.house.routing is not None, 2 * ROUND_S)
        assert home.house.calls == ["apply 1/0"]
        await supervisor.close()

    play(story)


def test_an_instance_that_never_becomes_ready_is_said_with_its_restarts() -> None:
    async def story() -> None:
        house = Leaky()
        supervisor = await mending(Home(house))
        house.unready = 1
        await wait_for(lambda: bool(trouble(supervisor)), (PATIENCE_ROUNDS + 2) * ROUND_S)
        said = trouble(supervisor)["shop/production/web"]
        assert "0 of 1 instances are ready" in said
        assert "14 times" in said
        assert (
            house.calls == ["prepare 1x1"] * 2
        )  # in the first round and in the second, then ever more seldom
        await supervisor.close()

    play(story)


def test_a_world_that_cannot_be_asked_is_said_and_nothing_is_done() -> None:
    async def story() -> None:
        home = Home()
        supervisor = await mending(home)
        home.house.does["inspect"] = [Temporary("supervisord is gone")] * 2
        await wait_for(lambda: "supervisord is gone" in str(trouble(supervisor)), 3 * ROUND_S)
        assert home.house.calls == []
        await wait_for(lambda: not trouble(supervisor), 3 * ROUND_S)
        await supervisor.close()

    play(story)


def test_a_unit_that_a_release_moves_is_left_to_it() -> None:
    async def story() -> None:
        home = Home()
        supervisor = await mending(home)
        home.house.does["prepare"] = ["80"]
        release = await supervisor.submit(wish(TWO))
        await wait_for(lambda: "prepare 2x1" in home.house.calls)
        home.house.running.pop(ONE)
        await asyncio.sleep(3 * ROUND_S)
        assert "prepare 1x1" not in home.house.calls
        assert home.phase(release) != "rolling back"
        await supervisor.close()

    play(story)


def test_a_retirement_that_nobody_finished_is_finished() -> None:
    async def story() -> None:
        home = Home()
        supervisor = await mending(home)
        home.house.does["withdraw"] = [Temporary("the proxy is gone")] * 5
        assert not (await supervisor.retire(ONE.unit, "ada", "")).done
        await wait_for(lambda: not home.house.running, 3 * ROUND_S)
        assert home.house.routing is None
        await supervisor.close()

    play(story)
