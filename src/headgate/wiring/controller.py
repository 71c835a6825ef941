"""The controller of a home, with all that lives beside it."""

import asyncio
import contextlib
import logging
import signal
import time
from collections.abc import AsyncGenerator
from pathlib import Path

from headgate.controller.housekeeping import keep_house
from headgate.controller.journal import journal, log_file, logged
from headgate.controller.lease import FileLease
from headgate.controller.observing import Observing
from headgate.controller.supervisor import Supervisor
from headgate.controller.tending import tend
from headgate.homes import hooks_of, socket_of
from headgate.ledger.place import open_spool
from headgate.outbox.store import FileStore
from headgate.outbox.telling import telling
from headgate.plugins.targets.local.keeper_program import NAME as KEEPER
from headgate.plugins.web.client import HttpWeb, Limits
from headgate.ports.issuer import ANSWER_MAX_BYTES
from headgate.web.access.front import FrontDoor
from headgate.web.access.tokens import HomeBook
from headgate.web.application import Backstage, behind_socket
from headgate.web.entrance import allowed_at, open_door
from headgate.web.hooks.vault import FileVault
from headgate.web.metrics import Metrics
from headgate.web.serve import serving, unix_listener
from headgate.web.stream import Stream
from headgate.wiring import stores, world
from headgate.wiring.people import vouching
from headgate.wiring.telling import telling_wires


@contextlib.asynccontextmanager
async def running(home: Path, log: logging.Handler | None = None) -> AsyncGenerator[Supervisor]:
    """The controller of a home, in this process, for as long as the context lasts: services and proxy outlive it.

    `log` takes what it logs; without one, that goes to a file of the home.

    Raises LeaseTaken when another controller runs, PortError when the process daemon or a plugin cannot start,
    LedgerError when the ledger cannot be opened.
    """
    lease = FileLease(home / "controller.lock")
    lease.acquire()
    try:
        processes = stores.open_processes(home)
        await processes.start_daemon()
        ledger = stores.open_ledger(home, write=True)
        ports = world.build_world(home, processes)
        metrics = Metrics()
        observing = Observing(ledger, (metrics.observe, journal))
        supervisor = Supervisor(ledger, ports, lease, time.time, observing.appended, open_spool(home))
        housekeeping: asyncio.Future[tuple[None, None]] | None = None
        told = contextlib.AsyncExitStack()
        try:
            bounds = allowed_at(home)
            web = HttpWeb(bounds=bounds)  # whoever is slow to hear of a release is not whoever measures one
            told.push_async_callback(web.aclose)
            public_web = HttpWeb(bounds=bounds.narrowed())
            told.push_async_callback(public_web.aclose)
            wires = telling_wires(home, web, public_web)
            asking = HttpWeb(
                Limits(body_max_bytes=ANSWER_MAX_BYTES), bounds=bounds
            )  # strangers may have it ask
            told.push_async_callback(asking.aclose)
            door = FrontDoor(HomeBook(ledger))
            door.vault = FileVault(hooks_of(home))
            outbox = await told.enter_async_context(
                telling(ledger, FileStore(home), wires, lease.held, door.link)
            )
            supervisor.elsewhere = outbox.trouble
            told.enter_context(logged(log or log_file(home)))
            metrics.begin(ledger, supervisor.troubles)
            await supervisor.start()
            housekeeping = asyncio.gather(
                keep_house(stores.open_artifacts(home), ledger), tend(processes, KEEPER)
            )
            stream = Stream(ledger)
            backstage = Backstage(supervisor, ledger, door, stream, metrics, stores.open_artifacts(home))
            with unix_listener(socket_of(home)) as listener:
                async with (
                    open_door(home, backstage, vouching(home, asking)),
                    serving(
                        behind_socket(backstage), listener
                    ),  # whoever is answered here finds the door's address
                    stream.running(),  # ends first, and every listener with it: no server has to wait for them
                ):
                    yield supervisor
        finally:
            if housekeeping is not None:
                housekeeping.cancel()
            await told.aclose()
            await supervisor.close()
            await ports.close()
            ledger.close()
    finally:
        lease.release()


async def serve(home: Path) -> None:
    """Be the controller until SIGTERM or SIGINT. What the process daemon runs as the program `controller`."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with running(home, logging.StreamHandler()):  # the process daemon keeps what is said on stderr
        await stop.wait()
