"""The end of a connection that asks: any number of questions at once, up to a bound, each with its own time limit."""

import asyncio
import contextlib
import itertools

from headgate.ipc.frames import Broken, framed
from headgate.ipc.messages import Answer, Ask, Question, reply, written
from headgate.ipc.streams import read_frame

UNDER_WAY_MAX = 256
"""So many questions may be without an answer; the next one is refused at once."""


class Silent(Exception):  # noqa: N818 - a fact about the other side
    """There is no answer: in time, or at all. The message says which."""


class Asking:
    """Asks over one connection. `closed` is set once the other side has ended."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Answer]] = {}
        self.closed = asyncio.Event()
        self._task = asyncio.create_task(self._listen())

    async def ask(self, ask: Ask, within_s: float) -> Answer:
        """The answer. Raises Silent; Broken when the question is too large."""
        if self.closed.is_set():
            raise Silent("the other process has ended")
        if len(self._waiting) >= UNDER_WAY_MAX:
            raise Silent(f"{UNDER_WAY_MAX} questions wait for an answer already")
        number = next(self._numbers)
        content = framed(written(Question(number, ask)))
        waiting: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting[number] = waiting
        try:
            async with asyncio.timeout(within_s):
                self._writer.write(content)
                await self._writer.drain()
                return await waiting
        except TimeoutError as error:
            raise Silent(f"no answer within {within_s:g} s") from error
        except OSError as error:
            raise Silent(f"the other process has ended: {error}") from error
        finally:
            self._waiting.pop(number, None)

    async def rest(self, within_s: float) -> None:
        """Return once the other side has ended, after so many seconds at the latest."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                await self.closed.wait()

    async def close(self) -> None:
        """Ask no more."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _listen(self) -> None:
        said = "the other process has ended"
        try:
            while (content := await read_frame(self._reader)) is not None:
                found = reply(content)
                waiting = self._waiting.get(found.number)
                if waiting is not None and not waiting.done():
                    waiting.set_result(found.answer)
        except (Broken, OSError, ValueError) as error:
            said = f"the connection broke: {error}"
        finally:
            self.closed.set()
            for waiting in self._waiting.values():
                if not waiting.done():
                    waiting.set_exception(Silent(said))
            self._writer.transport.abort()
