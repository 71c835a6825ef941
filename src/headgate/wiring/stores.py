"""The stores of a home, opened: its ledger, its artifacts, its process daemon."""

from pathlib import Path

from headgate.homes import ledger_of, make_home
from headgate.homes.identity import require
from headgate.ledger import Ledger, SqliteLedger
from headgate.plugins.processes.supervisord import Supervisord
from headgate.ports import Artifacts


def open_ledger(home: Path, *, write: bool = False) -> Ledger:
    """The home's ledger. Raises LedgerMissing when there is none to read, and what SqliteLedger raises."""
    if write:
        make_home(home)
    return SqliteLedger(ledger_of(home), readonly=not write)


def open_artifacts(home: Path) -> Artifacts:
    """The home's store of artifacts and configurations."""
    from headgate.plugins.artifacts.folder import FolderArtifacts

    make_home(home)
    return FolderArtifacts(home / "artifacts")


def open_processes(home: Path) -> Supervisord:
    """The home's process daemon. Raises identity.Displaced: what a copy has written down is the original's."""
    require(home)
    return Supervisord(home)
