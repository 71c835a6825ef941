from __future__ import annotations

from pathlib import Path

from headgate.ledger import Ledger, MemoryLedger, SqliteLedger
from headgate.testing.ledger import LedgerContract


class TestMemory(LedgerContract):
    durable = False

    def open(self, place: Path) -> Ledger:
        return MemoryLedger()


class TestSqlite(LedgerContract):
    def open(self, place: Path) -> Ledger:
        return SqliteLedger(place / "home" / "ledger.db")
