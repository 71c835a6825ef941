"""The outbox at work, beside a controller; and one channel tried out."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable
from dataclasses import replace
from typing import Any

from headgate.core.model import Version
from headgate.ledger import Ledger
from headgate.outbox.book import Lane
from headgate.outbox.courier import Maker
from headgate.outbox.outbox import Outbox
from headgate.outbox.store import Store
from headgate.ports.errors import PortError
from headgate.ports.registry import create
from headgate.ports.wires import Wires


def maker(wires: Wires) -> Maker:
    """Makes the plugin behind a lane: a channel, or a marker."""

    def make(lane: Lane) -> Any:  # noqa: ANN401 - each group has its own Protocol
        return create(lane.group, lane.kind, replace(wires, name=lane.name, settings=lane.settings))

    return make


@contextlib.asynccontextmanager
async def telling(
    ledger: Ledger, store: Store, wires: Wires, held: Callable[[], bool]
) -> AsyncGenerator[Outbox]:
    """The outbox, for as long as the context lasts; at its end, what can be said at once is said.

    `held` says whether this is still the home's controller.
    """

    def commit_of(version: Version) -> str:
        with contextlib.suppress(PortError):
            return wires.artifacts.find(version.artifact).provenance.commit
        return ""

    outbox = Outbox(ledger, store, maker(wires), wires.now, commit_of=commit_of, held=held)
    await outbox.begin()
    task = asyncio.create_task(outbox.run())
    try:
        yield outbox
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await outbox.flush()
        await outbox.close()
