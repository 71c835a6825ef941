"""What the proxy counts, with services that fail in every way."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import pytest

from headgate.core.model import Arm, Counts, ProxyRules, Routing, TimeLimits, Version
from headgate.core.model.sample import since
from headgate.plugins.signals.envoy import ANSWERED, FRESH_S, EnvoySignals, _shared_out
from headgate.plugins.traffic.envoy import cluster_name
from headgate.ports import Temporary
from tests.plugins.traffic.envoys import UNIT, Client, Service, World, effect, get, listener, version, world
from tests.plugins.traffic.http2 import Channel, GrpcService

pytestmark = pytest.mark.e2e

OLD, NEW = version("a"), version("b")
SLOWER_THAN_ALL = 10_000.0


class Room:
    """A world, the port of its one unit, and what is measured there."""

    def __init__(self, made: World, port: int) -> None:
        self.world = made
        self.port = port
        self.signals = EnvoySignals(made.traffic.admin.get, cluster_name)

    async def read(self, which: Version = OLD) -> Arm:
        await asyncio.sleep(FRESH_S + 0.05)
        return await self.signals.read(which)

    async def ask(self, *paths: str) -> list[int]:
        statuses: list[int] = []
        for path in paths:
            try:
                statuses.append((await get(self.port, path))[0])
            except (asyncio.IncompleteReadError, ConnectionError):
                statuses.append(0)
        return statuses


def run(scenario: Callable[[Room], Awaitable[None]], rules: ProxyRules | None = None) -> None:
    async def inside() -> None:
        async with world() as made:
            await made.serve(OLD, NEW)
            place = listener(rules=rules)
            await made.traffic.apply(effect(1), Routing(UNIT, place, OLD, NEW))
            await scenario(Room(made, place.port))

    asyncio.run(inside())


def within(arm: Arm, ms: float) -> int:
    assert arm.latency_ms is not None
    return arm.latency_ms.count[arm.latency_ms.le.index(ms)]


def test_every_way_to_fail_is_an_error_once() -> None:
    async def scenario(room: Room) -> None:
        before = await room.read()
        for path, status, errors in (
            ("/", 200, 0),
            ("/status/404", 404, 0),
            ("/status/500", 500, 1),
            ("/status/503", 503, 1),
            ("/reset", 503, 1),
            ("/garbage", 502, 1),
            ("/truncate", 0, 1),
            ("/slow/9", 504, 1),
        ):
            assert await room.ask(path) == [status], path
            now = await room.read()
            seen = since(before, now)
            assert (seen.requests, seen.errors) == (1, errors), path
            before = now
        # Those without a response have no latency: they are slower than every bound.
        assert before.requests - within(before, SLOWER_THAN_ALL) == 4

    run(scenario, ProxyRules(limits=TimeLimits(answer_s=0.3)))


def test_a_version_that_hangs_is_charged_also_where_an_answer_may_take_for_ever() -> None:
    async def scenario(room: Room) -> None:
        assert await room.ask("/slow/9") == [504]
        arm = await room.read()
        assert (arm.requests, arm.errors) == (1, 1)

    run(scenario, ProxyRules(limits=TimeLimits(answer_s=None, idle_s=0.5)))


def test_a_call_of_grpc_fails_by_its_own_status_and_once() -> None:
    async def scenario(room: Room) -> None:
        rpc = version("c")
        room.world.others[rpc] = await GrpcService().start()
        place = listener(rules=ProxyRules(limits=TimeLimits(answer_s=0.3)))
        await room.world.traffic.apply(effect(2), Routing(UNIT, place, OLD, rpc, 100))
        channel = await Channel.connected(place.port)
        before = await room.read(rpc)
        for method, status, errors in (
            ("Status0", "0", 0),
            ("Status5", "5", 0),  # NOT_FOUND answers what was asked
            ("Status13", "13", 1),
            ("Only14", "14", 1),  # without a message, as most failures come
            ("Only3", "3", 0),
            ("Die", "14", 1),  # by the proxy, on its behalf
            ("Hang", "14", 1),  # 504, as gRPC maps it
        ):
            assert await channel.status(method) == status, method
            now = await room.read(rpc)
            seen = since(before, now)
            assert (seen.requests, seen.errors) == (1, errors), method
            before = now
        channel.close()

    run(scenario)


def test_a_version_that_refuses_connections_or_has_no_instance_fails() -> None:
    async def scenario(room: Room) -> None:
        made = room.world
        gone = Service("gone")
        gone.address = "127.0.0.1:1"
        await made.withdraw(OLD)
        made.services[OLD] = [gone]
        await made.traffic.refresh(OLD)
        assert await room.ask("/", "/") == [503, 503]
        made.hidden.add(gone.address)
        await made.traffic.refresh(OLD)
        assert await room.ask("/") == [503]
        arm = await room.read()
        assert (arm.requests, arm.errors) == (3, 3)
        assert arm.means[ANSWERED].n == 3

    run(scenario)


def test_requests_whose_clients_gave_up_were_not_answered() -> None:
    async def scenario(room: Room) -> None:
        await room.ask("/", "/", "/")
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(get(room.port, "/slow/5"), 0.1)
        arm = await room.read()
        assert (arm.requests, arm.errors) == (3, 0)
        assert (arm.means[ANSWERED].sum, arm.means[ANSWERED].n) == (3.0, 4)

    run(scenario)


def test_latencies_are_where_they_belong() -> None:
    async def scenario(room: Room) -> None:
        await room.ask("/", "/slow/0.06", "/slow/0.3")
        arm = await room.read()
        assert arm.requests == within(arm, SLOWER_THAN_ALL) == 3
        assert [within(arm, 50.0), within(arm, 250.0)] == [1, 2]

    run(scenario)


def test_instances_are_counted_by_address() -> None:
    async def scenario(room: Room) -> None:
        await room.world.serve(OLD)
        await room.world.traffic.refresh(OLD)
        await room.ask(*["/"] * 20, "/status/500")
        arm = await room.read()
        assert set(arm.instances) == set(room.world.addresses(OLD))
        assert sum(one.requests for one in arm.instances.values()) == 21
        assert sum(one.errors for one in arm.instances.values()) == 1

    run(scenario)


def test_copies_count_for_the_version_that_gets_them() -> None:
    async def scenario(room: Room) -> None:
        place = listener()
        await room.world.traffic.apply(effect(2), Routing(UNIT, place, OLD, NEW, 0, mirror=100))
        for path in ("/", "/status/500"):
            await get(place.port, path)
        await room.read()
        arm = await room.signals.read(NEW)
        assert (arm.requests, arm.errors) == (2, 1)

    run(scenario)


def test_no_interval_is_out_of_joint_under_load() -> None:
    async def scenario(room: Room) -> None:
        loading, sent = True, 0

        async def load() -> None:
            nonlocal sent
            client = Client(room.port)
            while loading:
                await client.get("/status/500" if sent % 7 == 0 else "/")
                sent += 1
                await asyncio.sleep(0.003)
            client.close()

        clients = [asyncio.create_task(load()) for _ in range(6)]
        before, total = await room.read(), Arm()
        for _ in range(15):
            now = await room.read()
            seen = since(before, now)
            assert 0 <= seen.errors <= seen.requests
            assert within(seen, SLOWER_THAN_ALL) <= seen.requests
            before = now
        loading = False
        await asyncio.gather(*clients)
        total = await room.read()
        assert total.requests == within(total, SLOWER_THAN_ALL) == sent
        assert total.means[ANSWERED].n == sent

    run(scenario)


def test_an_envoy_that_came_back_counts_anew() -> None:
    async def scenario(room: Room) -> None:
        await room.ask(*["/"] * 5)
        before = await room.read()
        await room.world.kill()
        await room.ask("/", "/status/500")
        now = await room.read()
        assert (before.requests, now.requests, now.errors) == (5, 2, 1)
        assert since(before, now).requests == 2

    run(scenario)


def test_an_envoy_that_is_gone_is_not_zero() -> None:
    async def scenario(room: Room) -> None:
        await room.world.supervisor.remove(["envoy"])
        with pytest.raises(Temporary, match="does not answer"):
            await room.read()

    run(scenario)


def _sums(arm: Arm) -> tuple[int, int]:
    counts = arm.instances.values()
    return sum(one.requests for one in counts), sum(one.errors for one in counts)


def test_instances_are_never_more_than_their_arm() -> None:
    async def scenario(room: Room) -> None:
        await room.world.serve(OLD)
        await room.world.traffic.refresh(OLD)
        loading = True

        async def load() -> None:
            client = Client(room.port)
            while loading:
                await client.get("/")
                await asyncio.sleep(0.002)
            client.close()

        clients = [asyncio.create_task(load()) for _ in range(6)]
        before = await room.read()
        for _ in range(5):
            now = await room.read()
            seen = since(before, now)
            assert _sums(seen)[0] <= now.requests - before.requests
            before = now
        loading = False
        await asyncio.gather(*clients)
        await room.read()
        last = await room.read()
        assert _sums(last) == (last.requests, 0)

    run(scenario)


@pytest.mark.parametrize(
    ("before", "raw", "added", "expected"),
    [
        ({}, {"x": (5, 1)}, (5, 1), {"x": (5, 1)}),
        ({}, {"x": (5, 1)}, (9, 2), {"x": (5, 1)}),
        ({"x": (5, 1)}, {"x": (9, 4)}, (3, 3), {"x": (8, 4)}),
        ({}, {"x": (10, 0), "y": (10, 10)}, (10, 5), {"x": (5, 0), "y": (5, 5)}),
        ({"x": (7, 0)}, {"x": (2, 1)}, (4, 4), {"x": (2, 1)}),
        ({"x": (7, 0)}, {"y": (2, 1)}, (1, 0), {"y": (1, 0)}),
    ],
)
def test_what_was_added_is_shared_out(
    before: dict[str, tuple[int, int]],
    raw: dict[str, tuple[int, int]],
    added: tuple[int, int],
    expected: dict[str, tuple[int, int]],
) -> None:
    found = _shared_out(
        {name: Counts(*counts) for name, counts in before.items()},
        {name: Counts(*counts) for name, counts in raw.items()},
        Counts(*added),
    )
    assert {name: (counts.requests, counts.errors) for name, counts in found.items()} == expected
