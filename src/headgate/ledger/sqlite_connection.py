"""Connections to the ledger's file: how each is opened and set up, and what SQLite's errors mean to a person."""

import sqlite3
import time
from collections.abc import Generator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

from headgate.folders import private_folder
from headgate.ledger.errors import (
    LedgerBusy,
    LedgerCorrupt,
    LedgerError,
    LedgerFull,
    LedgerMissing,
    LedgerReadOnly,
)
from headgate.ledger.sqlite_schema import migrate

BUSY_S = 5.0
"""How long to wait for another process's lock, by default."""

_RETRY_S = 0.02
_WAL_MAX_BYTES = 64 * 1024 * 1024

_EACH = (
    "PRAGMA trusted_schema = OFF",  # the file is data: nothing in its schema may call out
    "PRAGMA cell_size_check = ON",  # find a damaged page when it is read, not later
    "PRAGMA recursive_triggers = ON",  # REPLACE fires delete triggers
    "PRAGMA foreign_keys = ON",
)
_WRITER = (
    "PRAGMA synchronous = FULL",  # what was acknowledged survives the loss of power
    f"PRAGMA journal_size_limit = {_WAL_MAX_BYTES}",
)


def connect_writer(path: Path, busy_s: float, *, make: bool = True) -> sqlite3.Connection:
    """Open for writing; with `make`, the file, its folder and its tables are made where missing. Raises LedgerError."""
    with translated(path, busy_s):
        if make:
            private_folder(path.parent)
        connection = _connect(path, "rwc" if make else "rw", busy_s)
        try:
            _use_wal(connection, busy_s)
            for pragma in _EACH + _WRITER:
                connection.execute(pragma)
            migrate(connection, path)
            # SQLite opens a file that may not be written for reading, without a word: find out now, not at an append.
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("UPDATE head SET id = id")
            connection.execute("ROLLBACK")
        except BaseException:
            connection.close()
            raise
        return connection


def new_file(path: Path) -> sqlite3.Connection:
    """An empty file for a copy, durable when it is closed, for its owner only. Raises sqlite3.Error, OSError."""
    path.touch(mode=0o600)
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA synchronous = FULL")
    return connection


def checkpoint(connection: sqlite3.Connection, mode: str = "PASSIVE") -> None:
    """Fold the write-ahead log into the file, as far as nobody is in the way; TRUNCATE waits for that, in bounds.

    What is folded in survives the loss of the log's file.
    """
    with suppress(sqlite3.Error):  # it stays in the log, where it is just as durable
        connection.execute(f"PRAGMA wal_checkpoint({mode})").fetchall()


def connect_reader(path: Path, busy_s: float) -> sqlite3.Connection:
    """Open for reading; needs no more than the right to read the file and its folder. Raises LedgerError."""
    with translated(path, busy_s):
        if not path.exists():
            raise LedgerMissing(f"there is no ledger at {path}: nothing was ever released from this home")
        try:
            return _probed(path, "ro", busy_s)
        except sqlite3.OperationalError:
            # SQLite needs `-wal` and `-shm` beside the file, or the right to make them. Where neither is, nobody
            # writes here (a copy, a read-only disk), and the file may be read as one that does not change.
            if path.with_name(f"{path.name}-wal").exists():
                raise
            return _probed(path, "ro&immutable=1", busy_s)


def connect_alone(path: Path, busy_s: float) -> sqlite3.Connection:
    """Open the file without the log beside it, which may be another file's. Raises LedgerError."""
    with translated(path, busy_s):
        return _probed(path, "ro&immutable=1", busy_s)


def _probed(path: Path, mode: str, busy_s: float) -> sqlite3.Connection:
    connection = _connect(path, mode, busy_s)
    try:
        for pragma in _EACH:
            connection.execute(pragma)
        connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    except BaseException:
        connection.close()
        raise
    return connection


def _connect(path: Path, mode: str, busy_s: float) -> sqlite3.Connection:
    # Shared between threads, each user with a lock of its own. Transactions are begun and ended in so many words.
    uri = f"file:{quote(str(path.absolute()))}?mode={mode}"
    return sqlite3.connect(uri, timeout=busy_s, isolation_level=None, check_same_thread=False, uri=True)


def _use_wal(connection: sqlite3.Connection, busy_s: float) -> None:
    """Two processes that make the same file at once collide here, and SQLite itself does not wait in that case."""
    deadline = time.monotonic() + busy_s
    while True:
        try:
            (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
        except sqlite3.OperationalError as error:
            if _code(error) != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(_RETRY_S)
        else:
            if mode != "wal":
                raise LedgerError(
                    f"the ledger's disk does not support shared memory (journal mode {mode}): move it"
                )
            return


def close_quietly(connection: sqlite3.Connection) -> None:
    """Close a connection that may be broken."""
    with suppress(sqlite3.Error), closing(connection):
        if connection.in_transaction:
            connection.execute("ROLLBACK")


@contextmanager
def translated(path: Path, busy_s: float) -> Generator[None]:
    """Turn what SQLite and the file system raise into LedgerError."""
    try:
        yield
    except sqlite3.Error as error:
        raise explained(error, path, busy_s) from error
    except UnicodeDecodeError as error:  # in a schema, or in SQLite's own complaint
        raise LedgerCorrupt(
            f"the ledger at {path} is damaged: it holds text that is none ({error})"
        ) from error
    except OSError as error:
        raise LedgerError(f"the ledger at {path} cannot be opened: {error}") from error


def explained(error: sqlite3.Error, path: Path, busy_s: float) -> LedgerError:
    """What an error of SQLite means to a person."""
    code = _code(error)
    match code:
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return LedgerBusy(
                f"another process has locked the ledger at {path} for more than {busy_s:g} s: nothing was written; "
                "see who has it open (fuser, lsof), then try again"
            )
        case sqlite3.SQLITE_FULL:
            return LedgerFull(
                f"the disk of the ledger at {path} is full: nothing was written; make room, then try again"
            )
        case sqlite3.SQLITE_IOERR:
            return LedgerFull(
                f"the disk of the ledger at {path} is full or failing ({error}): nothing was written; "
                "make room or replace it, then try again"
            )
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
            return LedgerCorrupt(
                f"the ledger at {path} is damaged ({error}): keep the file, put a copy of it back, "
                "and see `headgate ledger verify`"
            )
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_PERM:
            return LedgerReadOnly(
                f"the ledger at {path} may not be written ({error}): check who owns the files"
            )
        case sqlite3.SQLITE_CANTOPEN:
            return LedgerError(
                f"the ledger at {path} cannot be opened: check that its folder may be read and written"
            )
        case _:
            return LedgerError(f"the ledger at {path} answered: {error}")


def _code(error: sqlite3.Error) -> int:
    """SQLite's primary result code; 0 where the error is Python's own."""
    return int(getattr(error, "sqlite_errorcode", None) or 0) & 0xFF
