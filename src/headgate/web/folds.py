"""What is known of each release, kept up to date by reading on: asked often, folded once."""

from collections import OrderedDict

from headgate.core.events import ReleaseRequested
from headgate.core.report import Fold
from headgate.ledger import Entry, Ledger
from headgate.web.problems import unknown

FOLDS_MAX = 64
"""How many releases are kept at hand; the one that was asked for longest ago is forgotten."""


class Folds:
    """Folds of releases, by name. Not to be shared between threads."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._kept: OrderedDict[str, _Kept] = OrderedDict()

    def fold(self, release: str) -> Fold:
        """Everything that the ledger says of `release` now. Raises Problem (404)."""
        return self._read_on(release).fold

    def _read_on(self, release: str) -> "_Kept":
        kept = self._kept.pop(release, None)
        entries = self._ledger.read(release, after=kept.number if kept else 0)
        if kept is None:
            kept = _begun(release, entries)
        for entry in entries:
            kept.fold.add(entry.event)
            kept.number = entry.number
        self._kept[release] = kept
        while len(self._kept) > FOLDS_MAX:
            self._kept.popitem(last=False)
        return kept


class _Kept:
    def __init__(self, fold: Fold) -> None:
        self.fold = fold
        self.number = 0


def _begun(release: str, entries: list[Entry]) -> _Kept:
    first = entries[0].event if entries else None
    if not isinstance(first, ReleaseRequested):
        raise unknown("release", release)
    return _Kept(Fold(first))
