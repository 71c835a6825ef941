"""Connections: keep-alive, one request after another on each, and a stop that loses nothing that was asked."""

import asyncio
import sys
from collections.abc import Awaitable, Callable

from shop.message import (
    BODY_BYTES_MAX,
    HEAD_BYTES_MAX,
    RefusedError,
    Request,
    Response,
    as_json,
    take_request,
)

Handler = Callable[[Request], Awaitable[Response]]

BUFFER_BYTES_MAX = HEAD_BYTES_MAX + BODY_BYTES_MAX
SWEEP_S_MAX = 5.0


class Server:
    """Listens on 127.0.0.1 and answers by `handler`, which must not raise.

    A connection that is quiet for `idle_s` is closed. A stop keeps quiet ones for `grace_s` more: a client that sends
    just as we stop still gets its answer, with `connection: close`. What is in flight then has `drain_s` to finish.
    """

    def __init__(self, handler: Handler, *, idle_s: float, grace_s: float, drain_s: float) -> None:
        self.handler = handler
        self.draining = False
        self.connections: set[Connection] = set()
        self._idle_s = idle_s
        self._grace_s = grace_s
        self._drain_s = drain_s
        self._listener: asyncio.Server | None = None
        self._sweeper: asyncio.Task[None] | None = None

    async def listen(self, port: int) -> int:
        """Listen on `port` (0 picks a free one); returns the port."""
        loop = asyncio.get_running_loop()
        self._listener = await loop.create_server(lambda: Connection(self), "127.0.0.1", port, backlog=256)
        self._sweeper = loop.create_task(self._sweep())
        return int(self._listener.sockets[0].getsockname()[1])

    async def drain(self) -> None:
        """Accept nothing new, finish what is in flight (at most `drain_s`), then close what is left."""
        loop = asyncio.get_running_loop()
        self.draining = True
        await asyncio.sleep(0)  # the connections that already wait in the backlog are still accepted
        if self._listener is not None:
            self._listener.close()
        if self._sweeper is not None:
            self._sweeper.cancel()
        started = loop.time()
        while self.connections and loop.time() - started < self._drain_s:
            if loop.time() - started >= self._grace_s:
                self._close_idle(loop.time())
            await asyncio.sleep(0.01)
        for connection in list(self.connections):
            connection.abort()

    async def _sweep(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(min(SWEEP_S_MAX, self._idle_s / 4))
            self._close_idle(loop.time() - self._idle_s)

    def _close_idle(self, since: float) -> None:
        for connection in list(self.connections):
            if connection.idle_since is not None and connection.idle_since <= since:
                connection.close()


class Connection(asyncio.Protocol):
    """One client. Requests that it sends ahead wait in the buffer until the one before is answered."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._loop = asyncio.get_running_loop()
        self._buffer = bytearray()
        self._transport: asyncio.Transport | None = None
        self._answering: asyncio.Task[None] | None = None
        self._eof = False
        self.idle_since: float | None = self._loop.time()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._server.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        # A handler that runs on finishes its work (a checkout is not undone); only its answer has nowhere to
        # go.
        self._transport = None
        self._server.connections.discard(self)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if len(self._buffer) > BUFFER_BYTES_MAX and self._transport is not None:
            self._transport.pause_reading()
        self._next()

    def eof_received(self) -> bool:
        self._eof = True
        return self._answering is not None  # a client may shut its sending half and wait for the answer

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def _next(self) -> None:
        if self._answering is not None or self._transport is None or self._transport.is_closing():
            return
        try:
            request = take_request(self._buffer)
        except RefusedError as refused:
            self._transport.write(as_json({"error": refused.reason}, refused.status).render(keep_alive=False))
            self._transport.close()
            return
        if request is None:
            # Half a request does not count as work: a client that never sends the rest is idle.
            self.idle_since = self.idle_since or self._loop.time()
            return
        self.idle_since = None
        self._answering = self._loop.create_task(self._answer(request))

    async def _answer(self, request: Request) -> None:
        response = await self._server.handler(request)
        self._answering = None
        if self._transport is None:
            return
        keep_alive = request.keep_alive and not self._server.draining and not self._eof
        self._transport.write(response.render(keep_alive=keep_alive, with_body=request.method != "HEAD"))
        if not keep_alive:
            self._transport.close()
            return
        self._transport.resume_reading()
        self._next()


def log(text: str) -> None:
    """One line to standard error, at once."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()
