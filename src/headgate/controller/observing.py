"""Observers: told of what the ledger took in, and able to delay or stop no release."""

import logging
from collections.abc import Iterable

from headgate.core.machine.events import AnyEvent
from headgate.core.model import Sample
from headgate.core.model.summary import Summary
from headgate.ledger import Ledger
from headgate.ledger.folding import Folding
from headgate.ports.observer import Happened, Observer

_log = logging.getLogger(__name__)


class Observing:
    """Keeps a fold of every open release, for all `observers` together."""

    def __init__(self, ledger: Ledger, observers: Iterable[Observer]) -> None:
        self.observers = list(observers)
        self._folding = Folding(ledger)

    def appended(self, event: AnyEvent, summary: Summary, sample: Sample | None, append_s: float) -> None:
        """Tell of one event that the ledger has."""
        try:
            before, folded = self._folding.add(summary.release, summary.sequence, event)
            happened = Happened(event, before, folded, summary, sample, append_s)
        except Exception:  # noqa: BLE001 - whoever looks on must not be in the way
            _log.exception("an event of %s could not be observed", summary.release)
            return
        for observer in self.observers:
            try:
                observer(happened)
            except Exception:  # noqa: BLE001 - whoever looks on must not be in the way
                _log.exception("an observer broke down over %s", type(event).__name__)
