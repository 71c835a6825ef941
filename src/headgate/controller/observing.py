"""Tells observers of what the ledger took in, so that none of them can delay or stop a release."""

import logging
from collections.abc import Iterable

from headgate.core.events import AnyEvent, ReleaseRequested
from headgate.core.model import Sample
from headgate.core.report import Fold, fold
from headgate.core.summary import Summary
from headgate.ledger import Ledger
from headgate.ports.observer import Happened, Observer

_log = logging.getLogger(__name__)


class Observing:
    """Keeps a fold of every open release, for all `observers` together."""

    def __init__(self, ledger: Ledger, observers: Iterable[Observer]) -> None:
        self._ledger = ledger
        self.observers = list(observers)
        self._folds: dict[str, Fold] = {}

    def appended(self, event: AnyEvent, summary: Summary, sample: Sample | None, append_s: float) -> None:
        """Tell of one event that the ledger has."""
        try:
            happened = self._happened(event, summary, sample, append_s)
        except Exception:  # noqa: BLE001 - whoever looks on must not be in the way
            _log.exception("an event of %s could not be observed", summary.release)
            return
        for observer in self.observers:
            try:
                observer(happened)
            except Exception:  # noqa: BLE001 - whoever looks on must not be in the way
                _log.exception("an observer broke down over %s", type(event).__name__)

    def _happened(
        self, event: AnyEvent, summary: Summary, sample: Sample | None, append_s: float
    ) -> Happened:
        folded = self._folds.pop(summary.release, None) or self._begun(event, summary.release)
        before = folded.state
        folded.add(event)
        if not summary.closed:
            self._folds[summary.release] = folded
        return Happened(event, before, folded, summary, sample, append_s)

    def _begun(self, event: AnyEvent, release: str) -> Fold:
        """The release before `event`: a new one, or one that another controller has begun."""
        if isinstance(event, ReleaseRequested):
            return Fold(event)
        return fold(entry.event for entry in self._ledger.read(release)[:-1])
