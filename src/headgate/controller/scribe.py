"""The scribe of one release: writes its events into the ledger in order, and spools what it cannot take yet."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from time import perf_counter

from headgate.controller.lease import Lease
from headgate.ledger import Conflict, Ledger, LedgerError
from headgate.ledger.codec import CODEC
from headgate.ledger.spool import Spool, Unwritten
from headgate.ports.controller import Stopped

PROMPT_S = 0.25
"""How long whoever decides waits for the ledger; after that it goes on in the direction of safety."""

SILENT = "the ledger does not answer: it is locked, or its disk is slow"

RETRY_S = 1.0
BEGIN_WITHIN_S = 10.0
"""How long a new release waits for a ledger that cannot be written: nothing has been begun yet."""

BEHIND_MAX = 4000
"""So many entries may wait for the ledger; before there are more, users are taken to the safe side."""


class Overtaken(Stopped):
    """Another controller wrote to the release, or holds the lease now."""


Written = Callable[[Unwritten, float], None]
"""Told of what the ledger has taken in, and how long that took (seconds). It never raises."""


@dataclass
class _Waiting:
    entry: Unwritten
    spooled: bool = False
    error: Exception | None = None
    written: asyncio.Event = field(default_factory=asyncio.Event)


class Scribe:
    """One release's way into the ledger.

    `trouble` says why the ledger lags behind; empty: it does not. `changed` is called when it has caught up, and when
    it never will: `broken` is then what to raise.
    """

    def __init__(
        self, ledger: Ledger, spool: Spool, lease: Lease, written: Written, changed: Callable[[], None]
    ) -> None:
        self._ledger = ledger
        self._spool = spool
        self._lease = lease
        self._written = written
        self._changed = changed
        self._waiting: deque[_Waiting] = deque()
        self._drain: asyncio.Task[None] | None = None
        self._spooling: asyncio.Task[None] | None = None
        self._unspooled = ""
        self._said = ""
        self._late = False
        self.broken: Overtaken | None = None

    @property
    def behind(self) -> int:
        """How many entries the ledger has not got yet."""
        return len(self._waiting)

    @property
    def trouble(self) -> str:
        """Why the ledger is behind, in words; empty while it is not."""
        if not self._waiting or not self._late:
            return ""
        kept = f"; {self._unspooled}" if self._unspooled else "; what happens meanwhile is kept beside it"
        return f"{self._said or SILENT}{kept}"

    def take_up(self, entries: Iterable[Unwritten]) -> None:
        """Begin with what an earlier controller had to leave in the spool."""
        self._waiting.extend(_Waiting(entry, spooled=True) for entry in entries)
        if self._waiting:
            self._said = "an earlier controller could not write everything into the ledger"
            self._late = True
            self._start()

    async def begin(self, entry: Unwritten) -> None:
        """Write a release's first entry. Raises Overtaken, and LedgerError when it cannot be written in time."""
        deadline = asyncio.get_running_loop().time() + BEGIN_WITHIN_S
        while True:
            try:
                return await self._append(entry)
            except LedgerError:
                if asyncio.get_running_loop().time() > deadline:
                    raise
            await asyncio.sleep(RETRY_S)

    async def write(self, entry: Unwritten) -> None:
        """Hand an entry over and wait a moment for the ledger to have it: `behind` says whether it has.

        Raises Overtaken, and ValueError for what no ledger could hold.
        """
        lagging = bool(self._waiting)
        if lagging:
            CODEC.encode(entry.event)  # nobody will wait here any more when the ledger comes to it
        waiting = _Waiting(entry)
        self._waiting.append(waiting)
        self._start()
        if not lagging:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(PROMPT_S):
                    await waiting.written.wait()
        if self.broken is not None:
            raise self.broken
        if waiting.error is not None:
            raise waiting.error
        if not waiting.written.is_set():
            self._late = True
            self._keep()

    async def drained(self) -> None:
        """Return once the ledger has everything. Raises Overtaken."""
        while self._waiting:
            await self._waiting[-1].written.wait()
            if self.broken is not None:
                raise self.broken

    async def close(self) -> None:
        """Write no more. What is still on its way is in the spool, as far as that could be written."""
        tasks = [task for task in (self._drain, self._spooling) if task is not None]
        if self._spooling is not None:
            await asyncio.wait({self._spooling}, timeout=RETRY_S)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _start(self) -> None:
        if self._drain is None or self._drain.done():
            self._drain = asyncio.create_task(self._write_all())

    async def _write_all(self) -> None:
        """One entry after another, for as long as it takes."""
        while self._waiting and self.broken is None:
            first = self._waiting[0]
            if await self._write_first(first) and first.spooled and not self._waiting:
                with contextlib.suppress(LedgerError):  # what the ledger has is skipped when it is read again
                    await self._spool.forget(first.entry.release)
        self._said = self._unspooled = ""
        late, self._late = self._late, False
        if late or self.broken is not None:
            self._changed()

    async def _write_first(self, first: _Waiting) -> bool:
        """Write the entry that has waited longest; False when that must be tried again, or never will succeed."""
        try:
            await self._append(first.entry)
        except Overtaken as overtaken:
            self._break(overtaken)
            return False
        except LedgerError as error:
            self._said = str(error)
            self._keep()
            await asyncio.sleep(RETRY_S)
            return False
        except Exception as error:  # noqa: BLE001 - whoever brought it hears of it; the next one may be sound
            first.error = error
        self._waiting.popleft()
        first.written.set()
        return True

    def _break(self, overtaken: Overtaken) -> None:
        self.broken = overtaken
        for waiting in self._waiting:
            waiting.written.set()

    async def _append(self, entry: Unwritten) -> None:
        if not self._lease.held():
            raise Overtaken("this controller has lost its lease: another one runs the release")
        began = perf_counter()
        try:
            await self._ledger.append(entry.release, entry.expected, entry.event, entry.summary, entry.sample)
        except Conflict as conflict:
            raise Overtaken(str(conflict)) from conflict
        self._written(entry, perf_counter() - began)

    def _keep(self) -> None:
        """Have what waits spooled, without waiting for that: the disk may hang as the ledger's does."""
        if self._spooling is None or self._spooling.done():
            self._spooling = asyncio.create_task(self._spool_all())

    async def _spool_all(self) -> None:
        while (entry := next((one for one in self._waiting if not one.spooled), None)) is not None:
            if not self._lease.held():
                return  # whoever runs the release now decides anew, and spools what that leads to
            try:
                await self._spool.add(entry.entry)
            except (LedgerError, ValueError) as error:
                self._unspooled = f"nor can it be kept beside it: {error}"
                return
            entry.spooled, self._unspooled = True, ""


def following(entries: int, spooled: Iterable[Unwritten]) -> tuple[Unwritten, ...]:
    """Of a release's spooled entries those that come after the `entries` that the ledger has, without a gap."""
    found: list[Unwritten] = []
    for entry in spooled:
        if entry.expected == entries + len(found):
            found.append(entry)
    return tuple(found)
