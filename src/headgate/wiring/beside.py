"""What lives beside the controller: which processes, what they are told, and what is known of them."""

import asyncio
import contextlib
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncGenerator
from pathlib import Path

from headgate.ipc.answering import Answering
from headgate.ipc.child import Calling, Child
from headgate.ipc.messages import Answer, Ask, Noted, Report
from headgate.ipc.steering import Desk

DOOR = Calling("door", "headgate.wiring.door")


class Door:
    """The process that others reach. `url` is where it is, once it has said so."""

    def __init__(self, home: Path) -> None:
        self._child = Child(DOOR, home, self._serve)
        self._desk: Desk | None = None
        self.url = ""

    def trouble(self) -> dict[str, str]:
        """What is wrong with it, by name."""
        return self._child.trouble()

    @contextlib.asynccontextmanager
    async def running(self, desk: Desk) -> AsyncGenerator[None]:
        """Keep it while the context lasts; it steers at `desk`. Nobody waits for it."""
        self._desk = desk
        task = asyncio.create_task(self._child.run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        self.url = ""
        try:
            await Answering(reader, writer, self._answer).run()
        finally:
            self.url = ""

    async def _answer(self, ask: Ask) -> Answer:
        if isinstance(ask, Report):
            self.url = ask.url
            self._child.heard(ask.trouble)
            return Noted()
        assert self._desk is not None  # it runs at a desk only
        return await self._desk.handle(ask)
