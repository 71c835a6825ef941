"""The end of a connection that is asked: each question is answered by a task of its own, a bounded number at once."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from socket import socket

from headgate.ipc.frames import Broken, framed
from headgate.ipc.messages import Answer, Ask, Refused, Reply, question, written
from headgate.ipc.streams import read_frame
from headgate.ports.redaction import KNOWN

UNDER_WAY_MAX = 64
"""So many questions of one connection are worked on at once; what comes after them is not read before one is done."""

CONNECTIONS_MAX = 64
"""Whoever has the socket's rights may open so many connections at once."""

IDLE_MAX_S = 60.0
"""A connection at the socket on which nothing is asked for so long is closed."""

SEND_MAX_S = 10.0

Handle = Callable[[Ask], Awaitable[Answer]]
"""Answers one question. What it raises is answered as a fault of ours."""

_log = logging.getLogger(__name__)


class Answering:
    """Answers what is asked on one connection, until the other side ends."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        handle: Handle,
        idle_max_s: float | None = None,
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._handle = handle
        self._idle_max_s = idle_max_s
        self._room = asyncio.Semaphore(UNDER_WAY_MAX)
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Return when the other side has ended, or sent what is no question, or asked nothing for too long."""
        try:
            while (content := await self._next()) is not None:
                await self._room.acquire()
                task = asyncio.create_task(self._answer(content))
                self._tasks.add(task)
                task.add_done_callback(self._done)
        except (Broken, OSError, TimeoutError) as error:
            _log.info("a connection was closed: %s: %s", type(error).__name__, error)
        finally:
            await self._end()

    async def _next(self) -> bytes | None:
        async with asyncio.timeout(self._idle_max_s if not self._tasks else None):
            return await read_frame(self._reader)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._room.release()

    async def _answer(self, content: bytes) -> None:
        try:
            asked = question(content)
        except ValueError as error:
            await self._send(Reply(0, Refused("malformed", str(error))))
            self._writer.close()
            return
        try:
            answer = await self._handle(asked.ask)
        except Exception as error:  # noqa: BLE001 - one question that breaks us ends no other
            _log.exception("%s could not be answered", type(asked.ask).__name__)
            answer = Refused("broken", KNOWN.clean(f"{type(error).__name__}: {error}"))
        await self._send(Reply(asked.number, answer))

    async def _send(self, reply: Reply) -> None:
        try:
            content = framed(written(reply))
        except Broken as error:
            content = framed(written(Reply(reply.number, Refused("broken", str(error)))))
        try:
            self._writer.write(content)
            async with asyncio.timeout(SEND_MAX_S):
                await self._writer.drain()
        except (OSError, TimeoutError):
            self._writer.transport.abort()

    async def _end(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._writer.transport.abort()


@contextlib.asynccontextmanager
async def answering(listener: socket, handle: Handle) -> AsyncGenerator[None]:
    """Answer at a socket while the context lasts."""
    under_way: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(under_way) >= CONNECTIONS_MAX:
            writer.transport.abort()
            return
        task = asyncio.current_task()
        if task is not None:
            under_way.add(task)
        try:
            await Answering(reader, writer, handle, IDLE_MAX_S).run()
        finally:
            if task is not None:
                under_way.discard(task)

    server = await asyncio.start_unix_server(connected, sock=listener)
    try:
        yield
    finally:
        server.close()
        for task in list(under_way):
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)
