"""Somebody who may read a ledger and write nothing: `python reading.py LEDGER` says what they find."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import headgate.ledger.sqlite_append  # noqa: F401 - now: nobody may be unable to read our libraries
from headgate.ledger import LedgerError, SqliteLedger
from headgate.ledger.verify import verify

NOBODY = 65534


def main() -> None:
    place = Path(sys.argv[1])
    if os.getuid() == 0:
        os.setuid(NOBODY)
    else:
        for file in (*place.parent.iterdir(), place.parent):
            file.chmod(0o555)
    reader = SqliteLedger(place, readonly=True)
    audit = verify(reader)
    reader.close()
    try:
        SqliteLedger(place).close()
        refusal = "may write"
    except LedgerError as error:
        refusal = type(error).__name__
    print(f"{audit.entries} entries, {audit.broken or 'whole'}; {refusal}")


if __name__ == "__main__":
    main()
