"""The ledger in one SQLite file: write-ahead log, full sync, one writer, readers that nobody waits for."""

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, cast

from headgate.core.home.facts import AnyHomeEvent
from headgate.core.machine.events import AnyEvent
from headgate.core.model import Sample
from headgate.core.model.summary import Summary
from headgate.ledger.chain import GENESIS, Record
from headgate.ledger.codec import CODEC, Codec, Fact, decode_sample, decode_summary
from headgate.ledger.draft import drafted, noted
from headgate.ledger.errors import LedgerCorrupt, LedgerReadOnly
from headgate.ledger.sqlite_connection import BUSY_S
from headgate.ledger.sqlite_place import Place
from headgate.ledger.sqlite_reader import Reader
from headgate.ledger.store import HOME, Entry, Note
from headgate.ledger.verify import Head, StoredSample, linked

if TYPE_CHECKING:
    from headgate.ledger.sqlite_append import Appender

TAIL = 1000
"""How many of the newest entries are checked when a ledger is opened for writing; `verify` checks all."""

_COMPACT_AT_ONCE = 1000


class SqliteLedger:
    """Implements `Ledger` and `verify.Auditable` in the file `path`.

    Any number of processes may have it open; the appends of all of them are fenced. `readonly` needs no permission to
    write and checks nothing at opening, so that a damaged ledger can be looked at. `busy_s` bounds the wait for
    another process's lock. Raises LedgerError: LedgerMissing (only when `readonly`), LedgerTooNew, LedgerCorrupt, ...
    """

    def __init__(
        self, path: Path, *, readonly: bool = False, busy_s: float = BUSY_S, codec: Codec = CODEC
    ) -> None:
        self.path = path
        self._codec = codec
        self._appender = None if readonly else _appender(path, busy_s)
        try:
            self._reader = Reader(path, busy_s)
            if self._appender is not None:
                self._check_tail()
                self._appender.guard(Place(path, self._reader.copy, self._reader.follow))
        except BaseException:
            if self._appender is not None:
                self._appender.close()
            raise

    def _check_tail(self) -> None:
        """Refuse to write on after something that is not what was written."""
        head = self.head()
        start = max(0, head.sequence - TAIL)
        before = next(self.records(start - 1), None) if start else None
        broken = linked(self.records(start), Head(start, before.hash if before else GENESIS))
        newest = self._reader.events_since(head.sequence - 1, 1) if head.sequence else []
        if broken is None and newest and newest[0].hash != head.hash:
            raise LedgerCorrupt(
                f"the newest entry of the ledger at {self.path} is not the one its head names"
            )
        if broken is not None or bool(newest) != bool(head.sequence):
            raise LedgerCorrupt(
                f"the ledger at {self.path} was changed after it was written: "
                f"{broken or 'its newest entries are missing'}; see `headgate ledger verify`"
            )

    async def append(
        self, release: str, expected: int, event: AnyEvent, summary: Summary, sample: Sample | None = None
    ) -> Entry:
        """See Ledger. Appends that wait at the same time are committed together."""
        draft = drafted(self._codec, release, expected, event, summary, sample)
        sequence, digest = await self._writing().append(draft)
        return Entry(sequence, release, expected + 1, event, digest)

    async def note(self, expected: int, event: AnyHomeEvent) -> Note:
        """See Ledger."""
        sequence, digest = await self._writing().append(noted(self._codec, expected, event))
        return Note(sequence, expected + 1, event, digest)

    def notes(self, after: int = 0) -> list[Note]:
        """See Ledger."""
        return [self._note(record) for record in self._reader.events_of(HOME, after)]

    async def compact_samples(self, before: float) -> int:
        """See Ledger. Goes in bounded portions, so that appends get through in between."""
        total = 0
        while done := await self._writing().compact(before, _COMPACT_AT_ONCE):
            total += done
        return total

    def _writing(self) -> "Appender":
        if self._appender is None:
            raise LedgerReadOnly(f"the ledger at {self.path} was opened for reading only")
        return self._appender

    def _entry(self, record: Record) -> Entry:
        event = cast("AnyEvent", self._fact(record))
        return Entry(record.sequence, record.release, record.number, event, record.hash)

    def _note(self, record: Record) -> Note:
        return Note(record.sequence, record.number, cast("AnyHomeEvent", self._fact(record)), record.hash)

    def _fact(self, record: Record) -> Fact:
        return self._codec.decode(record.version, record.body)

    def read(self, release: str, after: int = 0) -> list[Entry]:
        """See Ledger."""
        if release == HOME:
            return []
        return [self._entry(record) for record in self._reader.events_of(release, after)]

    def since(self, sequence: int, limit: int = 1000) -> list[Entry]:
        """See Ledger."""
        return [self._entry(record) for record in self._reader.releases_since(sequence, limit)]

    def links(self, sequence: int, limit: int = 1000) -> list[Entry | Note]:
        """See Ledger."""
        return [
            self._note(record) if record.release == HOME else self._entry(record)
            for record in self._reader.events_since(sequence, limit)
        ]

    def summary(self, release: str) -> Summary | None:
        """See Ledger."""
        body = self._reader.summary(release)
        return decode_summary(body) if body is not None else None

    def summaries(
        self,
        *,
        open_only: bool = False,
        environment: str | None = None,
        project: str | None = None,
        service: str | None = None,
        limit: int = 100,
        before: str | None = None,
    ) -> list[Summary]:
        """See Ledger."""
        bodies = self._reader.summaries(
            open_only=open_only,
            environment=environment,
            project=project,
            service=service,
            limit=limit,
            before=before,
        )
        return [decode_summary(body) for body in bodies]

    def sample(self, digest: str) -> Sample | None:
        """See Ledger."""
        stored = self._reader.samples((digest,)).get(digest)
        return decode_sample(digest, stored.body) if stored and stored.body is not None else None

    def samples(self, release: str) -> list[Sample]:
        """See Ledger."""
        return [decode_sample(digest, body) for digest, body in self._reader.samples_of(release)]

    def last_sequence(self) -> int:
        """See Ledger."""
        return self.head().sequence

    def next_release(self) -> str:
        """See Ledger."""
        return f"r{self._reader.ordinal() + 1}"

    def close(self) -> None:
        """See Ledger. The reader goes last: a connection that may not write leaves the `-wal` and `-shm` files.

        Without those, a process that may not write this folder could not read the ledger.
        """
        if self._appender is not None:
            self._appender.close()
        self._reader.close()

    # --- what `verify` and `export` walk ---------------------------------------------------------------------------

    def records(self, after: int = 0) -> Iterator[Record]:
        """See verify.Auditable."""
        return self._reader.records(after)

    def stored_samples(self, digests: Collection[str]) -> dict[str, StoredSample]:
        """See verify.Auditable."""
        return self._reader.samples(digests)

    def head(self) -> Head:
        """See verify.Auditable."""
        return self._reader.head()

    def summarised(self) -> dict[str, int]:
        """See verify.Auditable."""
        return self._reader.summarised()


def _appender(path: Path, busy_s: float) -> "Appender":
    from headgate.ledger.sqlite_append import Appender  # noqa: PLC0415 - loads asyncio: who only reads starts without

    return Appender(path, busy_s)
