"""One HTTP/1.1 request to an instance: bounded in time and in size, no redirects, no proxies, no cookies."""

import asyncio
import http.client
import io
import re
import socket
from collections.abc import Mapping
from typing import cast

import msgspec

BODY_BYTES_MAX = 1_000_000
HEAD_BYTES_MAX = 65_536
_READ_BYTES = 65_536
_INTERIM = re.compile(rb"HTTP/1\.1 1\d\d ")
_INTERIM_MAX = 16
_HEAD_END = b"\r\n\r\n"
_CHUNKS_END = b"0\r\n\r\n"
_GROWTH, _TRIES_MAX = 1.25, 64
_FRAME_KIND_AT, _FIRST_FRAMES = 3, (4, 7)  # SETTINGS or GOAWAY: how every server of HTTP/2 begins
_NO_BODY = frozenset({"GET", "HEAD", "DELETE", "OPTIONS"})


class Unanswered(Exception):  # noqa: N818 - what happened, not what we did wrong
    """There was no whole answer; `refused` when nobody listens at all."""

    def __init__(self, reason: str, *, refused: bool = False) -> None:
        super().__init__(reason)
        self.refused = refused


class Reply(msgspec.Struct, frozen=True):
    """An answer: `truncated` when its body is longer than `BODY_BYTES_MAX`; `location` is where it redirects to."""

    status: int
    body: bytes
    truncated: bool = False
    location: str = ""

    @property
    def text(self) -> str:
        """The body as text; what is not UTF-8 is replaced."""
        return self.body.decode("utf-8", "replace")


class _Bytes:
    """What http.client reads an answer from, in place of a socket."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def makefile(self, *_arguments: object) -> io.BytesIO:
        return io.BytesIO(self._data)


async def request(
    host: str, port: int, method: str, path: str, headers: Mapping[str, str], body: bytes, timeout_s: float
) -> Reply:
    """The answer to one request. Raises Unanswered when there is none within `timeout_s` seconds."""
    try:
        async with asyncio.timeout(timeout_s):
            return await _exchange(host, port, render(host, port, method, path, headers, body), method)
    except TimeoutError:
        raise Unanswered(f"no answer within {round(timeout_s, 2):g} s") from None
    except ConnectionRefusedError:
        raise Unanswered(f"port {port} refuses connections", refused=True) from None
    except OSError as error:
        raise Unanswered(f"the connection broke: {error.strerror or error}") from error


def render(host: str, port: int, method: str, path: str, headers: Mapping[str, str], body: bytes) -> bytes:
    """The request as it is sent. Raises Unanswered for what would not be one request."""
    lines = [f"{method} {path} HTTP/1.1"]
    given = {name.lower() for name in headers}
    if "host" not in given:
        lines.append(f"Host: [{host}]:{port}" if ":" in host else f"Host: {host}:{port}")
    if "user-agent" not in given:
        lines.append("User-Agent: headgate-probe")
    lines += [f"{name}: {value}" for name, value in headers.items() if name.lower() != "connection"]
    if body or method not in _NO_BODY:
        lines.append(f"Content-Length: {len(body)}")
    lines.append("Connection: close")
    if any("\r" in line or "\n" in line for line in lines) or " " in path or not path.startswith("/"):
        raise Unanswered(
            f"cannot ask for {path!r}: a path begins with / and has no space or line break, nor has a header"
        )
    return "\r\n".join([*lines, "", ""]).encode("utf-8", "replace") + body


async def _exchange(host: str, port: int, message: bytes, method: str) -> Reply:
    reader, writer = await asyncio.open_connection(host, port, limit=_READ_BYTES)
    try:
        writer.write(message)
        await writer.drain()
        received, due = bytearray(), _Due(method)
        while True:
            chunk = await reader.read(_READ_BYTES)
            received += chunk
            if (not chunk or due.now(received)) and (
                reply := parse(bytes(received), method, whole=not chunk)
            ):
                return reply
    finally:
        writer.transport.abort()


class _Due:
    """When an answer that comes bit by bit is worth looking at: a bounded number of times, however small the bits."""

    def __init__(self, method: str) -> None:
        self._method = method
        self._searched = 0
        self._head = 0
        self._whole = -1  # where the answer ends; -1: not known
        self._next = 0.0
        self._tries = 0

    def now(self, received: bytearray) -> bool:
        """Whether `received`, which has grown, may be a whole answer, or never will be."""
        if not self._head and not self._found_head(received):
            return len(received) > HEAD_BYTES_MAX
        if self._whole >= 0 and len(received) < min(self._whole, self._head + BODY_BYTES_MAX + 1):
            return False
        ends = received.endswith(_CHUNKS_END) and self._tries < _TRIES_MAX
        if self._whole < 0 and len(received) < self._next and not ends:
            return False
        self._tries += 1
        self._next = len(received) * _GROWTH
        return True

    def _found_head(self, received: bytearray) -> bool:
        at = received.find(_HEAD_END, max(0, self._searched - len(_HEAD_END)))
        self._searched = len(received)
        if at < 0:
            return False
        start = _after_interim(received)
        end = received.find(_HEAD_END, start)
        if end < 0:
            return False
        self._head = end + len(_HEAD_END)
        response = http.client.HTTPResponse(
            cast("socket.socket", _Bytes(bytes(received[start : self._head]))), method=self._method
        )
        try:
            response.begin()
        except (http.client.HTTPException, ValueError):
            return True  # whoever reads it whole says what is wrong
        if response.length is not None:
            self._whole = self._head + response.length
        return True


def _after_interim(received: bytes | bytearray) -> int:
    """Where the answer itself begins, after what only announces it (1xx)."""
    start = 0
    for _ in range(_INTERIM_MAX):
        if _INTERIM.match(received, start) is None:
            break
        end = received.find(_HEAD_END, start)
        if end < 0:
            break
        start = end + len(_HEAD_END)
    return start


def parse(received: bytes, method: str, *, whole: bool) -> Reply | None:
    """The answer in `received`, None while it is not complete; `whole`: nothing more will come. Raises Unanswered."""
    received = received[_after_interim(received) :]
    if _HEAD_END not in received:
        if not whole and len(received) <= HEAD_BYTES_MAX:
            return None
        raise Unanswered(_no_answer(received))
    response = http.client.HTTPResponse(cast("socket.socket", _Bytes(received)), method=method)
    try:
        response.begin()
        body = response.read(BODY_BYTES_MAX + 1)
    except (http.client.HTTPException, ValueError) as error:
        more_helps = isinstance(error, http.client.IncompleteRead) and len(received) <= 2 * BODY_BYTES_MAX
        if more_helps and not whole:
            return None
        raise Unanswered(_no_answer(received)) from None
    open_ended = response.length is not None and response.length > 0
    unbounded = response.length is None and response.will_close and not response.chunked
    if len(body) <= BODY_BYTES_MAX and (open_ended or unbounded):
        if not whole:
            return None
        if open_ended:
            raise Unanswered("the answer is broken off")
    location = response.getheader("location") or ""
    return Reply(response.status, body[:BODY_BYTES_MAX], len(body) > BODY_BYTES_MAX, location)


def _no_answer(received: bytes) -> str:
    """What came instead of an answer."""
    if not received:
        return "the connection was closed"
    if (
        len(received) > _FRAME_KIND_AT
        and received[:2] == b"\0\0"
        and received[_FRAME_KIND_AT] in _FIRST_FRAMES
    ):
        return "it speaks HTTP/2 only, as gRPC does: check it with `tcp`, or with a command"
    return "the answer is not HTTP, or broken off"
