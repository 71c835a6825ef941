"""The home's ledger for commands that only read. Light: `wiring` loads all that a controller needs."""

from pathlib import Path

from headgate.homes import ledger_of
from headgate.ledger import Ledger, SqliteLedger


def open_ledger(home: Path) -> Ledger:
    """The home's ledger, for reading. Raises LedgerMissing when there is none."""
    return SqliteLedger(ledger_of(home), readonly=True)
