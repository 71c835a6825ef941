"""The outbox at work, beside a controller; and one channel tried out."""

import contextlib
from collections.abc import AsyncGenerator, Callable
from dataclasses import replace
from typing import Any

from headgate.core.model import Version
from headgate.ledger import Ledger, LedgerError
from headgate.outbox.book import Lane
from headgate.outbox.courier import Maker
from headgate.outbox.outbox import Outbox
from headgate.outbox.store import Store
from headgate.ports.errors import PortError
from headgate.ports.marker import Mark
from headgate.ports.notifier import Message
from headgate.ports.registry import create
from headgate.ports.wires import Wires
from headgate.tasks import beside

LinkOf = Callable[[str], str]
"""Where a release can be looked at; empty: nowhere that others can reach."""


HeadOf = Callable[[], str]
"""The ledger's newest entry, as an anchor (`SEQUENCE:HASH`); empty: there is none."""


def _nowhere(_: str) -> str:
    return ""


def _unknown() -> str:
    return ""


def head_of(ledger: Ledger) -> str:
    """See HeadOf."""
    with contextlib.suppress(LedgerError):
        for link in ledger.links(ledger.last_sequence() - 1, 1):
            return f"{link.sequence}:{link.hash}"
    return ""


def maker(wires: Wires, link_of: LinkOf = _nowhere, head: HeadOf = _unknown) -> Maker:
    """Makes the plugin behind a lane: a channel, or a marker. What they are given says where the release is shown."""

    def make(lane: Lane) -> "Linking":
        plugin = create(lane.group, lane.kind, wires.declared(lane))
        return Linking(plugin, link_of, head)

    return make


class Linking:
    """A notifier or a marker, told where the release can be looked at when something is said of it.

    The ledger's head goes out with everything that is said: see `headgate ledger verify --anchor`.
    """

    def __init__(self, plugin: Any, link_of: LinkOf, head: HeadOf = _unknown) -> None:  # noqa: ANN401 - each group has its own Protocol
        self._plugin = plugin
        self._link_of = link_of
        self._head = head

    async def send(self, message: Message, thread: str) -> str:
        """See Notifier."""
        head = self._head()
        facts = (*message.facts, *((("ledger", head),) if head else ()))
        said = replace(message, link=self._link_of(message.release), facts=facts)
        return str(await self._plugin.send(said, thread))

    async def mark(self, mark: Mark, reference: str) -> str:
        """See Marker."""
        shown = replace(mark, link=self._link_of(mark.release), head=self._head())
        return str(await self._plugin.mark(shown, reference))


@contextlib.asynccontextmanager
async def telling(
    ledger: Ledger, store: Store, wires: Wires, held: Callable[[], bool], link_of: LinkOf = _nowhere
) -> AsyncGenerator[Outbox]:
    """The outbox, for as long as the context lasts; at its end, what can be said at once is said.

    `held` says whether this is still the home's controller.
    """

    def commit_of(version: Version) -> str:
        with contextlib.suppress(PortError):
            return wires.artifacts.find(version.artifact).provenance.commit
        return ""

    make = maker(wires, link_of, lambda: head_of(ledger))
    outbox = Outbox(ledger, store, make, wires.now, commit_of=commit_of, held=held)
    await outbox.begin()
    try:
        async with beside(outbox.run()):
            yield outbox
    finally:
        await outbox.flush()
        await outbox.close()
