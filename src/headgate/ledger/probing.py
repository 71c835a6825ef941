"""Could the ledger be written now? Asked without writing anything."""

from contextlib import closing
from pathlib import Path

from headgate.ledger.sqlite_connection import connect_writer

PROBE_S = 1.0
"""How long another writer is waited for: one that takes longer keeps a release from being recorded, too."""


def require_writable(path: Path, busy_s: float = PROBE_S) -> None:
    """Return when the ledger's file takes a transaction, which is given up at once. Raises LedgerError."""
    with closing(connect_writer(path, busy_s)):
        return
