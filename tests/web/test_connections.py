"""Whoever opens connections and asks for nothing keeps nobody out; what is too slow or too large is cut off."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable

import pytest
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from headgate.web.http import connections, serve
from headgate.web.http.connections import _beyond
from headgate.web.http.serve import serving, tcp_listener

HALF = b"GET / HTTP/1.1\r\nhost: x\r\nx-never"
WHOLE = b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
Story = Callable[["Place"], Awaitable[None]]


class Place:
    def __init__(self, port: int) -> None:
        self.port = port
        self._open = list[asyncio.StreamWriter]()

    async def send(self, content: bytes) -> asyncio.StreamReader:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        self._open.append(writer)
        writer.write(content)
        return reader

    async def ask(self, content: bytes = WHOLE) -> bytes:
        """The status line of the answer; empty when the connection was cut off."""
        reader = await self.send(content)
        try:
            async with asyncio.timeout(10):
                return (await reader.readline()).strip()
        except ConnectionError:
            return b""

    def close(self) -> None:
        for writer in self._open:
            writer.transport.abort()


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["path"] == "/body":
        while (await receive()).get("more_body"):
            continue
    if scope["path"] == "/large":
        await Response(b"x" * 50_000_000)(scope, receive, send)
    await Response(b"hello")(scope, receive, send)


def play(story: Story) -> None:
    @contextlib.asynccontextmanager
    async def place() -> AsyncGenerator[Place]:
        with contextlib.closing(tcp_listener("127.0.0.1", 0)) as listener:
            async with serving(application, listener):
                found = Place(listener.getsockname()[1])
                try:
                    yield found
                finally:
                    found.close()

    async def inside() -> None:
        async with place() as found:
            await story(found)

    asyncio.run(inside())


def test_many_half_sent_requests_keep_nobody_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serve, "CONNECTIONS_MAX", 40)

    async def story(place: Place) -> None:
        first = await place.send(HALF)
        for _ in range(300):
            await place.send(HALF)
        assert await place.ask() == b"HTTP/1.1 200 OK"
        with contextlib.suppress(ConnectionError):
            async with asyncio.timeout(10):
                assert await first.read() == b"", "the oldest went first"

    play(story)


def test_where_everybody_asks_for_something_there_is_a_limit() -> None:
    """By address, and in all; who is gone makes room."""

    class Cut(connections._Bounded):
        def __init__(self, address: str) -> None:
            self.address, self.was_cut = address, False

        def cut(self) -> None:
            self.was_cut = True

    known = connections.Connections(capacity=2, waiting_max=1)
    one, two, three = Cut("a"), Cut("b"), Cut("c")
    assert known.admit(one)
    assert known.admit(two)
    assert not known.admit(three)
    known.left(one)
    known.left(one)
    assert known.admit(three)
    known.waits(two)
    assert known.admit(one), "one that asks for nothing made room"
    assert two.was_cut
    many = connections.Connections(capacity=10_000)
    there = [many.admit(Cut("a")) for _ in range(connections.PER_ADDRESS_MAX + 1)]
    assert there == [True] * connections.PER_ADDRESS_MAX + [False]
    assert many.admit(Cut("b"))


@pytest.mark.parametrize(
    ("limit", "sent"),
    [
        ("HEADER_S", HALF),
        ("HEADER_S", b""),
        ("HEADER_S", b"GET / HTTP/1.1\r\nhost: x\r\n\r\n" + HALF),
        ("BODY_S", b"POST /body HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nx"),
    ],
)
def test_what_takes_too_long_is_cut_off(limit: str, sent: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, limit, 0.2)

    async def story(place: Place) -> None:
        reader = await place.send(sent)
        with contextlib.suppress(ConnectionError):
            async with asyncio.timeout(4):
                assert HALF not in await reader.read()
        assert await place.ask() == b"HTTP/1.1 200 OK"

    play(story)


def test_who_reads_nothing_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "STALLED_S", 0.2)

    was_cut = threading.Event()
    cut = connections._Bounded.cut

    def seen(connection: connections._Bounded) -> None:
        cut(connection)
        was_cut.set()

    monkeypatch.setattr(connections._Bounded, "cut", seen)

    async def story(place: Place) -> None:
        with socket.create_connection(("127.0.0.1", place.port), timeout=10) as deaf:
            deaf.sendall(b"GET /large HTTP/1.1\r\nhost: x\r\n\r\n")
            assert await asyncio.to_thread(was_cut.wait, 10)
        assert await place.ask() == b"HTTP/1.1 200 OK"

    play(story)


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET /?" + b"a=1&" * 100 + b" HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n", b"414"),
        (b"GET /?" + b"a" * 9000 + b" HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n", b"414"),
        (b"GET /" + b"a" * 3000 + b" HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n", b"414"),
        (b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n" + b"a: b\r\n" * 100 + b"\r\n", b"431"),
    ],
)
def test_what_nobody_needs_is_refused(request_: bytes, status: bytes) -> None:
    async def story(place: Place) -> None:
        assert (await place.ask(request_)).split()[1] == status
        assert await place.ask() == b"HTTP/1.1 200 OK"

    play(story)


def test_a_query_that_is_not_ascii_is_refused() -> None:
    """h11 lets none through; starlette would break on one from another server."""
    problem = _beyond({"headers": [], "raw_path": b"/", "query_string": b"a=\x9e"})
    assert problem is not None
    assert problem.document.status == 400
    assert _beyond({"headers": [], "raw_path": b"/", "query_string": b"a=%9E"}) is None
