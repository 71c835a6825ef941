"""The tables, and how a ledger of an older Headgate is brought up to them."""

import sqlite3
from pathlib import Path

from headgate.ledger.chain import GENESIS
from headgate.ledger.errors import LedgerCorrupt, LedgerTooNew

APPLICATION_ID = 0x48474C31
"""`HGL1`: says in the file itself that it is a Headgate ledger."""

_FIRST = (
    """
    CREATE TABLE events (
        sequence INTEGER PRIMARY KEY,
        release TEXT NOT NULL,
        number INTEGER NOT NULL,
        version INTEGER NOT NULL,
        body BLOB NOT NULL,
        sample TEXT,
        hash TEXT NOT NULL,
        UNIQUE (release, number)
    ) STRICT
    """,
    # The insert trigger also stops REPLACE, which deletes without firing delete triggers.
    """
    CREATE TRIGGER events_in_order BEFORE INSERT ON events
    WHEN NEW.sequence IS NOT (SELECT coalesce(max(sequence), 0) + 1 FROM events)
        OR NEW.number IS NOT (SELECT coalesce(max(number), 0) + 1 FROM events WHERE release = NEW.release)
    BEGIN SELECT raise(ABORT, 'events are appended in order, without gaps'); END
    """,
    """
    CREATE TRIGGER events_stay BEFORE DELETE ON events
    BEGIN SELECT raise(ABORT, 'events are never deleted'); END
    """,
    """
    CREATE TRIGGER events_as_written BEFORE UPDATE ON events
    BEGIN SELECT raise(ABORT, 'events are never changed'); END
    """,
    "CREATE TABLE head (id INTEGER PRIMARY KEY CHECK (id = 1), sequence INTEGER NOT NULL, hash TEXT NOT NULL) STRICT",
    f"INSERT INTO head VALUES (1, 0, '{GENESIS}')",  # noqa: S608 - zeros of our own
    "CREATE TABLE samples (digest TEXT PRIMARY KEY, at REAL NOT NULL, body BLOB) STRICT",
    "CREATE INDEX samples_to_compact ON samples (at) WHERE body IS NOT NULL",
    """
    CREATE TRIGGER samples_stay BEFORE DELETE ON samples
    BEGIN SELECT raise(ABORT, 'samples are emptied, never deleted'); END
    """,
    """
    CREATE TRIGGER samples_as_written BEFORE UPDATE ON samples
    WHEN NEW.body IS NOT NULL OR NEW.digest IS NOT OLD.digest OR NEW.at IS NOT OLD.at
    BEGIN SELECT raise(ABORT, 'samples may only be emptied'); END
    """,
    # `opened` is the sequence of the release's first entry, `ordinal` the 12 of `r12`, `number` its entries so far.
    """
    CREATE TABLE summaries (
        opened INTEGER PRIMARY KEY,
        release TEXT NOT NULL UNIQUE,
        ordinal INTEGER NOT NULL,
        number INTEGER NOT NULL,
        project TEXT NOT NULL,
        environment TEXT NOT NULL,
        closed INTEGER NOT NULL,
        body BLOB NOT NULL
    ) STRICT
    """,
    "CREATE INDEX summaries_by_ordinal ON summaries (ordinal)",
    "CREATE INDEX summaries_open ON summaries (opened) WHERE closed = 0",
    "CREATE INDEX summaries_by_environment ON summaries (environment, project, opened)",
    """
    CREATE TABLE services (
        service TEXT NOT NULL,
        opened INTEGER NOT NULL REFERENCES summaries (opened),
        PRIMARY KEY (service, opened)
    ) STRICT, WITHOUT ROWID
    """,
)

MIGRATIONS: tuple[tuple[str, ...], ...] = (_FIRST,)
"""`MIGRATIONS[n]` brings a ledger from schema version n to n + 1. Only ever add at the end."""

VERSION = len(MIGRATIONS)


def check_version(connection: sqlite3.Connection, path: Path) -> int:
    """The schema version of this file; 0 for a new one. Raises LedgerTooNew, or LedgerCorrupt for a stranger's file."""
    application, version, tables = _marks(connection)
    if application != APPLICATION_ID:
        if version or tables:
            raise LedgerCorrupt(f"{path} is a database, but not a ledger of Headgate: choose another place")
        return 0
    if version > VERSION:
        raise LedgerTooNew(
            f"{path} was written by a newer Headgate (schema {version}; this one knows {VERSION}): "
            "use that version, this one might damage it"
        )
    return version


def _marks(connection: sqlite3.Connection) -> tuple[int, int, int]:
    """Application, schema version and number of tables, all of one moment: another process may be making the file."""
    if connection.in_transaction:
        return _read_marks(connection)
    connection.execute("BEGIN")
    try:
        return _read_marks(connection)
    finally:
        connection.execute("ROLLBACK")


def _read_marks(connection: sqlite3.Connection) -> tuple[int, int, int]:
    # The count comes first: in SQLite a transaction sees the file as it is at its first read of a table.
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    return _pragma(connection, "application_id"), _pragma(connection, "user_version"), int(tables)


def migrate(connection: sqlite3.Connection, path: Path) -> None:
    """Bring this file up to VERSION in one transaction, whoever else may be doing the same."""
    if check_version(connection, path) == VERSION:
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        for version in range(check_version(connection, path), VERSION):
            for statement in MIGRATIONS[version]:
                connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    (value,) = connection.execute(f"PRAGMA {name}").fetchone()
    return int(value)
