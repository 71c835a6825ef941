"""The world is asked side by side, each question within its limit, and what had no answer is said to be unknown."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

import pytest

from headgate import sight
from headgate.core.drift import Part, Real, Recorded
from headgate.core.machine.events import EffectId
from headgate.core.model import Listener, Routing, Unit, Version
from headgate.ports import Temporary
from headgate.ports.processes import Program
from headgate.testing.fakes.processes import MemoryProcesses
from headgate.testing.fakes.target import MemoryTarget
from headgate.testing.fakes.traffic import MemoryTraffic
from tests.seen import host

WEB = Unit("shop", "production", "web")
ONE = Version(WEB, "1" * 64, "2" * 64)
T = TypeVar("T")


class World:
    """Memory twins of every port, and a public port that answers with `status`; it counts what it is asked."""

    def __init__(self) -> None:
        self.target, self.traffic, self.processes = MemoryTarget(), MemoryTraffic(), MemoryProcesses()
        self.status, self.requests, self.silent = 200, 0, False
        self.ready: Callable[[], Awaitable[bool]] = self._ready
        self.listener = Listener(1)

    async def _ready(self) -> bool:
        return True

    def ports(self) -> sight.Ports:
        return sight.Ports(host(self.target, self.traffic, self.ready), self.processes)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.silent:
            await reader.read()
        elif await reader.readline():
            self.requests += 1
            writer.write(f"HTTP/1.1 {self.status} .\r\ncontent-length: 0\r\n\r\n".encode())
        writer.close()


def asked(
    story: Callable[[World], Coroutine[Any, Any, None]], home: Path, *, moving: str | None = None
) -> tuple[World, Real, dict[str, Part]]:
    """What is seen of a released service, after what `story` did to its world."""

    async def run() -> tuple[World, Real, dict[str, Part]]:
        world = World()
        server = await asyncio.start_server(world.serve, "127.0.0.1", 0)
        async with server:
            world.listener = Listener(server.sockets[0].getsockname()[1])
            await world.target.prepare(EffectId("r1", 1, 0), ONE, 2)
            await world.traffic.apply(EffectId("r1", 2, 0), Routing(WEB, world.listener, ONE))
            await world.processes.ensure(
                [Program(name, ("x",), "/", "/x") for name in ("envoy", "headgate.keeper")]
            )
            await story(world)
            seen = await sight.seen(home, world.ports(), {WEB: Recorded(ONE, 2, world.listener, moving)})
            return world, seen.units[WEB], {part.name: part for part in seen.parts}

    return asyncio.run(run())


async def nothing(_: World) -> None:
    """As it was released."""


def test_what_is_well_is_seen_in_full(tmp_path: Path) -> None:
    world, real, parts = asked(nothing, tmp_path)
    assert (real.ready, real.restarts, real.listening, real.status, real.unknown) == (2, 0, True, 200, {})
    assert real.routing == Routing(WEB, world.listener, ONE)
    assert {name: part.well for name, part in parts.items()} == {
        "process daemon": True, "proxy": True, "keeper": True, "controller": True,
    }  # fmt: skip


def test_an_answer_that_is_a_failure_is_seen(tmp_path: Path) -> None:
    async def fails(world: World) -> None:
        world.status = 503

    assert asked(fails, tmp_path)[1].status == 503


def test_while_a_release_moves_it_no_request_is_sent(tmp_path: Path) -> None:
    world, real, _ = asked(nothing, tmp_path, moving="r7")
    assert (real.listening, real.status, world.requests) == (True, None, 0)


def test_a_port_that_nobody_listens_at_is_seen(tmp_path: Path) -> None:
    async def run() -> Real:
        world = World()  # no server, and no port of one
        seen = await sight.seen(tmp_path, world.ports(), {WEB: Recorded(ONE, 2, Listener(1))})
        return seen.units[WEB]

    real = asyncio.run(run())
    assert (real.listening, real.status, real.instances, real.routing) == (False, None, (), None)


@pytest.mark.parametrize("what", ["instances", "proxy", "answer"])
def test_what_hangs_is_unknown_in_time_and_the_rest_is_answered(
    tmp_path: Path, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sight, "ASK_S", 0.2)

    async def hangs(world: World) -> None:
        if what == "instances":
            world.target.latency_s = 60.0
        elif what == "proxy":
            world.ready = lambda: asyncio.Event().wait()
        else:
            world.silent = True

    _, real, parts = asked(hangs, tmp_path)
    assert (real.listening, parts["process daemon"].well) == (True, True)
    if what == "proxy":
        assert parts["proxy"].well is False
        assert "no answer within" in parts["proxy"].evidence
    else:
        assert list(real.unknown) == [what]
        assert "no answer within" in real.unknown[what]


def test_a_dead_process_daemon_makes_the_keeper_unknown(tmp_path: Path) -> None:
    async def dies(world: World) -> None:
        world.processes.fail_next = Temporary("no process daemon listens")

    _, _, parts = asked(dies, tmp_path)
    assert (parts["process daemon"].well, parts["keeper"].well, parts["proxy"].well) == (False, None, True)


def test_a_controller_that_is_meant_to_run_must_answer(tmp_path: Path) -> None:
    async def silent(world: World) -> None:
        await world.processes.ensure([Program("controller", ("x",), "/", "/x")])

    part = asked(silent, tmp_path)[2]["controller"]
    assert (part.well, part.mend) == (False, "headgate up")


def test_a_proxy_that_died_is_said_with_the_state_of_its_process(tmp_path: Path) -> None:
    async def dies(world: World) -> None:
        world.processes.give_up("envoy")

        async def dead() -> bool:
            return False

        world.ready = dead

    part = asked(dies, tmp_path)[2]["proxy"]
    assert part.well is False
    assert "fatal" in part.evidence
