"""The relay for real: a process that reads in the controller's stead, once it is needed; who hangs there is unknown."""

import asyncio
import contextlib
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from headgate.core.machine.plan import Plan
from headgate.core.model import Channel, Source, Unit, Version
from headgate.core.model.audience import Audience
from headgate.core.release.planning import Policies, plan
from headgate.homes import lock_of
from headgate.ipc.child import Calling
from headgate.outbox.book import read_book
from headgate.ports.errors import Permanent, Temporary
from headgate.ports.web import Answer
from headgate.testing.web import http_server
from headgate.wiring import beside, stores
from headgate.wiring.beside import Relay
from tests.controller.house import TWO, intent

VERSION = Version(Unit("shop", "production", "web"), "a" * 64, "b" * 64)
Story = Callable[[Relay], Awaitable[None]]


def source(name: str, origin: str) -> Source:
    settings: dict[str, Any] = {"url": f"{origin}/{{version}}", "requests": "$.n", "timeout_s": 20.0}
    return Source(name, "json", settings)


def play(home: Path, story: Story) -> None:
    @contextlib.asynccontextmanager
    async def running() -> AsyncGenerator[Relay]:
        ledger = stores.open_ledger(home, write=True)
        lock_of(home).write_text("1")
        relay = Relay(home, stores.open_artifacts(home))
        try:
            await relay.begin(ledger)
            async with relay.running():
                yield relay
        finally:
            ledger.close()

    async def inside() -> None:
        async with running() as relay, asyncio.timeout(60):
            await story(relay)

    asyncio.run(inside())


async def ready(relay: Relay, good: Source) -> None:
    """Until it has started, which takes a moment longer than a reading may."""
    while True:
        with contextlib.suppress(Temporary):
            assert (await relay.open(good, "host").read(VERSION)).requests == 7
            return


def test_who_hangs_makes_its_own_readings_unknown_and_nobody_elses(tmp_path: Path) -> None:
    async def story(relay: Relay) -> None:
        held = asyncio.Event()

        async def hang(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await held.wait()
            writer.close()

        server = await asyncio.start_server(hang, "127.0.0.1", 0)
        address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with http_server(lambda _: Answer(200, {}, b'{"n": 7}')) as origin:
            good, slow = source("good", origin), source("slow", address)
            await ready(relay, good)
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.3):
                    await relay.open(slow, "host").read(VERSION)
            began = time.monotonic()
            with pytest.raises(Temporary, match="too long the last time"):
                await relay.open(slow, "host").read(VERSION)
            assert time.monotonic() - began < 0.2, "it is not waited for again"
            assert (await relay.open(good, "host").read(VERSION)).requests == 7
            with pytest.raises(Permanent, match="wrong"):
                await relay.open(Source("bad", "wrong"), "host").read(VERSION)
        held.set()
        server.close()

    play(tmp_path, story)


def test_it_starts_when_something_needs_it_and_only_then(tmp_path: Path) -> None:
    quiet = plan((intent(TWO),), {}, Policies())
    told = plan((intent(TWO),), {}, Policies(audience=Audience(channels=(Channel("ops", "webhook", {}),))))

    async def needed(relay: Relay, one: Plan) -> bool:
        relay.foresee([one])
        return relay._needed.is_set()

    async def story(relay: Relay) -> None:
        assert not await needed(relay, quiet)
        assert relay.trouble() == {}
        assert await needed(relay, told)

    play(tmp_path, story)


def test_a_relay_that_cannot_live_is_trouble_and_its_readings_are_unknown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(beside, "READ_WITHIN_S", 0.5)
    monkeypatch.setattr(beside, "RELAY", Calling("relay", "headgate.there_is_no_such_room"))

    async def story(relay: Relay) -> None:
        with pytest.raises(Temporary, match="the relay, which reads this, does not answer"):
            await relay.open(source("good", "http://127.0.0.1:1"), "host").read(VERSION)
        while "No module named" not in relay.trouble().get("relay", ""):  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.02)

    play(tmp_path, story)


def test_what_is_to_be_told_begins_where_the_ledger_was_when_the_controller_started(tmp_path: Path) -> None:
    async def story(relay: Relay) -> None:
        book = read_book(tmp_path)
        assert book is not None
        assert (book.cursor, book.lanes) == (0, {})

    play(tmp_path, story)


JUDGES = """
import sys
from pathlib import Path
from headgate.wiring import beside, controller, stores, world

home = Path(sys.argv[1])
made = world.build_world(home, stores.open_processes(home), beside.Relay(home, stores.open_artifacts(home)))
host = made.platforms.open("host")
host.target, host.traffic, host.signals
print(*sorted(sys.modules))
"""


def test_the_process_that_judges_loads_nothing_that_serves_or_asks_others(tmp_path: Path) -> None:
    """What it does not load it cannot wait for: a server, a client, a parser of what they bring."""
    command = [sys.executable, "-P", "-c", JUDGES, str(tmp_path)]
    loaded = set(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())
    strangers = {
        "starlette",
        "uvicorn",
        "httpx2",
        "jinja2",
        "prometheus_client",
        "psycopg",
        "apprise",
        "jwt",
        "google",
    }
    assert not loaded & strangers
    foreign = (
        "headgate.web",
        "headgate.plugins.web",
        "headgate.plugins.notifiers",
        "headgate.plugins.signals.scrape",
    )
    assert not [name for name in loaded if name.startswith(foreign)]
    assert "headgate.plugins.signals.envoy" in loaded
