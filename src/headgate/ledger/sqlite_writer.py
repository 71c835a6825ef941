"""The one writer: a thread that commits what many coroutines ask for together, with one fsync for all of them."""

import asyncio
import queue
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Generic, TypeVar

from headgate.ledger.errors import LedgerBusy, LedgerError
from headgate.ledger.sqlite_connection import checkpoint, close_quietly, connect_writer, explained
from headgate.ledger.sqlite_place import Place

T = TypeVar("T")

FOLD_EVERY_S = 60.0
"""How often, while anything is written, the write-ahead log is folded into the file."""

BATCH_MAX = 512
"""Jobs committed together."""

PENDING_MAX = 10_000
"""Jobs that may wait; more are refused."""


class Refused(Exception):  # noqa: N818 - wraps the refusal that the caller gets
    """Raised by a job's act, before it has written anything: only this job fails, with `reason`."""

    def __init__(self, reason: Exception) -> None:
        super().__init__(str(reason))
        self.reason = reason


class _Job(Generic[T]):
    """Something to do in a transaction, and who waits for it."""

    def __init__(self, act: Callable[[sqlite3.Connection], T], loop: asyncio.AbstractEventLoop) -> None:
        self.act = act
        self.loop = loop
        self.future: asyncio.Future[T] = loop.create_future()
        self.result: T | None = None
        self.error: Exception | None = None

    def run(self, connection: sqlite3.Connection) -> None:
        try:
            self.result = self.act(connection)
        except Refused as refused:
            self.error = refused.reason

    def settle(self) -> None:
        """Tell who waits, on their loop; nobody may be waiting any more."""
        if self.future.done():
            return
        if self.error is not None:
            self.future.set_exception(self.error)
        else:
            self.future.set_result(self.result)  # type: ignore[arg-type] # what act returned


class Writer:
    """Runs jobs in batches, each batch in one transaction that is durable before anybody hears of it."""

    def __init__(self, path: Path, busy_s: float) -> None:
        self._path = path
        self._busy_s = busy_s
        self._connection: sqlite3.Connection | None = connect_writer(path, busy_s)
        self._place: Place | None = None
        self._folded_at = time.monotonic()
        self._jobs: queue.SimpleQueue[_Job[object] | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._closed = False

    def guard(self, place: Place) -> None:
        """Write to the file that is there now under its name, and to no other."""
        place.opened()
        self._place = place

    async def run(self, act: Callable[[sqlite3.Connection], T]) -> T:
        """Run `act` in a transaction; returns its result once that is on disk. Raises LedgerError or act's refusal."""
        if self._jobs.qsize() >= PENDING_MAX:
            raise LedgerBusy(
                f"{PENDING_MAX} appends wait already for the ledger at {self._path}: its disk is too slow"
            )
        job = _Job(act, asyncio.get_running_loop())
        with self._lock:
            if self._closed:
                raise LedgerError(f"the ledger at {self._path} is closed: nothing more can be written")
            if self._thread is None:
                # A daemon: a program that forgets to close must not hang; what it was told is on disk is there.
                self._thread = threading.Thread(target=self._work, name="ledger-writer", daemon=True)
                self._thread.start()
            self._jobs.put(job)  # type: ignore[arg-type] # the queue only runs and settles it
        return await job.future

    def close(self) -> None:
        """Finish what waits, and let go of the file."""
        with self._lock:
            closing, self._closed = not self._closed, True
        if closing and self._thread is not None:
            self._jobs.put(None)
            self._thread.join()
        if self._connection is not None:
            checkpoint(self._connection, "TRUNCATE")
            close_quietly(self._connection)
            self._connection = None

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            batch = [job]
            ended = self._gather(batch)
            self._commit(batch)
            _settle(batch)
            self._fold()
            if ended:
                return

    def _gather(self, batch: list[_Job[object]]) -> bool:
        """Add what waits already; true when the last of it was the end."""
        with suppress(queue.Empty):
            while len(batch) < BATCH_MAX:
                job = self._jobs.get_nowait()
                if job is None:
                    return True
                batch.append(job)
        return False

    def _commit(self, batch: list[_Job[object]]) -> None:
        try:
            if self._place is not None and self._place.require() and self._connection is not None:
                close_quietly(self._connection)
                self._connection = None
            if self._connection is None:
                self._connection = connect_writer(self._path, self._busy_s, make=self._place is None)
            self._connection.execute("BEGIN IMMEDIATE")
            for job in batch:
                job.run(self._connection)
            self._connection.execute("COMMIT")
        except Exception as error:  # noqa: BLE001 - whatever it was, everyone in the batch must hear of it
            self._fail(batch, error)

    def _fold(self) -> None:
        """Now and then, when everybody has been answered: a file without its log shall not be far behind."""
        if self._connection is not None and time.monotonic() - self._folded_at > FOLD_EVERY_S:
            checkpoint(self._connection)
            self._folded_at = time.monotonic()

    def _fail(self, batch: list[_Job[object]], error: Exception) -> None:
        """Undo the whole batch. The connection is made anew for the next one: its state may be anything."""
        if self._connection is not None:
            close_quietly(self._connection)
            self._connection = None
        if isinstance(error, sqlite3.Error):
            error = explained(error, self._path, self._busy_s)
        for job in batch:
            job.error = error


def _settle(batch: list[_Job[object]]) -> None:
    """One wake-up for each event loop, however many of its coroutines wait."""
    loops: dict[asyncio.AbstractEventLoop, list[_Job[object]]] = {}
    for job in batch:
        loops.setdefault(job.loop, []).append(job)
    for loop, jobs in loops.items():
        with suppress(RuntimeError):  # that loop has been closed: nobody waits there any more
            loop.call_soon_threadsafe(_settle_all, jobs)


def _settle_all(jobs: list[_Job[object]]) -> None:
    for job in jobs:
        job.settle()
