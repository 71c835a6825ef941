"""A home at another place: what was written down at the old one is stopped where it is ours, and forgotten."""

import shutil
import time
from pathlib import Path

from headgate.core.home.facts import HomeAdopted, LedgerReconciled
from headgate.core.machine.ahead import ahead
from headgate.core.model.foreign import clean_note
from headgate.homes import keys_of, ledger_of, run_of, sessions_of
from headgate.homes.identity import adopt as belong_here
from headgate.homes.identity import identity, was_moved
from headgate.ledger import SqliteLedger
from headgate.plugins.processes.supervisord import Supervisord
from headgate.ports import Temporary
from headgate.wiring.platforms import open_platforms


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


async def unknown_releases(home: Path) -> tuple[str, ...]:
    """The releases that the platforms have carried out and the home's ledger does not know. Raises PortError."""
    ledger = SqliteLedger(ledger_of(home), readonly=True)
    try:
        platforms = open_platforms(home, Supervisord(home)).installed()
        effects = [effect for _, each in platforms for effect in await each.traffic.remembered()]
        unknown = ahead(effects, lambda release: ledger.summary(release) is not None)
        return tuple(dict.fromkeys(one.release for one in unknown))
    finally:
        ledger.close()


async def reconcile(home: Path, by: str, reason: str) -> tuple[str, ...]:
    """Have the ledger count although the world is ahead of it; returns the releases that it never did."""
    found = await unknown_releases(home)
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
    shutil.rmtree(run_of(home), ignore_errors=True)
    for _, platform in open_platforms(home, Supervisord(home)).installed():
        platform.forget()


async def _note(home: Path, event: HomeAdopted | LedgerReconciled) -> None:
    ledger = SqliteLedger(ledger_of(home))
    try:
        await ledger.note(len(ledger.notes()), clean_note(event))
    finally:
        ledger.close()
