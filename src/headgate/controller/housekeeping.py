"""Housekeeping: forgets artifacts that nothing can need any more."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Iterable

from headgate.core.model import Unit
from headgate.core.model.summary import Summary
from headgate.ledger import Ledger, LedgerError
from headgate.ports import Artifacts, PortError

ARTIFACTS_KEPT = 20
"""The newest artifacts stay whatever they are: built, and perhaps not deployed yet."""

ROLLBACKS_KEPT = 10
"""How many promoted releases of each unit can be gone back to."""

ROUND_S = 600.0


def needed(summaries: Iterable[Summary], rollbacks: int = ROLLBACKS_KEPT) -> frozenset[str]:
    """The artifacts, by digest, of what runs, is warm or in flight, and of what each unit may go back to.

    `summaries` are all releases, newest first.
    """
    digests: set[str] = set()
    promoted: Counter[Unit] = Counter()
    for summary in summaries:
        digests |= {version.artifact for version in summary.warm}
        for move in summary.moves:
            if not summary.closed:
                digests |= {version.artifact for version in (move.before, move.after) if version is not None}
            if summary.outcome == "promoted" and promoted[move.unit] <= rollbacks:
                promoted[move.unit] += 1
                digests.add(move.after.artifact)
    return frozenset(digests)


def sweep(artifacts: Artifacts, ledger: Ledger, keep: int = ARTIFACTS_KEPT) -> tuple[str, ...]:
    """Remove what may go; returns the digests removed. Raises PortError, LedgerError."""
    stored = [artifact.digest for artifact in artifacts.list()]
    gone = collectable(stored, keep, needed(ledger.summaries(limit=1_000_000)))
    for digest in gone:
        artifacts.remove(digest)
    return gone


async def keep_house(artifacts: Artifacts, ledger: Ledger) -> None:
    """Sweep now and then, until cancelled. A store that cannot be swept harms no release."""
    while True:
        with contextlib.suppress(PortError, LedgerError):
            await asyncio.to_thread(sweep, artifacts, ledger)
        await asyncio.sleep(ROUND_S)


# Which artifacts may go: the newest stay, and so does everything that something may still need.


def collectable(artifacts: Iterable[str], keep: int, needed: frozenset[str]) -> tuple[str, ...]:
    """The digests that may be removed, oldest first.

    `artifacts` are all digests, newest first; the newest `keep` (0 or more) of them stay whatever they are. `needed`
    stays at any age: what runs, is warm or in flight, and whatever a rollback that is still legal would start again.
    """
    if keep < 0:
        raise ValueError(f"the number of artifacts to keep must be 0 or more, not {keep}")
    old = list(dict.fromkeys(artifacts))[keep:]
    return tuple(digest for digest in reversed(old) if digest not in needed)
