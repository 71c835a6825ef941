"""The folds of open releases, kept while their events come in, for whoever looks on."""

from headgate.core.machine.events import AnyEvent, ReleaseRequested
from headgate.core.machine.state import State
from headgate.core.story.report import Fold, fold
from headgate.ledger.store import Ledger


class Folding:
    """One fold for each open release; of a release that it meets in its middle, the ledger tells what was before."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._folds: dict[str, Fold] = {}

    def add(self, release: str, number: int, event: AnyEvent) -> tuple[State, Fold]:
        """Take in an entry of a release; returns the state before it and the fold after it. Raises LedgerError."""
        folded = self._folds.pop(release, None) or self._begun(release, number, event)
        before = folded.state
        folded.add(event)
        if folded.state.stage != "closed":
            self._folds[release] = folded
        return before, folded

    def _begun(self, release: str, number: int, event: AnyEvent) -> Fold:
        """The release before this entry: a new one, or one that another process has begun."""
        if isinstance(event, ReleaseRequested):
            return Fold(event)
        return fold(one.event for one in self._ledger.read(release) if one.number < number)
