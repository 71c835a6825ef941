"""A process beside the controller: started, watched, started again when it dies or falls silent, ended with it."""

import asyncio
import contextlib
import logging
import socket
import sys
import time
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

FIRST_PAUSE_S, LAST_PAUSE_S = 0.2, 10.0
"""After a death; twice as long each time, from the beginning again after WELL_S of life."""

WELL_S = 30.0
STARTING_S = 15.0
"""So long after its start nothing need be heard of it."""

SILENT_S = 5.0
"""Not heard of for so long is trouble; for HUNG_S: it is killed, and started anew."""

HUNG_S = 60.0
LOOK_S = 0.5
END_S = 7.0
"""Between the word that it is over and SIGKILL."""

LINE_MAX = 500
LINES_MAX = 200
"""So much of what one process says on its standard error goes into the log."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Calling:
    """Which process: `name` for people, `module` is run as `python -m MODULE HOME FD`.

    `finishes`: it has something to do at its end, and is waited for also when it has hardly begun.
    """

    name: str
    module: str
    finishes: bool = False


Take = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
"""Speaks with a process that was just started, over the link to it, until that ends."""


class Child:
    """Keeps one process. `run` does it; `heard` is for whoever speaks with it."""

    def __init__(self, calling: Calling, home: Path, take: Take) -> None:
        self.calling = calling
        self._home = home
        self._take = take
        self._started_at = 0.0
        self._heard_at = 0.0
        self._down = ""
        self._last_words = ""
        self._said: dict[str, str] = {}

    def heard(self, trouble: dict[str, str]) -> None:
        """The process lives, and says what it has trouble with."""
        self._heard_at = time.monotonic()
        self._said = trouble

    def trouble(self) -> dict[str, str]:
        """What is wrong with it, and what it says itself, by name."""
        name, silent_s = self.calling.name, self._silent_s()
        if self._down:
            return {name: self._down}
        if silent_s > SILENT_S:
            return self._said | {name: f"the process has not been heard of for {silent_s:.0f} s"}
        return self._said

    async def run(self) -> None:
        """Keep it running, until cancelled; then end it."""
        pause_s = FIRST_PAUSE_S
        while True:
            began = time.monotonic()
            ended = await self._once()
            if time.monotonic() - began >= WELL_S:
                pause_s = FIRST_PAUSE_S
            words = f": {self._last_words}" if self._last_words else ""
            self._down = f"the process ended ({ended}{words}) and is started again"
            _log.warning("%s: %s", self.calling.name, self._down)
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, LAST_PAUSE_S)

    async def _once(self) -> str:
        """One life; says how it ended."""
        ours, theirs = socket.socketpair()
        with contextlib.closing(theirs):
            try:
                process = await asyncio.create_subprocess_exec(
                    *(sys.executable, "-P", "-m", self.calling.module, str(self._home), str(theirs.fileno())),
                    stdin=DEVNULL,
                    stdout=DEVNULL,
                    stderr=PIPE,
                    pass_fds=(theirs.fileno(),),
                    start_new_session=True,  # a terminal's Ctrl-C is for the command, which ends us in its own time
                )
            except OSError as error:
                ours.close()
                return f"it cannot be started: {error.strerror}"
        self._started_at = time.monotonic()
        self._heard_at, self._down, self._last_words, self._said = 0.0, "", "", {}
        reader, writer = await asyncio.open_connection(sock=ours)
        tasks = [
            asyncio.create_task(one)
            for one in (self._speak(reader, writer), self._listen(process), self._watch(process))
        ]
        try:
            status = await process.wait()
            return f"exit status {status}" if status >= 0 else f"signal {-status}"
        finally:
            writer.transport.abort()
            await _ended(process, self._end_s())
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _speak(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._take(reader, writer)
        except Exception:  # noqa: BLE001 - whatever broke the link, the process is started anew
            _log.exception("the link to %s broke", self.calling.name)
        finally:
            writer.transport.abort()  # without a link it is of no use, and ends

    async def _watch(self, process: Process) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            if self._silent_s() > HUNG_S:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()

    async def _listen(self, process: Process) -> None:
        """What it says on its standard error: the interpreter's own last words, say."""
        if process.stderr is None:
            return
        count = 0
        while True:
            try:
                line = await process.stderr.readline()
            except ValueError:
                continue  # a line without end; what of it was read is dropped
            if not line:
                return
            self._last_words = line.decode(errors="replace").strip()[:LINE_MAX]
            count += 1
            if count <= LINES_MAX:
                _log.warning("%s says: %s", self.calling.name, self._last_words)

    def _end_s(self) -> float:
        if self.calling.finishes:
            return END_S if self._heard_at else STARTING_S
        return END_S if self._heard_at else 0.0  # one that has not begun has nothing to end

    def _silent_s(self) -> float:
        if not self._started_at or self._down:
            return 0.0
        since = self._heard_at or self._started_at + STARTING_S
        return max(0.0, time.monotonic() - since)


async def _ended(process: Process, within_s: float) -> None:
    """The end of the link is its word to end; it has so many seconds."""
    try:
        async with asyncio.timeout(within_s):
            await process.wait()
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
