"""A large ledger, made quickly: through the same schema, triggers, codec and chain, in few transactions."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

from headgate.ledger import SqliteLedger
from headgate.ledger.chain import GENESIS, link
from headgate.ledger.codec import CODEC
from headgate.ledger.draft import Draft, drafted
from headgate.testing.ledger import a_sample, a_summary, judged

EVENTS_EACH = 50
OPEN_RELEASES = 3
CHUNK = 50_000
SAMPLES_KEPT = 0.05
"""The share of samples, the newest, that have not been compacted."""

Row = tuple[object, ...]


def make_large(place: Path, events: int) -> None:
    """A ledger of `events` entries in releases of EVENTS_EACH, closed but for the last few; all are verdicts."""
    SqliteLedger(place).close()
    connection = sqlite3.connect(place, isolation_level=None)
    connection.execute("PRAGMA synchronous = OFF")
    previous, sequence = GENESIS, 0
    while sequence < events:
        connection.execute("BEGIN")
        for _ in range(CHUNK // EVENTS_EACH):
            previous, sequence = _add_release(connection, sequence, previous, events)
        connection.execute("UPDATE head SET sequence = ?, hash = ?", (sequence, previous))
        connection.execute("COMMIT")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


def _add_release(
    connection: sqlite3.Connection, sequence: int, previous: str, events: int
) -> tuple[str, int]:
    ordinal, opened = sequence // EVENTS_EACH + 1, sequence + 1
    rows: list[Row] = []
    samples: list[Row] = []
    kept = sequence > events * (1 - SAMPLES_KEPT)
    for draft in _drafts(f"r{ordinal}", sequence):
        sequence += 1
        number = draft.expected + 1
        previous = link(previous, sequence, draft.release, number, draft.version, draft.body)
        rows.append((sequence, draft.release, number, draft.version, draft.body, draft.sample, previous))
        samples.append((draft.sample, draft.sample_at, draft.sample_body if kept else None))
    connection.executemany("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
    connection.executemany("INSERT INTO samples VALUES (?, ?, ?)", samples)
    closed = sequence <= events - OPEN_RELEASES * EVENTS_EACH
    summary = a_summary(f"r{ordinal}", EVENTS_EACH, closed=closed)
    body = drafted(CODEC, summary.release, 0, judged(summary.release, 1), summary, None).summary_body
    key = (opened, summary.release, ordinal, EVENTS_EACH, summary.project, summary.environment, closed, body)
    connection.execute("INSERT INTO summaries VALUES (?, ?, ?, ?, ?, ?, ?, ?)", key)
    connection.execute("INSERT INTO services VALUES (?, ?)", (summary.moves[0].unit.service, opened))
    return previous, sequence


def _drafts(release: str, sequence: int) -> Iterator[Draft]:
    summary = a_summary(release, 1)
    for expected in range(EVENTS_EACH):
        sample = a_sample(float(sequence + expected))
        yield drafted(CODEC, release, expected, judged(release, expected + 1, sample), summary, sample)
