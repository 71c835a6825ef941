"""The ledger's file under its name: still the one that was opened, gone, or another one.

SQLite goes on writing to a file that was removed or moved away, and nobody finds it there again.
"""

import contextlib
import logging
import os
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from headgate.files import identity
from headgate.ledger.errors import LedgerError
from headgate.ledger.sqlite_connection import connect_writer

GONE_S = 2.0
"""A file that comes back so soon was only moved about; after that it is written back from what is still open."""

_log = logging.getLogger(__name__)


class Place:
    """The file at `path`, as it was when `opened` was called.

    `copy` writes what is still open into a new file; `follow` opens the one that is there now, and says whether it goes
    on from what is known.
    """

    def __init__(self, path: Path, copy: Callable[[Path], None], follow: Callable[[], bool]) -> None:
        self._path = path
        self._copy = copy
        self._follow = follow
        self._file: tuple[int, int] | None = None
        self._gone_since: float | None = None

    def opened(self) -> None:
        """Remember the file that is there now. Raises OSError."""
        self._file = identity(self._path)

    def require(self) -> bool:
        """True when the file is another one now that goes on from it: whoever has it open must open it anew.

        Raises LedgerError unless it is the one that was opened, or could be written back.
        """
        if self._file is None:
            return False
        try:
            found = identity(self._path)
        except OSError:
            self._gone()
            return True
        self._gone_since = None
        if found != self._file and self._follow():
            self.opened()
            return True
        if found != self._file:
            raise LedgerError(
                f"the ledger at {self._path} is not the file that this process opened: it was replaced while it was "
                "in use; put back the one that was there, or stop this controller and start it again"
            )
        return False

    def _gone(self) -> None:
        now = time.monotonic()
        self._gone_since = self._gone_since or now
        if now - self._gone_since < GONE_S:
            raise LedgerError(f"the ledger at {self._path} was removed or moved away while it was in use")
        try:
            self._write_back()
        except (OSError, sqlite3.Error) as error:
            raise LedgerError(
                f"the ledger at {self._path} was removed while it was in use, and cannot be written back: {error}; "
                "do not stop this controller: it has the only copy"
            ) from error

    def _write_back(self) -> None:
        """Everything that this process can still read, under the old name, durably."""
        draft = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        draft.unlink(missing_ok=True)
        try:
            self._copy(draft)
            for left in ("-wal", "-shm"):  # they belong to the file that is gone
                self._path.with_name(f"{self._path.name}{left}").unlink(missing_ok=True)
            draft.rename(self._path)
        finally:
            with contextlib.suppress(OSError):
                draft.unlink(missing_ok=True)
        self._gone_since = None
        self.opened()
        self._follow()
        _log.error("the ledger at %s was removed while it was in use: it was written back", self._path)


# Could the ledger be written now? Asked without writing anything.

PROBE_S = 1.0
"""How long another writer is waited for: one that takes longer keeps a release from being recorded, too."""


def require_writable(path: Path, busy_s: float = PROBE_S) -> None:
    """Return when the ledger's file takes a transaction, which is given up at once. Raises LedgerError."""
    with closing(connect_writer(path, busy_s)):
        return
