"""Every connection that others open to us: how many there may be, and how long each part of it may take.

uvicorn bounds none of this but the pause between two requests. Whoever has not sent a whole request line and header
within HEADER_S, or a whole body within BODY_S, or reads nothing of an answer for STALLED_S, is cut off. Where there
are too many connections, those go first that ask for nothing: half-sent requests and idle ones, the oldest first, so
that a thousand of them keep nobody out who sends a request.
"""

import asyncio
from collections import Counter, OrderedDict
from collections.abc import Callable
from typing import Any, cast

import h11
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from headgate.web.http.problems import Problem

HEADER_S = 10.0
BODY_S = 35.0
"""A little more than an endpoint waits for a body: it can say so itself."""

STALLED_S = 35.0
"""A little more than a stream waits for a listener."""

HEAD_MAX_BYTES = 32_768
"""Of a request's line and header together, as long as they are not whole."""

CONNECTIONS_MAX = 2048
RESERVED = 256
"""Descriptors that stay free for the ledger, files, and connections of our own."""

PER_ADDRESS_MAX = 1536
"""A proxy before the door is one address; so are all who share a machine."""

WAITING_MAX = 256
"""Connections that ask for nothing (half-sent requests, idle ones) in all; of more, the oldest are cut off."""

HEADERS_MAX = 100
PATH_MAX_BYTES = 2048
QUERY_MAX_BYTES = 8192
PARAMETERS_MAX = 100


class Connections:
    """The connections of one server. `capacity` is how many there may be, as far as descriptors allow."""

    def __init__(self, capacity: int = CONNECTIONS_MAX, waiting_max: int = WAITING_MAX) -> None:
        self._capacity = capacity
        self._waiting_max = waiting_max
        self._waiting: OrderedDict[_Bounded, None] = OrderedDict()
        self._by_address: Counter[str] = Counter()
        self._all: set[_Bounded] = set()

    def admit(self, connection: "_Bounded") -> bool:
        """Take one more, at the cost of one that asks for nothing where there is no room; false: there is none."""
        while len(self._all) >= self._capacity and self._waiting:
            self._cut_oldest()
        if len(self._all) >= self._capacity:
            return False
        address = connection.address
        if address and self._by_address[address] >= PER_ADDRESS_MAX:
            return False
        self._all.add(connection)
        self._by_address[address] += 1
        return True

    def left(self, connection: "_Bounded") -> None:
        """The connection is gone. May be called again."""
        self._waiting.pop(connection, None)
        if connection not in self._all:
            return
        self._all.discard(connection)
        self._by_address[connection.address] -= 1
        if self._by_address[connection.address] <= 0:
            del self._by_address[connection.address]

    def waits(self, connection: "_Bounded") -> None:
        """The connection is idle from now on."""
        self._waiting[connection] = None
        while len(self._waiting) > self._waiting_max:
            self._cut_oldest()

    def asks(self, connection: "_Bounded") -> None:
        """The connection has sent a whole request."""
        self._waiting.pop(connection, None)

    def _cut_oldest(self) -> None:
        oldest, _ = self._waiting.popitem(last=False)
        oldest.cut()
        self.left(oldest)


class _Bounded(H11Protocol):
    """One connection. Its timers: to the whole header, from there to the whole body, and while nothing is taken."""

    def __init__(self, connections: Connections, *arguments: Any, **named: Any) -> None:  # noqa: ANN401 - uvicorn's
        super().__init__(*arguments, **named)
        self._connections = connections
        self._timer: asyncio.TimerHandle | None = None
        self._stalled: asyncio.TimerHandle | None = None
        self._asking = False
        self.address = ""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request, or refuse at once where there is no room."""
        super().connection_made(transport)
        self.address = self.client[0] if self.client else ""
        if not self._connections.admit(self):
            self.cut()
            return
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Whatever comes; a request that is whole now goes on, and its body has BODY_S."""
        super().data_received(data)
        self._look()

    def on_response_complete(self) -> None:
        """The answer is sent: what comes next is another request, or nothing."""
        super().on_response_complete()
        if not self.transport.is_closing():
            self._look()

    def pause_writing(self) -> None:
        """The other side takes nothing."""
        super().pause_writing()
        self._stalled = self._stalled or self.loop.call_later(STALLED_S, self.cut)

    def resume_writing(self) -> None:
        """The peer reads again."""
        super().resume_writing()
        self._not_stalled()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection has ended."""
        self._unset()
        self._not_stalled()
        self._connections.left(self)
        super().connection_lost(exc)

    def cut(self) -> None:
        """End it at once."""
        self._unset()
        self.transport.abort()

    def _look(self) -> None:
        """Whether a request is under way, and whether all of it is here."""
        cycle = cast("RequestResponseCycle | None", self.cycle)  # there is none before the first request
        under_way = cycle is not None and not cycle.response_complete
        if under_way and not self._asking:
            self._asking = True
            self._connections.asks(self)
            self._set(BODY_S)
        elif not under_way and (self._asking or self._timer is None):
            self._wait()
        if under_way and self.conn.their_state is not h11.SEND_BODY:
            self._unset()

    def _wait(self) -> None:
        self._asking = False
        self._set(HEADER_S)
        self._connections.waits(self)

    def _set(self, within_s: float) -> None:
        self._unset()
        self._timer = self.loop.call_later(within_s, self.cut)

    def _unset(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _not_stalled(self) -> None:
        if self._stalled is not None:
            self._stalled.cancel()
            self._stalled = None


def bounded(connections: Connections) -> type[asyncio.Protocol]:
    """The protocol of a server whose connections these are."""

    class Bounded(_Bounded):
        def __init__(self, *arguments: Any, **named: Any) -> None:  # noqa: ANN401 - uvicorn's
            super().__init__(connections, *arguments, **named)

    return Bounded


def within_bounds(application: ASGIApp) -> ASGIApp:
    """The application, for requests whose header, path and query are of a size that anybody needs."""

    async def bounded_application(scope: Scope, receive: Receive, send: Send) -> None:
        problem = _beyond(scope) if scope["type"] == "http" else None
        answer: Callable[..., Any] = application if problem is None else problem.response()
        await answer(scope, receive, send)

    return bounded_application


def _beyond(scope: Scope) -> Problem | None:
    query: bytes = scope["query_string"]
    if len(scope["headers"]) > HEADERS_MAX:
        return Problem(431, "header too large", f"a request has at most {HEADERS_MAX} header lines")
    if len(scope["raw_path"]) > PATH_MAX_BYTES or len(query) > QUERY_MAX_BYTES:
        detail = f"a path has at most {PATH_MAX_BYTES} bytes, a query {QUERY_MAX_BYTES}"
        return Problem(414, "address too long", detail)
    if not query.isascii():
        return Problem(400, "malformed request", "a query is ASCII: percent-encode the rest")
    if query.count(b"&") + query.count(b";") >= PARAMETERS_MAX:
        return Problem(414, "address too long", f"a query has at most {PARAMETERS_MAX} parameters")
    return None
