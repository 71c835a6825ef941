"""The spool: what the ledger could not take in yet, kept in another file beside it, until it can.

A spool is no second ledger: it holds whole entries in the order in which they happened, is read when a controller
starts and is emptied as soon as the ledger has everything.
"""

import asyncio
import contextlib
import os
from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol, TypeVar, cast

import msgspec

from headgate.core.machine.events import AnyEvent
from headgate.core.model import Sample
from headgate.core.model.summary import Summary
from headgate.ledger.codec import CODEC, Codec
from headgate.ledger.errors import LedgerError, LedgerFull
from headgate.ports.errors import UNREADABLE

T = TypeVar("T")

RESERVE_BYTES = 8 * 1024 * 1024
"""Room that the spool's file has from the start, so that a full disk does not keep it from being written."""

_END = b"\0"


class Unwritten(msgspec.Struct, frozen=True):
    """An entry on its way into the ledger; the fields are those of `Ledger.append`."""

    release: str
    expected: int
    event: AnyEvent
    summary: Summary
    sample: Sample | None = None


class Spool(Protocol):
    """Keeps entries that are on their way. Every method may raise LedgerError."""

    async def add(self, entry: Unwritten) -> None:
        """Keep one more entry; durable on return."""
        ...

    def read(self) -> Sequence[Unwritten]:
        """The entries that are kept, in order; what breaks off at the end is left out."""
        ...

    async def forget(self, release: str) -> None:
        """The ledger has everything of this release: nothing of it need be kept."""
        ...


class MemorySpool:
    """The in-memory twin."""

    def __init__(self) -> None:
        self._kept: list[Unwritten] = []

    async def add(self, entry: Unwritten) -> None:
        """See Spool."""
        self._kept.append(entry)

    def read(self) -> Sequence[Unwritten]:
        """See Spool."""
        return tuple(self._kept)

    async def forget(self, release: str) -> None:
        """See Spool."""
        self._kept = [entry for entry in self._kept if entry.release != release]


class _Line(msgspec.Struct, frozen=True):
    """An entry as it stands in the file: the event as the ledger itself would hold it."""

    release: str
    expected: int
    version: int
    event: msgspec.Raw
    summary: Summary
    sample: Sample | None = None


class FileSpool:
    """A spool in the file at `path`, one JSON object a line, ended by a NUL; its room is taken when it is made.

    What it does to the disk it does in a thread of its own: a disk that hangs holds up nobody. `codec` is the ledger's.
    """

    def __init__(self, path: Path, *, reserve_bytes: int = RESERVE_BYTES, codec: Codec = CODEC) -> None:
        self._path = path
        self._reserve_bytes = reserve_bytes
        self._codec = codec
        self._end: int | None = None
        self._releases: set[str] | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="spool")

    def reserve(self) -> None:
        """Take the room now. Raises LedgerError when there is none."""
        try:
            with self._opened() as descriptor:
                os.posix_fallocate(descriptor, 0, self._reserve_bytes)
        except OSError as error:
            raise _trouble(self._path, error) from error

    async def add(self, entry: Unwritten) -> None:
        """See Spool. Raises LedgerFull once the reserve is used up and the disk has no more."""
        await self._in_thread(self._add, entry)

    def read(self) -> Sequence[Unwritten]:
        """See Spool."""
        lines = self._content().split(b"\n")[:-1]
        return tuple(self._decoded(lines))

    async def forget(self, release: str) -> None:
        """See Spool. The file is emptied once nothing in it is needed; its room stays taken."""
        await self._in_thread(self._forget, release)

    def close(self) -> None:
        """Let go of the thread."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def _in_thread(self, call: Callable[[T], None], argument: T) -> None:
        await asyncio.get_running_loop().run_in_executor(self._thread, call, argument)

    def _add(self, entry: Unwritten) -> None:
        version, body = self._codec.encode(entry.event)
        line = _Line(entry.release, entry.expected, version, msgspec.Raw(body), entry.summary, entry.sample)
        data = msgspec.json.encode(line) + b"\n"
        try:
            end = len(self._content()) if self._end is None else self._end
            with self._opened() as descriptor:
                _write(descriptor, data + _END, end)
                os.fdatasync(descriptor)
        except OSError as error:
            raise _trouble(self._path, error) from error
        self._end = end + len(data)
        self._known().add(entry.release)

    def _known(self) -> set[str]:
        """The releases that anything is kept of."""
        if self._releases is None:
            self._releases = {entry.release for entry in self.read()}
        return self._releases

    def _forget(self, release: str) -> None:
        known = self._known()
        known.discard(release)
        if known:
            return
        try:
            if self._path.exists():
                with self._opened() as descriptor:
                    _write(descriptor, _END, 0)
                    os.fdatasync(descriptor)
        except OSError as error:
            raise _trouble(self._path, error) from error
        self._end = 0

    def _content(self) -> bytes:
        try:
            return self._path.read_bytes().partition(_END)[0]
        except FileNotFoundError:
            return b""
        except OSError as error:
            raise _trouble(self._path, error) from error

    def _decoded(self, lines: Iterable[bytes]) -> Iterable[Unwritten]:
        for data in lines:
            try:
                line = msgspec.json.decode(data, type=_Line)
                event = cast("AnyEvent", self._codec.decode(line.version, bytes(line.event)))
            except (*UNREADABLE, LedgerError):
                return  # whoever wrote it died in the middle
            yield Unwritten(line.release, line.expected, event, line.summary, line.sample)

    @contextlib.contextmanager
    def _opened(self) -> Generator[int]:
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            yield descriptor
        finally:
            os.close(descriptor)


class Spools:
    """Several spools as one: an entry goes into the first that takes it, so that one sick disk is not the end."""

    def __init__(self, *spools: Spool) -> None:
        self._spools = spools

    async def add(self, entry: Unwritten) -> None:
        """See Spool. Raises what the first one said when none takes it."""
        said: LedgerError | None = None
        for spool in self._spools:
            try:
                await spool.add(entry)
            except LedgerError as error:
                said = said or error
            else:
                return
        raise said or LedgerError("there is no spool")

    def read(self) -> Sequence[Unwritten]:
        """See Spool: by release, in the order of its entries. A spool that cannot be read has nothing to say."""
        found: list[Unwritten] = []
        for spool in self._spools:
            with contextlib.suppress(LedgerError):
                found += spool.read()
        return tuple(sorted(found, key=lambda entry: (entry.release, entry.expected)))

    async def forget(self, release: str) -> None:
        """See Spool."""
        for spool in self._spools:
            with contextlib.suppress(LedgerError):
                await spool.forget(release)


def _write(descriptor: int, data: bytes, at: int) -> None:
    """All of it; Raises OSError."""
    done = 0
    while done < len(data):
        done += os.pwrite(descriptor, data[done:], at + done)


def _trouble(path: Path, error: OSError) -> LedgerError:
    return LedgerFull(f"nothing can be kept in {path}: {error.strerror or error}")
