"""A dashboard that takes nothing: the others hear everything meanwhile, and it goes on from the last id it saw."""

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncGenerator
from functools import partial
from typing import cast

import pytest

from headgate.ledger import MemoryLedger
from headgate.ports.controller import Controller
from headgate.testing.ledger import write
from headgate.web.api import live
from headgate.web.application import WebServices, behind_door
from headgate.web.doors.front_door import FrontDoor
from headgate.web.doors.tokens import Grant, HomeBook
from headgate.web.http.serve import serving, tcp_listener
from headgate.web.http.stream import FRAMES_MAX, EventResponse, Stream

COUNT = 3000
BUFFER_BYTES = 4096
STALLED_S = 0.2
WITHIN_S = 60.0


class Door:
    """The API over a ledger that a test writes to."""

    def __init__(self, port: int, token: str, ledger: MemoryLedger, stream: Stream) -> None:
        self.port, self.token, self.ledger, self.stream = port, token, ledger, stream

    async def listen(self, last: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A browser that saw `last`, with little room for what comes."""
        raw = socket.socket()
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
        raw.setblocking(False)  # noqa: FBT003 - the library's own
        await asyncio.get_running_loop().sock_connect(raw, ("127.0.0.1", self.port))
        reader, writer = await asyncio.open_connection(sock=raw, limit=BUFFER_BYTES)
        heads = f"host: x\r\nauthorization: Bearer {self.token}\r\nlast-event-id: {last}\r\n"
        writer.write(f"GET /v1/stream HTTP/1.1\r\n{heads}\r\n".encode())
        return reader, writer


@contextlib.asynccontextmanager
async def opened() -> AsyncGenerator[Door]:
    ledger = MemoryLedger()
    await write(ledger, "r1", 1)
    door, stream = FrontDoor(HomeBook(ledger)), Stream(ledger, poll_s=0.001)
    token = await door.tokens.issue(Grant("eve", "viewer"), "owner", time.time())
    web_services = WebServices(cast("Controller", None), ledger, door, stream)
    with contextlib.closing(tcp_listener("127.0.0.1", 0)) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER_BYTES)
        async with serving(behind_door(web_services), listener), stream.running():
            yield Door(listener.getsockname()[1], token, ledger, stream)


async def heard(reader: asyncio.StreamReader, until: int | None = None) -> list[int]:
    """The ids that come, up to `until`, or to the end of the connection."""
    found: list[int] = []
    with contextlib.suppress(ConnectionError):
        while line := await reader.readline():
            if line.startswith(b"id: "):
                found.append(int(line[4:]))
            if until is not None and found and found[-1] >= until:
                break
    return found


async def until_listening(door: Door, count: int) -> None:
    while door.stream.listeners != count:  # noqa: ASYNC110 - what is waited for knows nothing of us
        await asyncio.sleep(0.005)


def test_a_slow_reader_slows_nobody_and_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "EventResponse", partial(EventResponse, stalled_s=STALLED_S))
    assert COUNT > FRAMES_MAX, "so that the slow one is further behind than what is kept at hand"

    async def story() -> None:
        async with opened() as door, asyncio.timeout(WITHIN_S):
            start = door.ledger.last_sequence()
            (slow, away), (quick, writer) = await door.listen(start), await door.listen(start)
            hearing = asyncio.create_task(heard(quick, start + COUNT))
            await until_listening(door, 2)
            for number in range(2, COUNT + 2):
                await write(door.ledger, "r1", number)
            assert await hearing == list(range(start + 1, start + COUNT + 1))
            await until_listening(door, 1)  # the slow one was cut off, and holds nothing any more
            got = await heard(slow)
            away.close()
            assert got == list(range(start + 1, start + len(got) + 1))
            assert len(got) < COUNT
            again, other = await door.listen(start + len(got))
            assert got + await heard(again, start + COUNT) == list(range(start + 1, start + COUNT + 1))
            for one in (writer, other):
                one.close()

    asyncio.run(story())
