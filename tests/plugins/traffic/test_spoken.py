"""What an instance speaks, as it is found out."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import pytest

from headgate.core.model import UpstreamProtocol
from headgate.plugins.traffic.envoy import spoken
from headgate.plugins.traffic.envoy.spoken import Spoken, objection, spoken_at
from tests.plugins.traffic.envoys import free_port
from tests.plugins.traffic.http2 import SETTINGS, GrpcService, frame

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def answering(*answers: bytes, hold: bool = False) -> Talk:
    """One answer to each connection, in order."""
    left = list(answers)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(left.pop(0))
        await writer.drain()
        if hold:
            await reader.read()

    return talk


def found(talk: Talk) -> Spoken:
    async def asking() -> Spoken:
        async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with contextlib.suppress(ConnectionError):
                await talk(reader, writer)
            writer.close()

        async with await asyncio.start_server(accept, "127.0.0.1", 0) as server:
            return await spoken_at(f"127.0.0.1:{server.sockets[0].getsockname()[1]}")

    return asyncio.run(asking())


BEGINS = frame(SETTINGS, 0, 0)
FULL = frame(SETTINGS, 0, 0, bytes(12))


@pytest.mark.parametrize(
    ("talk", "expected"),
    [
        (answering(b"HTTP/1.1 505 HTTP Version Not Supported\r\n\r\n"), "http1"),
        (answering(b"HTTP/1.0 400 Bad Request\r\n\r\n", hold=True), "http1"),
        (answering(b""), "unknown"),
        (answering(b"", hold=True), "unknown"),
        (answering(b"SSH-2.0-OpenSSH\r\n"), "unknown"),
        (answering(BEGINS, b"", hold=True), "h2c"),
        (answering(FULL, b"HTTP/1.1 403 Forbidden\r\n\r\n"), "h2c"),
        (answering(FULL, BEGINS), "h2c"),
        (answering(FULL, b"HTTP/1.1 404 Not Found\r\n\r\n"), "both"),
        (answering(BEGINS, b"HTTP/1.1 200 OK\r\n\r\n"), "both"),
    ],
)
def test_what_an_instance_speaks(talk: Talk, expected: Spoken, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spoken, "WITHIN_S", 0.5)
    monkeypatch.setattr(spoken, "BOTH_WITHIN_S", 0.5)
    assert found(talk) == expected


@pytest.mark.parametrize(("http1", "expected"), [(False, "h2c"), (True, "both")])
def test_what_a_server_of_grpc_speaks(expected: Spoken, *, http1: bool) -> None:
    async def asking() -> Spoken:
        service = await GrpcService(http1=http1).start()
        try:
            return await spoken_at(service.address)
        finally:
            await service.close()

    assert asyncio.run(asking()) == expected


def test_where_nobody_is_nobody_was_asked() -> None:
    assert asyncio.run(spoken_at(f"127.0.0.1:{free_port()}")) == ""


@pytest.mark.parametrize(
    ("declared", "spoken", "wrong"),
    [
        ("auto", "h2c", False), ("auto", "http1", False), ("http1", "http1", False), ("h2c", "h2c", False),
        ("http1", "both", False), ("h2c", "both", False), ("h2c", "unknown", False), ("http1", "", False),
        ("http1", "h2c", True), ("h2c", "http1", True),
    ],
)  # fmt: skip
def test_only_what_is_known_to_be_wrong_is_objected_to(
    declared: UpstreamProtocol, spoken: Spoken, *, wrong: bool
) -> None:
    assert bool(objection(declared, spoken)) is wrong
