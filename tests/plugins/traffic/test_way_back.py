"""Users are taken off a canary by whichever way is open; and nothing less counts as done than the proxy's own word."""

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import Generator
from pathlib import Path

import pytest

from headgate.core.model import Match, Routing, Unit
from headgate.ports.errors import Permanent, Temporary
from tests.plugins.traffic.envoys import UNIT, World, effect, get, listener, until, version
from tests.plugins.traffic.test_envoy import NEW, OLD, answers, run

EVERYBODY = 40
OTHER = Unit("shop", "production", "api")


@contextlib.contextmanager
def shut(home: Path) -> Generator[None]:
    """No route file can be written: what is in the way of its draft is a folder."""
    (routes,) = (home / "envoy" / "rds").glob("*.json")
    draft = routes.with_name(f".{routes.name}.draft")
    draft.mkdir()
    try:
        yield
    finally:
        draft.rmdir()


@pytest.mark.parametrize(
    "canary",
    [
        {"weight": 100},
        {"weight": 50},
        {"matches": (Match("header", "x-who", "us"),)},
    ],
    ids=["everybody", "half", "some"],
)
def test_files_that_cannot_be_written_leave_the_proxys_runtime(canary: dict[str, object]) -> None:
    async def scenario(made: World) -> None:
        place = listener()
        us = {"x-who": "us"}
        await made.traffic.apply(effect(1), Routing(UNIT, place, OLD, NEW, **canary))  # type: ignore[arg-type]
        assert "b" in await answers(place.port, EVERYBODY, us)
        with shut(made.home):
            for _ in range(2):  # as often as it is tried
                with pytest.raises(Temporary, match="sends everybody to stable by its runtime"):
                    await made.traffic.apply(effect(2), Routing(UNIT, place, OLD))
            assert await answers(place.port, EVERYBODY, us) == {"a": EVERYBODY}
        await made.traffic.apply(effect(2), Routing(UNIT, place, OLD))
        observed = await made.traffic.observed(UNIT)
        assert observed == Routing(UNIT, place, OLD)

    run(scenario)


def test_the_next_canary_gets_its_share_though_the_last_one_was_switched_off() -> None:
    async def scenario(made: World) -> None:
        place = listener()
        await made.traffic.apply(effect(1), Routing(UNIT, place, OLD, NEW, 100))
        with shut(made.home), pytest.raises(Temporary):
            await made.traffic.apply(effect(2), Routing(UNIT, place, OLD))
        await made.traffic.apply(effect(2), Routing(UNIT, place, OLD))
        await made.traffic.apply(effect(1, "r2"), Routing(UNIT, place, OLD, NEW, 100))
        assert await answers(place.port, EVERYBODY) == {"b": EVERYBODY}

    run(scenario)


def test_a_proxy_that_does_not_answer_finds_it_written_when_it_does() -> None:
    async def scenario(made: World) -> None:
        place = listener()
        await made.traffic.apply(effect(1), Routing(UNIT, place, OLD, NEW, 100))
        os.kill(made.pid, signal.SIGSTOP)
        try:
            going = asyncio.create_task(made.traffic.apply(effect(2), Routing(UNIT, place, OLD)))
            applied = made.traffic._folder.applied
            await until(
                lambda: (found := applied(UNIT)) is not None and not found.routing.exposed, within_s=2.0
            )
        finally:
            os.kill(made.pid, signal.SIGCONT)
        await going
        assert await answers(place.port, EVERYBODY) == {"a": EVERYBODY}

    run(scenario)


def test_without_its_admin_interface_the_proxy_still_takes_what_is_written() -> None:
    """Whoever swept its socket away left no way to ask it: users are off the canary all the same."""

    async def scenario(made: World) -> None:
        place = listener()
        await made.traffic.apply(effect(1), Routing(UNIT, place, OLD, NEW, 100))
        made.traffic.admin.path.unlink()
        going = asyncio.create_task(made.traffic.apply(effect(2), Routing(UNIT, place, OLD)))

        async def back() -> bool:
            return (await get(place.port))[2] == b"a"

        async with asyncio.timeout(2.0):
            while not await back():  # noqa: ASYNC110 - a proxy has no event
                await asyncio.sleep(0.01)
        going.cancel()
        await asyncio.gather(going, return_exceptions=True)

    run(scenario)


def test_a_stale_way_back_takes_no_way_at_all() -> None:
    async def scenario(made: World) -> None:
        place = listener()
        await made.traffic.apply(effect(5), Routing(UNIT, place, OLD, NEW, 100))
        with shut(made.home), pytest.raises(Permanent, match="stale"):
            await made.traffic.apply(effect(4), Routing(UNIT, place, OLD))
        assert await answers(place.port, EVERYBODY) == {"b": EVERYBODY}

    run(scenario)


def test_any_other_change_takes_the_proper_way_only() -> None:
    async def scenario(made: World) -> None:
        place, third = listener(), version("c")
        await made.serve(third)
        await made.traffic.apply(effect(1), Routing(UNIT, place, OLD, NEW, 50))
        with shut(made.home), pytest.raises(Temporary, match=r"cannot be written[^;]*$"):
            await made.traffic.apply(effect(2), Routing(UNIT, place, NEW))
        assert set(await answers(place.port, EVERYBODY)) == {"a", "b"}

    run(scenario)


def taken(stranger: socket.socket, port: int) -> bool:
    try:
        stranger.bind(("127.0.0.1", port))
    except OSError:
        return False
    stranger.listen()
    return True


def test_a_port_that_a_stranger_holds_is_no_other_units_trouble() -> None:
    """It got the port while Envoy came back, which refuses all listeners for it: other routes move all the same."""

    async def scenario(made: World) -> None:
        ours, theirs = listener(), listener()
        other = version("d", OTHER)
        await made.serve(other)
        await made.traffic.apply(effect(1), Routing(UNIT, ours, OLD, NEW, 100))
        await made.traffic.apply(effect(1, "r2"), Routing(OTHER, theirs, other))
        old = made.pid
        with contextlib.closing(socket.socket()) as stranger:
            stranger.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            os.kill(old, signal.SIGKILL)
            await until(lambda: taken(stranger, theirs.port))
            await until(lambda: made.pid != old)
            async with asyncio.timeout(10.0):
                while not await made.traffic.admin.ready():  # noqa: ASYNC110 - a process, not an event
                    await asyncio.sleep(0.01)
            await made.traffic.apply(effect(2), Routing(UNIT, ours, OLD))
            assert await answers(ours.port, EVERYBODY) == {"a": EVERYBODY}

    run(scenario)
