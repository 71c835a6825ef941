"""The place of a home's spool: what its ledger cannot take in yet."""

import contextlib
from pathlib import Path

from headgate.homes import memory_folder
from headgate.ledger.errors import LedgerError
from headgate.ledger.spool import FileSpool, Spool, Spools


def open_spool(home: Path) -> Spool:
    """What is kept beside the ledger while that cannot be written: in the home, or else in the machine's memory.

    A disk that is full already gives no reserve.
    """
    beside = FileSpool(home / "spool")
    with contextlib.suppress(LedgerError):
        beside.reserve()
    folder = memory_folder(home)
    return Spools(beside, *([FileSpool(folder / "spool")] if folder is not None else []))
