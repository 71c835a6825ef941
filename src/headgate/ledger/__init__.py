"""The ledger: every fact, in order, durable and chained by hash. sqlite3 lives in `sqlite*.py` alone.

State is a fold of the ledger; the summaries and samples beside it are written in the same transaction as the event.
"""

from headgate.ledger.codec import sample_digest
from headgate.ledger.errors import (
    Conflict,
    LedgerBusy,
    LedgerCorrupt,
    LedgerError,
    LedgerFull,
    LedgerMissing,
    LedgerReadOnly,
    LedgerTooNew,
)
from headgate.ledger.memory import MemoryLedger
from headgate.ledger.sqlite import SqliteLedger
from headgate.ledger.store import Entry, Ledger, Note

__all__ = [
    "Conflict",
    "Entry",
    "Ledger",
    "LedgerBusy",
    "LedgerCorrupt",
    "LedgerError",
    "LedgerFull",
    "LedgerMissing",
    "LedgerReadOnly",
    "LedgerTooNew",
    "MemoryLedger",
    "Note",
    "SqliteLedger",
    "sample_digest",
]
