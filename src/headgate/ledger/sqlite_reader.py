"""Questions to the ledger's file, each one short, so that no reader keeps the log from being folded in."""

import sqlite3
import threading
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, NoReturn

import msgspec

from headgate.files import identity
from headgate.ledger.chain import Record
from headgate.ledger.errors import LedgerCorrupt, LedgerError, LedgerMissing
from headgate.ledger.sqlite_connection import (
    close_quietly,
    connect_alone,
    connect_reader,
    new_file,
    translated,
)
from headgate.ledger.sqlite_schema import check_version
from headgate.ledger.store import HOME
from headgate.ledger.verify import Head, StoredSample

_PAGE = 1000
"""Entries that are read at once when everything is walked."""

_EVENTS = "SELECT sequence, release, number, version, body, sample, hash FROM events"

LOOK_EVERY_S = 1.0
"""How often it is looked whether the file is still the one that was opened."""

Row = tuple[Any, ...]
"""What SQLite gives: the columns of the statement, in order."""


def _raise_unmade(path: Path) -> NoReturn:
    raise LedgerMissing(
        f"the ledger at {path} holds nothing yet: its making was interrupted; write to it once"
    )


def _goes_on(known: sqlite3.Connection, fresh: sqlite3.Connection) -> bool:
    """Whether the entry that is the newest in one is there, with the same hash, in the other."""
    try:
        sequence, digest = known.execute("SELECT sequence, hash FROM head").fetchone()
        found = fresh.execute("SELECT hash FROM events WHERE sequence = ?", (sequence,)).fetchone()
    except (sqlite3.Error, TypeError):
        return False
    return not sequence or found == (digest,)


_BEGIN, _END = (int, str, int, int, bytes), (str,)
_TYPES = frozenset({(*_BEGIN, type(None), *_END), (*_BEGIN, str, *_END)})
"""What the columns of an entry hold: see Record."""


class Reader:
    """A read-only connection and the questions that are asked of it; safe to share between threads."""

    def __init__(self, path: Path, busy_s: float) -> None:
        self._path = path
        self._busy_s = busy_s
        self._lock = threading.Lock()
        self._connection = connect_reader(path, busy_s)
        self._file = identity(path)
        self._looked_at = time.monotonic()
        try:
            with translated(path, busy_s):
                version = check_version(self._connection, path)
            if version == 0:
                _raise_unmade(path)
        except BaseException:
            close_quietly(self._connection)
            raise

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            close_quietly(self._connection)

    def copy(self, target: Path) -> None:
        """Write all that there is into a new file. Raises sqlite3.Error."""
        with self._lock, closing(new_file(target)) as into:
            self._connection.backup(into)

    def follow(self) -> bool:
        """Read the file that is there now under the ledger's name, if it goes on from what is known; true when so.

        One that does not is another ledger: what was opened is read on. Raises LedgerError.
        """
        with self._lock:
            with closing(connect_alone(self._path, self._busy_s)) as alone:
                if not _goes_on(self._connection, alone):
                    return False
            fresh = connect_reader(self._path, self._busy_s)
            close_quietly(self._connection)
            self._connection, self._file = fresh, identity(self._path)
            return True

    def _look(self) -> None:
        """Every now and then, look whether the file was written back, or put back, by somebody else."""
        now = time.monotonic()
        if now - self._looked_at < LOOK_EVERY_S:
            return
        self._looked_at = now
        with suppress(OSError, LedgerError):
            if identity(self._path) != self._file:
                self.follow()

    def _rows(self, statement: str, parameters: Sequence[object] = ()) -> list[Row]:
        self._look()
        with self._lock, translated(self._path, self._busy_s):
            return self._connection.execute(statement, parameters).fetchall()

    def _row(self, statement: str, parameters: Sequence[object] = ()) -> Row | None:
        rows = self._rows(statement, parameters)
        return rows[0] if rows else None

    def events_of(self, release: str, after: int) -> list[Record]:
        """The entries of a release whose number is greater than `after`."""
        rows = self._rows(f"{_EVENTS} WHERE release = ? AND number > ? ORDER BY number", (release, after))
        return [self._record(row) for row in rows]

    def events_since(self, sequence: int, limit: int) -> list[Record]:
        """Up to `limit` entries whose sequence is greater."""
        rows = self._rows(
            f"{_EVENTS} WHERE sequence > ? ORDER BY sequence LIMIT ?", (sequence, max(0, limit))
        )
        return [self._record(row) for row in rows]

    def releases_since(self, sequence: int, limit: int) -> list[Record]:
        """Up to `limit` entries about releases whose sequence is greater."""
        rows = self._rows(
            f"{_EVENTS} WHERE sequence > ? AND release <> ? ORDER BY sequence LIMIT ?",
            (sequence, HOME, max(0, limit)),
        )
        return [self._record(row) for row in rows]

    def _record(self, row: Row) -> Record:
        """The entry in a row. SQLite keeps whatever type a stranger put in. Raises LedgerCorrupt."""
        if tuple(map(type, row)) not in _TYPES:
            raise LedgerCorrupt(
                f"the ledger at {self._path} is damaged: beside {row[0]!r} stands what is no entry"
            )
        return Record(*row)

    def records(self, after: int) -> Iterator[Record]:
        """All entries after `after`, read page by page."""
        while page := self.events_since(after, _PAGE):
            yield from page
            after = page[-1].sequence

    def samples(self, digests: Collection[str]) -> dict[str, StoredSample]:
        """What is stored under these digests."""
        asked = msgspec.json.encode(list(digests)).decode()
        rows = self._rows(
            "SELECT digest, at, body FROM samples WHERE digest IN (SELECT value FROM json_each(?))", (asked,)
        )
        if any(not isinstance(body, bytes | None) for _, _, body in rows):
            raise LedgerCorrupt(f"the ledger at {self._path} is damaged: what is stored as a sample is none")
        return {digest: StoredSample(at, body) for digest, at, body in rows}

    def samples_of(self, release: str) -> list[tuple[str, bytes]]:
        """Digest and bytes of the samples that a release's entries name, in order, without compacted ones."""
        return [
            (digest, body)
            for digest, body in self._rows(
                "SELECT digest, samples.body FROM events JOIN samples ON digest = sample "
                "WHERE release = ? AND samples.body IS NOT NULL ORDER BY number",
                (release,),
            )
        ]

    def summary(self, release: str) -> bytes | None:
        """The bytes of a release's summary."""
        row = self._row("SELECT body FROM summaries WHERE release = ?", (release,))
        return row[0] if row else None

    def summaries(
        self,
        *,
        open_only: bool,
        environment: str | None,
        project: str | None,
        service: str | None,
        limit: int,
        before: str | None,
    ) -> list[bytes]:
        """The bytes of summaries, newest first; see Ledger."""
        clauses = ["TRUE"]
        values: list[object] = []
        if open_only:
            clauses.append("closed = 0")
        if before is not None:
            clauses.append("summaries.opened < (SELECT opened FROM summaries WHERE release = ?)")
            values.append(before)
        wanted = {"environment": environment, "project": project, "service": service}
        for column, value in wanted.items():
            if value is not None:
                clauses.append(f"{column} = ?")
                values.append(value)
        source = "summaries JOIN services USING (opened)" if service is not None else "summaries"
        statement = (
            f"SELECT body FROM {source} WHERE {' AND '.join(clauses)} "  # noqa: S608 - of the words above only
            "ORDER BY summaries.opened DESC LIMIT ?"
        )
        return [body for (body,) in self._rows(statement, (*values, max(0, limit)))]

    def head(self) -> Head:
        """The note of the newest entry."""
        row = self._row("SELECT sequence, hash FROM head")
        if row is None:
            raise LedgerCorrupt(f"the ledger at {self._path} has lost the note of its newest entry")
        return Head(*row)

    def ordinal(self) -> int:
        """The greatest number in a release's name; 0 when there is none."""
        row = self._row("SELECT coalesce(max(ordinal), 0) FROM summaries")
        return int(row[0]) if row else 0

    def summarised(self) -> dict[str, int]:
        """How many entries each summary covers."""
        return dict(self._rows("SELECT release, number FROM summaries"))
