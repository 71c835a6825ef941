"""Appends and compactions inside the writer's transaction."""

import sqlite3
from functools import partial
from pathlib import Path

from headgate.core.model.summary import Summary
from headgate.ledger.chain import link
from headgate.ledger.draft import Draft, missing_sample, ordinal
from headgate.ledger.errors import Conflict, LedgerCorrupt
from headgate.ledger.sqlite_place import Place as File
from headgate.ledger.sqlite_writer import Refused, Writer

Place = tuple[int, str]
"""The sequence and hash that an entry was given."""

_COMPACT = """
    UPDATE samples SET body = NULL WHERE rowid IN (
        SELECT rowid FROM samples WHERE body IS NOT NULL AND at < ? ORDER BY at LIMIT ?
    )
"""
_SUMMARISE = """
    INSERT INTO summaries (opened, release, ordinal, number, project, environment, closed, body)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?)
"""
_SUMMARISE_AGAIN = """
    UPDATE summaries SET number = ?, project = ?, environment = ?, closed = ?, body = ? WHERE release = ?
    RETURNING opened
"""


class Appender:
    """All that a ledger which is open for writing has more than one that is only read."""

    def __init__(self, path: Path, busy_s: float) -> None:
        self._writer = Writer(path, busy_s)

    def guard(self, place: File) -> None:
        """Write to the file that is there now under its name, and to no other."""
        self._writer.guard(place)

    async def append(self, draft: Draft) -> Place:
        """Returns once the entry is on disk. Raises Conflict, ValueError or LedgerError: then nothing was written."""
        return await self._writer.run(partial(append, draft=draft))

    async def compact(self, before: float, limit: int) -> int:
        """Empty up to `limit` samples that end before `before`; returns how many."""
        return await self._writer.run(partial(compact, before=before, limit=limit))

    def close(self) -> None:
        """Finish what waits, and let go of the file."""
        self._writer.close()


def append(connection: sqlite3.Connection, draft: Draft) -> Place:
    """Write one entry with everything beside it. Raises Refused, with a Conflict or a ValueError, before it writes."""
    (found,) = connection.execute(
        "SELECT coalesce(max(number), 0) FROM events WHERE release = ?", (draft.release,)
    ).fetchone()
    if found != draft.expected:
        raise Refused(Conflict(draft.release, draft.expected, found))
    _store_sample(connection, draft)
    head = connection.execute("SELECT sequence, hash FROM head").fetchone()
    if head is None:
        raise LedgerCorrupt("the note of the ledger's newest entry is gone: nothing can be written after it")
    last, previous = head
    sequence, number = last + 1, found + 1
    digest = link(previous, sequence, draft.release, number, draft.version, draft.body)
    connection.execute(
        "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?)",
        (sequence, draft.release, number, draft.version, draft.body, draft.sample, digest),
    )
    connection.execute("UPDATE head SET sequence = ?, hash = ?", (sequence, digest))
    if draft.summary is not None:
        _summarise(connection, draft, draft.summary, sequence)
    return sequence, digest


def _store_sample(connection: sqlite3.Connection, draft: Draft) -> None:
    if draft.sample is None:
        return
    if draft.sample_body is not None:
        connection.execute(
            "INSERT INTO samples VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
            (draft.sample, draft.sample_at, draft.sample_body),
        )
    elif not connection.execute("SELECT 1 FROM samples WHERE digest = ?", (draft.sample,)).fetchone():
        raise Refused(missing_sample(draft))


def _summarise(connection: sqlite3.Connection, draft: Draft, summary: Summary, sequence: int) -> None:
    number = draft.expected + 1
    shared = (number, summary.project, summary.environment, int(summary.closed), draft.summary_body)
    if draft.expected:
        again = connection.execute(_SUMMARISE_AGAIN, (*shared, draft.release)).fetchone()
        if again is None:
            raise LedgerCorrupt(
                f"the summary of {draft.release} is gone, and its entries are not: see `ledger verify`"
            )
        (opened,) = again
    else:
        opened = sequence
        connection.execute(_SUMMARISE, (opened, draft.release, ordinal(draft.release), *shared))
    services = {move.unit.service for move in summary.moves}
    connection.executemany(
        "INSERT INTO services VALUES (?, ?) ON CONFLICT DO NOTHING", [(name, opened) for name in services]
    )


def compact(connection: sqlite3.Connection, before: float, limit: int) -> int:
    """Empty up to `limit` samples that end before `before`; returns how many."""
    return connection.execute(_COMPACT, (before, limit)).rowcount
