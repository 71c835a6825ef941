"""The process of the relay: all that we ask of others, in the controller's stead.

It reads the sources that releases declare and the services' own metrics, receives what is sent by OTLP, and tells
channels and markers of releases. The controller starts it, once something of that is needed, as
`python -m headgate.wiring.relay HOME FD`, and asks it over its link. Whoever hangs here makes his readings unknown.
"""

import asyncio
import contextlib
import os
from asyncio import StreamReader, StreamWriter
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from pathlib import Path

from headgate.controller.journal import log_file, logged
from headgate.core.model import Arm
from headgate.homes import lock_of
from headgate.ipc.answering import Answering
from headgate.ipc.life import live
from headgate.ipc.messages import Answer, Ask, Counted, Read, Refused, Report
from headgate.ledger import Ledger
from headgate.outbox.outbox import Outbox
from headgate.outbox.store import FileStore
from headgate.outbox.telling import telling
from headgate.plugins.web.client import HttpWeb
from headgate.ports import Permanent, PortError
from headgate.web.entrance import allowed_at, link_of
from headgate.wiring import stores
from headgate.wiring.door import taken_over
from headgate.wiring.telling import telling_wires
from headgate.wiring.world import Measuring

READ_MAX_S = 10.0
"""A source that does not answer for so long is asked no more for this once."""

READS_MAX = 4
"""So many readings of one source may be under way; it is told to be slow where more are asked for."""


class Reader:
    """Reads sources, each for itself: one that hangs takes up no more than its own share."""

    def __init__(self, measuring: Measuring) -> None:
        self._measuring = measuring
        self._under_way: Counter[str] = Counter()

    async def read(self, asked: Read) -> Answer:
        """The counters, or why there are none."""
        name = asked.source.name if asked.source else "the service's metrics"
        if self._under_way[name] >= READS_MAX:
            return Refused("temporary", f"{name} is slow: {READS_MAX} readings are under way already")
        self._under_way[name] += 1
        try:
            async with asyncio.timeout(READ_MAX_S):
                return Counted(await self._arm(asked))
        except TimeoutError:
            return Refused("temporary", f"{name} did not answer within {READ_MAX_S:g} s")
        except PortError as error:
            return Refused("permanent" if isinstance(error, Permanent) else "temporary", str(error))
        finally:
            self._under_way[name] -= 1

    async def _arm(self, asked: Read) -> Arm:
        if asked.source is not None:
            return await self._measuring.open(asked.source, asked.platform).read(asked.version)
        metrics = self._measuring.metrics(asked.platform)
        if not metrics:
            raise Permanent(f"the platform `{asked.platform}` does not read the metrics of services")
        return await metrics[0].read(asked.version)


async def relay(home: Path, reader: StreamReader, writer: StreamWriter) -> None:
    """Serve until the controller has ended; then tell what can be told at once."""
    async with contextlib.AsyncExitStack() as held:
        held.enter_context(logged(log_file(home, "relay")))
        held.callback((await taken_over(home / "relay.lock")).release)
        ledger = held.enter_context(contextlib.closing(stores.open_ledger(home)))
        measuring = Measuring(home, stores.open_processes(home))
        held.push_async_callback(measuring.aclose)
        outbox = await held.enter_async_context(_told(home, ledger))
        sources = Reader(measuring)

        async def answer(ask: Ask) -> Answer:
            match ask:
                case Read():
                    return await sources.read(ask)
                case Report():
                    return Report(outbox.trouble())
                case _:
                    return Refused("malformed", f"{type(ask).__name__} is not for the relay")

        await Answering(reader, writer, answer).run()


@contextlib.asynccontextmanager
async def _told(home: Path, ledger: Ledger) -> AsyncGenerator[Outbox]:
    bounds = allowed_at(home)
    web, public_web = HttpWeb(bounds=bounds), HttpWeb(bounds=bounds.narrowed())
    async with (
        contextlib.aclosing(web),  # whoever is slow to hear of a release is not whoever measures one
        contextlib.aclosing(public_web),
        telling(
            ledger, FileStore(home), telling_wires(home, web, public_web), _held(home), link_of(home)
        ) as outbox,
    ):
        yield outbox


def _held(home: Path) -> Callable[[], bool]:
    """Whether the controller that started us is still the home's: it wrote its process id into the lock's file."""
    ours = os.getppid()

    def held() -> bool:
        try:
            return int(lock_of(home).read_text()) == ours
        except (OSError, ValueError):
            return False

    return held


if __name__ == "__main__":
    live(relay)
