"""HTTP/1.1 connections that are kept alive. The protocol is h11's; this file is its one home."""

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

import h11

from headgate.lab.load.address import Address

BODY_BYTES_MAX = 1024 * 1024
# Shorter than any server keeps a quiet connection, so that we never send on one that is just being closed.
IDLE_S_MAX = 30.0

Header = tuple[str, str]


class ConnectError(ConnectionError):
    """No connection was made: nobody listens, or the machine has no room for it."""


class BrokenError(ConnectionError):
    """A connection ended, or sent what is not HTTP, before the whole answer was there."""


class Response(NamedTuple):
    """An answer. `body` is its first MiB."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str | None:
        """The first header called `name` (in lower case), or None."""
        return next((value for key, value in self.headers if key == name), None)


class Connection(asyncio.Protocol):
    """One connection. `exchange` asks and answers, one at a time; after an error it is of no more use."""

    def __init__(self) -> None:
        self._http = h11.Connection(h11.CLIENT)
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[Response] | None = None
        self._response: h11.Response | None = None
        self._body = bytearray()
        self.quiet_since = 0.0

    @property
    def reusable(self) -> bool:
        """Whether another exchange may follow."""
        return (
            self._transport is not None
            and not self._transport.is_closing()
            and self._answer is None
            and self._http.our_state is h11.IDLE
            and not self._http.trailing_data[0]  # it sent more than it was asked for
        )

    async def exchange(
        self, method: str, target: str, headers: Sequence[Header], body: bytes | None
    ) -> Response:
        """The answer; raises `BrokenError`. Whoever stops waiting for it closes the connection."""
        if self._transport is None:
            raise BrokenError("the connection is closed")
        self._answer = self._loop.create_future()
        self._body.clear()
        data = self._http.send(h11.Request(method=method, target=target, headers=list(headers)))
        data += (self._http.send(h11.Data(body)) if body else b"") + self._http.send(h11.EndOfMessage())
        self._transport.write(data)
        return await self._answer

    def close(self) -> None:
        """End it at once."""
        if self._transport is not None:
            self._transport.abort()
            self._transport = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ready."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        """The other side is gone."""
        self._transport = None
        self._fail(f"the connection ended: {exc or 'closed by the server'}")

    def eof_received(self) -> None:
        """The other side sends no more: the end of the answer, if that is how the answer ends."""
        self._receive(b"")

    def data_received(self, data: bytes) -> None:
        """Bytes of an answer."""
        if self._answer is None:
            self.close()  # nobody asked
            return
        self._receive(data)

    def _receive(self, data: bytes) -> None:
        try:
            self._http.receive_data(data)
            while self._answer is not None and self._take(self._http.next_event()):
                pass
        except h11.RemoteProtocolError as error:
            self._fail(f"not HTTP: {error}")

    def _take(self, event: h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]) -> bool:
        """Whether there may be more to take."""
        if isinstance(event, h11.Response):
            self._response = event
        elif isinstance(event, h11.Data):
            self._body += event.data[: BODY_BYTES_MAX - len(self._body)]
        elif isinstance(event, h11.EndOfMessage):
            self._finish()
        elif isinstance(event, h11.ConnectionClosed):
            self._fail("the connection ended before the answer")
        return isinstance(event, h11.Response | h11.InformationalResponse | h11.Data)

    def _finish(self) -> None:
        response, answer = self._response, self._answer
        assert response is not None
        assert answer is not None
        self._answer = None
        if self._http.our_state is h11.DONE and self._http.their_state is h11.DONE:
            self._http.start_next_cycle()
        headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in response.headers)
        if not answer.done():
            answer.set_result(Response(response.status_code, headers, bytes(self._body)))

    def _fail(self, reason: str) -> None:
        answer, self._answer = self._answer, None
        if answer is not None and not answer.done():
            answer.set_exception(BrokenError(reason))


class Pool:
    """Connections to one address: as many as there are exchanges at a time, the last one used first."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._loop = asyncio.get_running_loop()
        self._quiet: list[Connection] = []

    async def exchange(
        self, method: str, path: str, headers: Sequence[Header], body: bytes | None
    ) -> Response:
        """The answer; raises `ConnectError` or `BrokenError`. Nothing is sent twice, and no redirect is followed."""
        connection = self._take() or await self._connect()
        named = [("host", self._address.authority), *headers]
        if body is not None:
            named += [("content-type", "application/json"), ("content-length", str(len(body)))]
        try:
            response = await connection.exchange(method, self._address.prefix + path, named, body)
        except BaseException:  # a cancelled exchange too: its answer would come in the next one's place
            connection.close()
            raise
        if connection.reusable:
            connection.quiet_since = self._loop.time()
            self._quiet.append(connection)
        else:
            connection.close()
        return response

    def close(self) -> None:
        """Close what is quiet."""
        for connection in self._quiet:
            connection.close()
        self._quiet.clear()

    def _take(self) -> Connection | None:
        while self._quiet:
            connection = self._quiet.pop()
            if connection.reusable and self._loop.time() - connection.quiet_since < IDLE_S_MAX:
                return connection
            connection.close()
        return None

    async def _connect(self) -> Connection:
        try:
            _, connection = await self._loop.create_connection(
                Connection, self._address.host, self._address.port
            )
        except OSError as error:
            raise ConnectError(f"no connection to {self._address.authority}: {error}") from None
        return connection
