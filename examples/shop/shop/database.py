"""SQLite, by one thread per process: it is the only one that ever touches the connection."""

import asyncio
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from shop.catalogue import ITEMS

T = TypeVar("T")

SCHEMA = """
CREATE TABLE IF NOT EXISTS items (
    sku TEXT PRIMARY KEY, name TEXT NOT NULL, price_cents INTEGER NOT NULL, tax_class TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS cart_lines (
    cart TEXT NOT NULL, sku TEXT NOT NULL REFERENCES items, quantity INTEGER NOT NULL, PRIMARY KEY (cart, sku)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS orders (
    id TEXT PRIMARY KEY, cart TEXT NOT NULL UNIQUE, total_cents INTEGER NOT NULL, payment TEXT NOT NULL,
    status TEXT NOT NULL, placed_at TEXT NOT NULL
) WITHOUT ROWID;
"""


class Database:
    """A file that several processes share: WAL, and a writer waits up to `wait_s` for the one before it."""

    def __init__(self, path: str, wait_s: float) -> None:
        self._path = path
        self._wait_s = wait_s
        self._connection: sqlite3.Connection | None = None
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="database")

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """What `work` returns. It is one transaction: committed, or rolled back where it raises."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._transaction, work)

    async def create_schema(self) -> None:
        """Create what is missing. Any number of processes may do this at the same time."""
        await self.run(_create_schema)

    async def close(self) -> None:
        """Finish what was given to the thread, then close the file."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._close)
        self._thread.shutdown()

    def _transaction(self, work: Callable[[sqlite3.Connection], T]) -> T:
        if self._connection is None:
            self._connection = self._open()
        with self._connection:
            return work(self._connection)

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, timeout=self._wait_s)
        try:
            self._switch_to_wal(connection)
            # With WAL this risks the last orders on a power cut, never a damaged file; a demo does without an
            # fsync each.
            connection.execute("PRAGMA synchronous = NORMAL")
        except sqlite3.Error:
            connection.close()
            raise
        return connection

    def _switch_to_wal(self, connection: sqlite3.Connection) -> None:
        # Of two processes that switch a new file at once, SQLite refuses one without waiting, whatever the
        # timeout.
        last = time.monotonic() + self._wait_s
        while True:
            try:
                connection.execute("PRAGMA journal_mode = WAL")
            except sqlite3.OperationalError as error:
                # The low byte is the kind of error; what is above it says more.
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > last:
                    raise
                time.sleep(0.01)
            else:
                return

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _create_schema(connection: sqlite3.Connection) -> None:
    # The write lock comes first: two starts at once then wait for each other, and neither fails with
    # "locked".
    connection.execute("BEGIN IMMEDIATE")
    for statement in SCHEMA.split(";"):
        connection.execute(statement)
    rows = [(item.sku, item.name, item.price_cents, item.tax_class) for item in ITEMS]
    connection.executemany("INSERT OR IGNORE INTO items VALUES (?, ?, ?, ?)", rows)
