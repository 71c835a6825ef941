"""A process that writes to a ledger as fast as it can, and says what was acknowledged: `python writing.py LEDGER`."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from headgate.ledger import Ledger, SqliteLedger
from headgate.testing.ledger import write

RELEASES = 8


async def forever(ledger: Ledger, release: str, first: int) -> None:
    number = first
    while True:
        entry = await write(ledger, release, number)
        sys.stdout.write(f"{entry.sequence} {entry.release} {entry.number} {entry.hash}\n")
        sys.stdout.flush()
        number += 1


async def main() -> None:
    ledger = SqliteLedger(Path(sys.argv[1]))
    names = [f"r{n}" for n in range(1, RELEASES + 1)]
    await asyncio.gather(*(forever(ledger, name, len(ledger.read(name)) + 1) for name in names))


if __name__ == "__main__":
    asyncio.run(main())
