"""Follows the ledger for observers in another process than the controller's: entry by entry, a page at a time."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Sequence

from headgate.core.machine.events import Judged
from headgate.core.story.view import summarise
from headgate.ledger import Entry, Ledger, LedgerError
from headgate.ledger.folding import Folding
from headgate.ports.observer import Happened, Observer
from headgate.tasks import beside

POLL_S = 1.0
PAGE = 64

_log = logging.getLogger(__name__)


class Following:
    """Tells observers of what the ledger has taken in since this was made."""

    def __init__(self, ledger: Ledger, observers: Sequence[Observer]) -> None:
        self._ledger = ledger
        self._observers = observers
        self._folding = Folding(ledger)
        self._seen = ledger.last_sequence()
        self._reading = asyncio.Lock()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Read on for as long as the context lasts."""
        async with beside(self._read_on()):
            yield

    async def catch_up(self) -> None:
        """Tell of everything that the ledger has now. Raises LedgerError."""
        async with self._reading:
            while entries := self._ledger.since(self._seen, PAGE):
                for entry in entries:
                    self._tell(entry)
                    self._seen = entry.sequence
                await asyncio.sleep(0)  # others are served between two pages

    async def _read_on(self) -> None:
        while True:
            with contextlib.suppress(LedgerError):  # whoever writes to it says what is wrong with it
                await self.catch_up()
            await asyncio.sleep(POLL_S)

    def _tell(self, entry: Entry) -> None:
        try:
            happened = self._happened(entry)
            for observer in self._observers:
                observer(happened)
        except LedgerError:
            raise
        except Exception:  # noqa: BLE001 - whoever looks on must not be in the way
            _log.exception("entry %d could not be observed", entry.sequence)

    def _happened(self, entry: Entry) -> Happened:
        event = entry.event
        before, folded = self._folding.add(entry.release, entry.number, event)
        summary = summarise(folded.state, folded.plan, folded.request)
        sample = self._ledger.sample(event.sample) if isinstance(event, Judged) else None
        return Happened(event, before, folded, summary, sample)
