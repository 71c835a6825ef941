"""One real Envoy, real services, real clients."""

import asyncio
import contextlib
import math
import os
import signal
import socket
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping

import pytest

from headgate.core.model import Listener, Match, Routing, Sticky, Unit
from headgate.ports import Permanent, Temporary
from tests.plugins.traffic.envoys import (
    UNIT,
    Client,
    World,
    effect,
    free_port,
    get,
    listener,
    until,
    version,
    world,
)

pytestmark = pytest.mark.e2e

OLD, NEW = version("a"), version("b")
Scenario = Callable[[World], Awaitable[None]]


def run(scenario: Scenario) -> None:
    async def inside() -> None:
        async with world() as made:
            await made.serve(OLD, NEW)
            await scenario(made)

    asyncio.run(inside())


async def answers(port: int, times: int, headers: Mapping[str, str] | None = None) -> Counter[str]:
    client = Client(port)
    found = Counter([(await client.get("/", headers))[2].decode() for _ in range(times)])
    client.close()
    return found


def test_a_hundred_shifts_under_load_and_no_request_fails() -> None:
    async def scenario(made: World) -> None:
        place = listener()
        await made.traffic.apply(effect(0), Routing(UNIT, place, OLD))
        moving, served = True, Counter[tuple[int, str]]()

        async def load() -> None:
            client = Client(place.port)
            while moving:
                status, headers, body = await client.get("/")
                assert headers.get("connection") != "close"
                served[status, body.decode()] += 1
                await asyncio.sleep(0.002)
            client.close()

        clients = [asyncio.create_task(load()) for _ in range(8)]
        for sequence in range(1, 101):
            await made.traffic.apply(effect(sequence), Routing(UNIT, place, OLD, NEW, sequence * 37 % 101))
        moving = False
        await asyncio.gather(*clients)
        assert {status for status, _ in served} == {200}
        assert {body for _, body in served} == {"a", "b"}
        assert served.total() > 100

    run(scenario)


def test_weights_split_as_they_say() -> None:
    async def scenario(made: World) -> None:
        place = listener()
        for sequence, weight in enumerate((10, 50), start=1):
            await made.traffic.apply(effect(sequence), Routing(UNIT, place, OLD, NEW, weight))
            found = await answers(place.port, times := 1500)
            share = weight / 100
            assert abs(found["b"] - times * share) < 6 * math.sqrt(times * share * (1 - share))

    run(scenario)


def test_three_arms_have_what_they_shall_have_and_a_client_keeps_its_arm_while_the_weight_rises() -> None:
    fresh = version("c")

    async def scenario(made: World) -> None:
        await made.serve(fresh)
        place, sticky = listener(), Sticky("header", "x-user")
        users: dict[str, list[str]] = {str(user): [] for user in range(400)}
        for sequence, weight in enumerate((10, 30, 50), start=1):
            routing = Routing(UNIT, place, OLD, NEW, weight, sticky=sticky, fresh=fresh)
            await made.traffic.apply(effect(sequence), routing)
            client = Client(place.port)
            for user, met in users.items():
                met.append((await client.get("/", {"x-user": user}))[2].decode())
            client.close()
            found, share = Counter(met[-1] for met in users.values()), weight / 100
            for arm, due in (("b", share), ("c", share), ("a", 1 - 2 * share)):
                spread = 6 * math.sqrt(len(users) * due * (1 - due))
                assert abs(found[arm] - len(users) * due) <= spread, (weight, found)
        for first, second, third in users.values():
            assert first == "a" or first == second == third
            assert second in ("a", third)

    run(scenario)


def test_a_first_release_without_stable_takes_its_share_only() -> None:
    async def scenario(made: World) -> None:
        place = listener()
        await made.traffic.apply(effect(1), Routing(UNIT, place, None, NEW, 50))
        found = Counter([(await get(place.port))[0] for _ in range(200)])
        assert set(found) == {200, 503}
        assert 50 < found[200] < 150

    run(scenario)


def test_a_cookie_keeps_a_client_on_its_arm_while_the_weight_rises() -> None:
    async def scenario(made: World) -> None:
        place, sticky = listener(), Sticky("cookie", "arm", 600)
        await made.traffic.apply(effect(1), Routing(UNIT, place, OLD, NEW, 30, sticky=sticky))
        arms: dict[str, str] = {}
        for _ in range(60):
            _, headers, body = await get(place.port)
            cookie, _, attributes = headers["set-cookie"].partition(";")
            assert attributes.strip() == "Path=/; Max-Age=600; HttpOnly; SameSite=Lax"
            arms[cookie] = body.decode()
        assert set(arms.values()) == {"a", "b"}
        for sequence, weight in ((2, 30), (3, 60)):
            await made.traffic.apply(effect(sequence), Routing(UNIT, place, OLD, NEW, weight, sticky=sticky))
            for cookie, arm in arms.items():
                for _ in range(3):
                    _, headers, body = await get(place.port, headers={"cookie": f"x=y; {cookie}"})
                    assert "set-cookie" not in headers
                    assert body == b"b" if arm == "b" else weight == 60 or body == b"a"
                    arms[cookie] = body.decode()
        assert not any("x-headgate-client" in head for head in (await _plain_heads(made, place)))

    run(scenario)


async def _plain_heads(made: World, place: Listener) -> list[str]:
    await made.traffic.apply(effect(9), Routing(UNIT, place, OLD))
    return [(await get(place.port, "/head"))[2].decode()]


def test_a_header_keeps_a_client_on_its_arm() -> None:
    async def scenario(made: World) -> None:
        place, sticky = listener(), Sticky("header", "x-user")
        await made.traffic.apply(effect(1), Routing(UNIT, place, OLD, NEW, 40, sticky=sticky))
        found = [await answers(place.port, 4, {"x-user": f"user-{n}"}) for n in range(60)]
        assert all(len(one) == 1 for one in found)
        assert {body for one in found for body in one} == {"a", "b"}

    run(scenario)


def test_matches_come_before_weights() -> None:
    async def scenario(made: World) -> None:
        place = listener()
        matches = (Match("header", "x-who", "us"), Match("cookie", "who", "a.b"))
        await made.traffic.apply(effect(1), Routing(UNIT, place, OLD, NEW, 0, matches))
        assert await answers(place.port, 20) == {"a": 20}
        assert await answers(place.port, 20, {"x-who": "us"}) == {"b": 20}
        assert await answers(place.port, 20, {"cookie": "x=1; who=a.b; y=2"}) == {"b": 20}
        for cookie in ("who=axb", "nowho=a.b", "who=a.bc"):
            assert await answers(place.port, 2, {"cookie": cookie}) == {"a": 2}

    run(scenario)


def test_mirrored_requests_are_copies_and_nobody_sees_their_answers() -> None:
    async def scenario(made: World) -> None:
        place = listener()
        await made.traffic.apply(effect(1), Routing(UNIT, place, OLD, NEW, 0, mirror=100))
        for _ in range(20):
            status, _, body = await get(place.port, "/")
            assert (status, body) == (200, b"a")
        canary = made.services[NEW][0]
        await until(lambda: canary.requests == 20)
        assert all("host: shop.test\r\n" in head for head in canary.heads)

    run(scenario)


def test_a_preview_port_reaches_the_canary_or_else_stable() -> None:
    async def scenario(made: World) -> None:
        place = listener(preview=True)
        assert place.preview_port is not None
        await made.traffic.apply(effect(1), Routing(UNIT, place, OLD))
        assert (await get(place.preview_port))[2] == b"a"
        await made.traffic.apply(effect(2), Routing(UNIT, place, OLD, NEW))
        assert (await get(place.preview_port))[2] == b"b"
        assert (await get(place.port))[2] == b"a"
        assert (await get(place.port, headers={"X-Headgate-Preview": "canary"}))[2] == b"b"

    run(scenario)


def test_blue_green_is_one_switch_there_and_back() -> None:
    async def scenario(made: World) -> None:
        place = listener()
        for sequence, (stable, canary, body) in enumerate(
            [(OLD, NEW, "a"), (NEW, OLD, "b"), (OLD, NEW, "a"), (NEW, OLD, "b")], start=1
        ):
            await made.traffic.apply(effect(sequence), Routing(UNIT, place, stable, canary))
            assert await answers(place.port, 20) == {body: 20}

    run(scenario)


def test_a_port_that_is_taken_is_refused_and_nothing_else_is_touched() -> None:
    async def scenario(made: World) -> None:
        other = Unit("shop", "production", "api")
        api = version("c", other)
        await made.serve(api)
        place = listener()
        await made.traffic.apply(effect(1), Routing(UNIT, place, OLD))
        with socket.create_server(("127.0.0.1", 0)) as taken:
            routing = Routing(other, Listener(taken.getsockname()[1]), api)
            with pytest.raises(Permanent, match="Address already in use"):
                await made.traffic.apply(effect(1), routing)
            assert await made.traffic.observed(other) is None
            assert (await get(place.port))[2] == b"a"
        await made.traffic.apply(
            effect(1), routing
        )  # the port is free now: the effect was not counted as applied
        assert (await get(routing.listener.port))[2] == b"c"

    run(scenario)


def test_another_envoy_cannot_share_the_port() -> None:
    async def scenario(made: World) -> None:
        place = listener()
        await made.traffic.apply(effect(1), Routing(UNIT, place, OLD))
        async with world() as second:
            await second.serve(OLD)
            with pytest.raises(Permanent, match="Address already in use"):
                await second.traffic.apply(effect(1), Routing(UNIT, place, OLD))

    run(scenario)


def test_a_listener_moves_to_another_port() -> None:
    async def scenario(made: World) -> None:
        first, second = listener(), listener(preview=True)
        await made.traffic.apply(effect(1), Routing(UNIT, first, OLD))
        await made.traffic.apply(effect(2), Routing(UNIT, second, OLD))
        assert (await get(second.port))[2] == b"a"
        assert await made.traffic.observed(UNIT) == Routing(UNIT, second, OLD)

    run(scenario)


def test_a_configuration_that_envoy_refuses_is_put_back_with_its_reason() -> None:
    async def scenario(made: World) -> None:
        place = listener()
        good = Routing(UNIT, place, OLD)
        await made.traffic.apply(effect(1), good)
        bad = Routing(UNIT, place, OLD, NEW, 0, (Match("header", "not a header\n", "x"),))
        with pytest.raises(Permanent, match="HeaderMatcher"):
            await made.traffic.apply(effect(2), bad)
        assert await made.traffic.observed(UNIT) == good
        await made.traffic.apply(effect(2), Routing(UNIT, place, OLD, NEW, 100))
        assert (await get(place.port))[2] == b"b"

    run(scenario)


def test_a_killed_envoy_comes_back_with_what_it_routed() -> None:
    async def scenario(made: World) -> None:
        place = listener()
        routing = Routing(UNIT, place, OLD, NEW, 100)
        await made.traffic.apply(effect(1), routing)
        await made.kill()
        assert (await get(place.port))[2] == b"b"
        assert await made.open().observed(UNIT) == routing
        with pytest.raises(Permanent, match="stale"):
            await made.open().apply(effect(0), Routing(UNIT, place, OLD))

    run(scenario)


def test_an_envoy_that_does_not_answer_is_temporary_and_the_effect_can_be_tried_again() -> None:
    async def scenario(made: World) -> None:
        place = listener()
        await made.traffic.apply(effect(1), Routing(UNIT, place, OLD))
        os.kill(made.pid, signal.SIGSTOP)
        try:
            with pytest.raises(Temporary):
                await asyncio.wait_for(made.traffic.observed(UNIT), 10)
        finally:
            os.kill(made.pid, signal.SIGCONT)
        await made.traffic.apply(effect(2), Routing(UNIT, place, OLD, NEW, 100))
        assert (await get(place.port))[2] == b"b"

    run(scenario)


def test_a_listener_that_could_not_open_when_envoy_came_back_is_opened_by_the_next_apply() -> None:
    async def scenario(made: World) -> None:
        place = listener()
        await made.traffic.apply(effect(1), Routing(UNIT, place, OLD))
        thief = socket.socket()
        thief.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        old = made.pid
        os.kill(old, signal.SIGKILL)
        while True:
            with contextlib.suppress(OSError):
                thief.bind(("127.0.0.1", place.port))
                thief.listen()
                break
        await until(lambda: made.pid != old)
        while not await made.traffic.admin.ready():  # noqa: ASYNC110 - a process, not an event
            await asyncio.sleep(0.01)
        assert await made.traffic.observed(UNIT) is None
        thief.close()
        moved = Routing(UNIT, place, OLD, NEW, 100)
        with contextlib.suppress(Temporary):
            await made.traffic.apply(effect(2), moved)
        await made.traffic.apply(effect(2), moved)
        assert (await get(place.port))[2] == b"b"

    run(scenario)


def test_a_slow_request_is_finished_by_the_version_that_began_it() -> None:
    async def scenario(made: World) -> None:
        place = listener()
        await made.traffic.apply(effect(1), Routing(UNIT, place, OLD))
        slow = asyncio.create_task(get(place.port, "/slow/0.8"))
        await until(lambda: made.services[OLD][0].requests == 1)
        await made.traffic.apply(effect(2), Routing(UNIT, place, NEW))
        assert (await get(place.port))[2] == b"b"
        for _ in range(3):
            await asyncio.sleep(0.1)
            assert not await made.traffic.idle(UNIT)
        assert (await slow)[2] == b"a"
        await asyncio.sleep(0.02)
        assert await made.traffic.idle(UNIT)

    run(scenario)


def test_an_instance_that_leaves_finishes_its_requests_and_gets_no_new_ones() -> None:
    async def scenario(made: World) -> None:
        await made.serve(OLD)
        leaving, staying = made.services[OLD]
        place = listener()
        await made.traffic.apply(effect(1), Routing(UNIT, place, OLD))
        slow = [asyncio.create_task(get(place.port, "/slow/0.6")) for _ in range(8)]
        await until(lambda: leaving.requests + staying.requests == 8)
        assert leaving.requests
        made.hidden.add(leaving.address)
        await made.traffic.refresh(OLD)
        before = leaving.requests
        await answers(place.port, 40)
        assert leaving.requests == before
        assert not await made.traffic.quiet(OLD, [leaving.address])
        assert {(await one)[0] for one in slow} == {200}
        assert await made.traffic.quiet(OLD, [leaving.address])

    run(scenario)


def test_an_instance_that_is_gone_is_tried_once_and_the_client_sees_nothing() -> None:
    async def scenario(made: World) -> None:
        await made.serve(OLD)
        place = listener()
        await made.traffic.apply(effect(1), Routing(UNIT, place, OLD))
        await made.services[OLD][0].close()
        assert {(await get(place.port))[0] for _ in range(40)} == {200}

    run(scenario)


def test_a_version_without_instances_gets_no_traffic_but_can_be_left() -> None:
    async def scenario(made: World) -> None:
        place = listener()
        await made.traffic.apply(effect(1), Routing(UNIT, place, OLD, NEW, 50))
        await made.withdraw(NEW)
        with pytest.raises(Temporary, match="no running instance"):
            await made.traffic.apply(effect(2), Routing(UNIT, place, OLD, NEW, 60))
        await made.traffic.apply(effect(3), Routing(UNIT, place, OLD, NEW))
        await made.traffic.apply(effect(4), Routing(UNIT, place, OLD))
        assert await answers(place.port, 10) == {"a": 10}

    run(scenario)


def test_versions_that_are_gone_are_forgotten_and_warm_ones_are_kept() -> None:
    async def scenario(made: World) -> None:
        place = listener()
        await made.traffic.apply(effect(1), Routing(UNIT, place, OLD))
        await made.traffic.apply(effect(2), Routing(UNIT, place, NEW))
        await made.traffic.apply(effect(3), Routing(UNIT, place, NEW))
        assert len(await _clusters(made)) == 2  # the old one is warm
        await made.withdraw(OLD)
        await made.traffic.apply(effect(4), Routing(UNIT, place, NEW))
        await made.traffic.apply(effect(5), Routing(UNIT, place, NEW))
        assert len(await _clusters(made)) == 1
        assert len(list((made.home / "envoy" / "eds").iterdir())) == 1
        await made.serve(OLD)
        await made.traffic.apply(effect(6), Routing(UNIT, place, OLD))
        assert (await get(place.port))[2] == b"a"

    run(scenario)


async def _clusters(made: World) -> list[str]:
    answer = await made.traffic.admin.json("/clusters?format=json")
    return [found["name"] for found in answer["cluster_statuses"]]


def test_a_service_sees_what_the_client_sent_and_where_it_came_from() -> None:
    async def scenario(made: World) -> None:
        place = listener()
        await made.traffic.apply(effect(1), Routing(UNIT, place, OLD))
        status, headers, body = await get(place.port, "/head", {"x-forwarded-for": "203.0.113.7"})
        seen = [line.partition(":")[0] for line in body.decode().split("\r\n")[1:] if line]
        assert sorted(seen) == ["host", "x-forwarded-for", "x-forwarded-proto"]
        assert "x-forwarded-for: 203.0.113.7,127.0.0.1\r\n" in body.decode()
        assert status == 200
        assert sorted(headers) == ["content-length", "date"]

    run(scenario)


def test_http2_without_tls() -> None:
    async def scenario(made: World) -> None:
        place = listener()
        await made.traffic.apply(effect(1), Routing(UNIT, place, OLD))
        reader, writer = await asyncio.open_connection("127.0.0.1", place.port)
        writer.write(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes((0, 0, 0, 4, 0, 0, 0, 0, 0)))
        frame = await reader.readexactly(9)
        writer.close()
        assert frame[3] == 4  # SETTINGS

    run(scenario)


def test_a_name_where_an_address_must_be_is_refused_before_anything_happens() -> None:
    async def scenario(made: World) -> None:
        with pytest.raises(Permanent, match="IP address"):
            await made.traffic.apply(effect(1), Routing(UNIT, Listener(free_port(), "shop.test"), OLD))
        assert await made.traffic.observed(UNIT) is None

    run(scenario)
