"""The proxy's guard: what is not well is found, said and mended; with a real Envoy, and a real daemon once."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from headgate.core.model import Listener, Routing
from headgate.kit.backoff import Backoff
from headgate.plugins.processes.supervisord import Supervisord
from headgate.plugins.traffic.envoy import EnvoyTraffic
from headgate.plugins.traffic.envoy.guard import ProxyGuard
from headgate.ports.guard import Trouble
from headgate.ports.processes import ProcessState
from tests.plugins.processes.daemons import daemon
from tests.plugins.traffic.envoys import UNIT, World, effect, get, listener, until, version, world
from tests.plugins.traffic.test_proxy import Broken

pytestmark = pytest.mark.e2e

OLD = version("a")


def run(scenario: Callable[[World], Awaitable[None]]) -> None:
    async def inside() -> None:
        async with world() as made:
            await made.serve(OLD)
            await scenario(made)

    asyncio.run(inside())


async def well(guard: ProxyGuard, within_s: float = 10.0) -> list[Trouble]:
    """Look until all is well; what was wrong until then."""
    found: list[Trouble] = []
    end = time.monotonic() + within_s
    while troubles := await guard.look():
        found += troubles
        assert time.monotonic() < end, troubles
        await asyncio.sleep(0.05)
    return found


@contextlib.contextmanager
def stranger(port: int) -> Iterator[None]:
    """Somebody else who listens there."""
    with contextlib.closing(socket.create_server(("127.0.0.1", port))):
        yield


def test_where_nothing_was_ever_served_there_is_nothing_to_guard(tmp_path: Path) -> None:
    assert asyncio.run(ProxyGuard(tmp_path, Broken("fatal")).look()) == ()


def test_a_port_that_a_stranger_held_is_taken_back() -> None:
    async def scenario(made: World) -> None:
        place = listener()
        await made.traffic.apply(effect(0), Routing(UNIT, place, OLD))
        guard = ProxyGuard(made.home, made.supervisor)
        assert await guard.look() == ()
        made.supervisor.paused = True
        os.kill(made.pid, signal.SIGKILL)
        await until(lambda: made.supervisor.running["envoy"].poll() is not None)
        with stranger(place.port):
            made.supervisor.paused = False
            old = made.pid
            await until(lambda: made.pid != old)
            while not await made.traffic.admin.ready():  # noqa: ASYNC110 - a process, not an event
                await asyncio.sleep(0.01)
            (trouble, *_) = await guard.look()
            assert trouble.about == f"port {place.port}"
            assert f"it is held by process {os.getpid()}" in trouble.what
        await well(guard)
        assert (await get(place.port))[2] == b"a"

    run(scenario)


def test_a_file_that_envoy_has_not_taken_in_is_read_again() -> None:
    async def scenario(made: World) -> None:
        place = listener()
        await made.traffic.apply(effect(0), Routing(UNIT, place, None))
        before = made.traffic._folder.routes(UNIT).read_bytes()
        await made.traffic.apply(effect(1), Routing(UNIT, place, OLD))
        wanted = made.traffic._folder.routes(UNIT).read_bytes()
        file = made.traffic._folder.routes(UNIT)
        draft = file.with_name("draft")
        draft.write_bytes(before)
        draft.replace(file)  # Envoy takes the old one in ...
        await until_status(place.port, 503)
        file.write_bytes(wanted)  # ... and is not told of this one: it watches for moves
        guard = ProxyGuard(made.home, made.supervisor)
        found = await well_after(guard, f"proxy file {file.name}")
        assert "made to read it again" in found.done
        assert (await get(place.port))[2] == b"a"

    run(scenario)


def test_one_that_hangs_is_started_again() -> None:
    async def scenario(made: World) -> None:
        place = listener()
        await made.traffic.apply(effect(0), Routing(UNIT, place, OLD))
        guard = ProxyGuard(made.home, made.supervisor, hung_s=0.05)
        old = made.pid
        os.kill(old, signal.SIGSTOP)
        found = await well(guard, 30)
        assert made.pid != old
        assert any("it hangs" in one.what for one in found)
        assert (await get(place.port))[2] == b"a"

    run(scenario)


def test_one_that_serves_is_let_be_though_it_is_out_of_reach() -> None:
    async def scenario(made: World) -> None:
        place = listener()
        await made.traffic.apply(effect(0), Routing(UNIT, place, OLD))
        guard = ProxyGuard(made.home, made.supervisor, hung_s=0.0)
        old, requests = made.pid, made.services[OLD][0].requests
        made.traffic.admin.path.unlink()
        for _ in range(3):
            (trouble,) = await guard.look()
            assert "it serves, and takes no new routes" in trouble.what
        assert made.pid == old
        assert made.services[OLD][0].requests == requests  # none heard of it
        assert (await get(place.port))[2] == b"a"

    run(scenario)


def test_one_that_an_earlier_headgate_started_is_started_anew() -> None:
    async def scenario(made: World) -> None:
        place = listener()
        await made.traffic.apply(effect(0), Routing(UNIT, place, OLD))
        folder = made.traffic._folder
        folder.bootstrap.write_bytes(
            folder.bootstrap.read_bytes().replace(b"../run/envoy.sock", b"envoy.sock")
        )
        made.supervisor._programs["envoy"] = replace(made.supervisor._programs["envoy"], env={})
        os.kill(made.pid, signal.SIGKILL)
        await until((folder.path / "envoy.sock").exists)
        guard = ProxyGuard(made.home, made.supervisor)
        (trouble,) = await guard.look()
        assert "an earlier Headgate started it" in trouble.what
        await well(guard, 20)
        assert (await get(place.port))[2] == b"a"

    run(scenario)


async def until_status(port: int, status: int) -> None:
    while (await get(port))[0] != status:  # noqa: ASYNC110 - a process, not an event
        await asyncio.sleep(0.01)


async def well_after(guard: ProxyGuard, about: str) -> Trouble:
    """Look until this trouble was seen and everything is well again."""
    found: list[Trouble] = []
    end = time.monotonic() + 10
    while not any(one.about == about for one in found):
        assert time.monotonic() < end, found
        found += await guard.look()
        await asyncio.sleep(0.02)
    await well(guard)
    return next(one for one in found if one.about == about)


@pytest.mark.parametrize("state", ["fatal", "backoff", "exited", "stopped"])
def test_one_that_was_given_up_is_started_again_with_pauses_for_ever(
    tmp_path: Path, state: ProcessState
) -> None:
    now = 0.0
    (tmp_path / "envoy").mkdir()
    address = {"socket_address": {"address": "::", "port_value": 1}}
    lds = json.dumps({"version_info": "1", "resources": [{"name": "x", "address": address}]})
    (tmp_path / "envoy" / "lds.json").write_text(lds)
    processes = Broken(state)
    guard = ProxyGuard(tmp_path, processes, backoff=Backoff(1.0, 8.0, lambda: now))
    tried: list[float] = []
    while now < 60:
        (trouble,) = asyncio.run(guard.look())
        assert f"Envoy does not run ({state})" in trouble.what
        if len(processes.asked) > len(tried):
            tried.append(now)
        now += 1.0
    first = 1.0 if state == "backoff" else 0.0  # the daemon may be just about to start it
    assert tried == [first + after for after in (0, 1, 3, 7, 15, 23, 31, 39, 47, 55)]


def test_an_envoy_that_dies_quickly_twelve_times_serves_again(tmp_path: Path) -> None:
    async def scenario(processes: Supervisord) -> None:
        place = listener()
        traffic = EnvoyTraffic(tmp_path, processes, lambda _: ())
        await traffic.apply(effect(0), Routing(UNIT, Listener(place.port), None))
        guard = ProxyGuard(tmp_path, processes, backoff=Backoff(0.01, 0.05))
        killed: set[int] = set()
        while len(killed) < 12:
            await guard.look()
            (status,) = await processes.list("envoy")
            if status.pid and status.pid not in killed:
                killed.add(status.pid)
                with contextlib.suppress(ProcessLookupError):
                    os.kill(status.pid, signal.SIGKILL)
        await well(guard)
        assert (await get(place.port))[0] == 503  # Envoy's own: nothing is released

    with daemon(tmp_path) as processes:
        asyncio.run(scenario(processes))
