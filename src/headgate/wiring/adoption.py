"""A home at another place: what was written down at the old one is stopped where it is ours, and forgotten."""

import shutil
import time
from pathlib import Path

from headgate.core.ahead import ahead
from headgate.core.foreign import clean_note
from headgate.core.home import HomeAdopted, LedgerReconciled
from headgate.homes import keys_of, ledger_of, run_of, sessions_of
from headgate.homes.identity import adopt as belong_here
from headgate.homes.identity import identity, was_moved
from headgate.ledger import SqliteLedger
from headgate.plugins.processes.supervisord import Supervisord
from headgate.plugins.traffic.envoy.files import Folder
from headgate.ports import Temporary

RUNNING = ("version.json", "endpoints.json", "lock")
"""What a version's folder says of what runs."""


async def adopt(home: Path, by: str) -> str:
    """Have `home` belong where it is, as `by` asks; returns where it belonged before; empty: nowhere else.

    What runs out of a moved home is stopped first; what a copy names is the original's, and left alone. The ledger, the
    artifacts and the logs stay. Raises Temporary when something of it does not stop.
    """
    known = identity(home)
    if known is not None and was_moved(home):
        await _stop(home)
    _forget(home)
    new = belong_here(home)
    before = known.path if known is not None and known.path != new.path else ""
    if ledger_of(home).exists():
        await _note(home, HomeAdopted(at=time.time(), by=by, before=before, path=new.path, epoch=new.epoch))
    return before


def unknown_releases(home: Path) -> tuple[str, ...]:
    """The releases that the proxy's own files name and the home's ledger does not."""
    ledger = SqliteLedger(ledger_of(home), readonly=True)
    try:
        effects = [effect for applied in Folder(home / "envoy").every_applied() for effect in applied.effects]
        unknown = ahead(effects, lambda release: ledger.summary(release) is not None)
        return tuple(dict.fromkeys(one.release for one in unknown))
    finally:
        ledger.close()


async def reconcile(home: Path, by: str, reason: str) -> tuple[str, ...]:
    """Have the ledger count although the world is ahead of it; returns the releases that it never did."""
    found = unknown_releases(home)
    if found:
        event = LedgerReconciled(at=time.time(), by=by, reason=reason, releases=found)
        await _note(home, event)
    return found


async def _stop(home: Path) -> None:
    left = await Supervisord(home).stop_daemon()
    if left:
        named = ", ".join(f"{one.name} (process {one.pid})" for one in left)
        raise Temporary(
            f"of what runs out of {home}, this does not end: {named}; end it, then adopt the home"
        )


def _forget(home: Path) -> None:
    """What names processes, sockets and folders of the old place, and who was signed in there."""
    for file in (sessions_of(home), keys_of(home)):
        file.unlink(missing_ok=True)
    for folder in (run_of(home), home / "envoy"):
        shutil.rmtree(folder, ignore_errors=True)
    for version in home.glob("versions/*/*/*/*"):
        for name in RUNNING:
            (version / name).unlink(missing_ok=True)
        for instance in version.glob("instances/*"):
            for name in ("spec.json", "life.json"):
                (instance / name).unlink(missing_ok=True)


async def _note(home: Path, event: HomeAdopted | LedgerReconciled) -> None:
    ledger = SqliteLedger(ledger_of(home))
    try:
        await ledger.note(len(ledger.notes()), clean_note(event))
    finally:
        ledger.close()
