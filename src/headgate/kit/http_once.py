"""One HTTP/1.1 request over a connection of its own, for whoever has no event loop: bounded in size and in time.

No redirect is followed, no proxy asked, nothing tried again. By the standard library, which starts quickest and needs
no more than it does today where something must be rescued.
"""

import contextlib
import http.client
import io
import time
from collections.abc import Mapping
from socket import socket
from typing import Any, NamedTuple, cast

NO_HEADERS: Mapping[str, str] = {}


class NoAnswer(Exception):  # noqa: N818 - a fact about the other side
    """There was no whole answer, in time, of a size that is allowed, in HTTP. The message says which, for people."""


class Answer(NamedTuple):
    """What was answered, with whatever status."""

    status: int
    body: bytes


class _Received(io.RawIOBase):
    """What comes on a connection until a deadline, in place of the socket that http.client reads from."""

    def __init__(self, connection: socket, deadline: float) -> None:
        self._connection = connection
        self._deadline = deadline
        self._pause_s = connection.gettimeout()

    def readable(self) -> bool:
        """See io.RawIOBase."""
        return True

    def readinto(self, buffer: Any, /) -> int:  # noqa: ANN401 - any writable buffer
        """See io.RawIOBase. Raises OSError."""
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        self._connection.settimeout(left if self._pause_s is None else min(left, self._pause_s))
        return self._connection.recv_into(buffer)

    def makefile(self, *_: object) -> io.BufferedReader:
        return io.BufferedReader(self)


def ask_once(
    connection: socket,
    method: str,
    target: str,
    content: bytes | None = None,
    headers: Mapping[str, str] = NO_HEADERS,
    *,
    within_s: float,
    max_bytes: int,
) -> Answer:
    """The answer on `connection`, which ends with it. `within_s` is for all of it, `max_bytes` for its body.

    The connection's own time-out is for each pause of the other side. Raises NoAnswer.
    """
    deadline = time.monotonic() + within_s
    with contextlib.closing(connection):
        try:
            made = http.client.HTTPConnection("headgate")  # the Host, where `headers` has none
            made.sock = connection
            made.request(method, target, content, {"connection": "close", **headers})
            received = cast("socket", _Received(connection, deadline))
            with contextlib.closing(http.client.HTTPResponse(received, method=method)) as response:
                response.begin()
                body = response.read(max_bytes + 1)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise NoAnswer(str(error) or type(error).__name__) from error
    if len(body) > max_bytes:
        raise NoAnswer(f"the answer is larger than {max_bytes} bytes")
    if response.length:
        raise NoAnswer("the answer broke off")
    return Answer(response.status, body)
