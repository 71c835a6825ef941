"""The controller of a home: it judges and steers, and waits for nobody."""

import asyncio
import contextlib
import logging
import signal
import time
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import TypeVar

from headgate.controller.guard import tend
from headgate.controller.housekeeping import keep_house
from headgate.controller.journal import journal, log_file, logged
from headgate.controller.lease import FileLease
from headgate.controller.observing import Observing
from headgate.controller.steerable import Steerable
from headgate.controller.supervisor import Means, Supervisor
from headgate.controller.watchdog import Watchdog
from headgate.homes import lock_of, steering_of
from headgate.ipc.answering import answering
from headgate.ipc.life import raise_descriptors
from headgate.ipc.listening import unix_listener
from headgate.ipc.steering import SteeringServer
from headgate.ledger import Ledger
from headgate.ledger.place import open_spool
from headgate.wiring import beside, stores, world

T = TypeVar("T")


@contextlib.asynccontextmanager
async def running(home: Path, log: logging.Handler | None = None) -> AsyncGenerator[Supervisor]:
    """The controller of a home, in this process, for as long as the context lasts: services and proxy outlive it.

    What others reach, and what waits for others, are processes of their own beside it, which end with it.
    `log` takes what it logs; without one, that goes to a file of the home.

    Raises LeaseTaken when another controller runs, PortError when the process daemon or a plugin cannot start,
    LedgerError when the ledger cannot be opened.
    """
    lease = FileLease(lock_of(home))
    lease.acquire()
    async with contextlib.AsyncExitStack() as held:
        held.callback(lease.release)
        processes = stores.open_processes(home)
        await processes.start_daemon()
        raise_descriptors()  # after that: what the daemon starts keeps the limit that its owner gave it
        ledger = stores.open_ledger(home, write=True)
        held.callback(ledger.close)
        relay = beside.Relay(home, stores.open_artifacts(home))
        reading = stores.open_ledger(
            home
        )  # of whoever looks through all of it, in a thread: the loop's is its own
        held.callback(reading.close)
        ports = world.build_world(home, processes, relay)
        held.push_async_callback(ports.close)
        observing = Observing(ledger, (journal, relay.observe))
        means = Means(observing.appended, open_spool(home), _Thread(reading), mends=True)
        supervisor = Supervisor(ledger, ports, lease, time.time, means)
        held.push_async_callback(supervisor.close)
        held.enter_context(logged(log or log_file(home)))
        watchdog = Watchdog()
        door = beside.Door(home)
        steerable = Steerable(supervisor, lambda: door.url, lambda: (watchdog.lag_max_s, watchdog.stalls))
        observing.observers.append(steerable.observe)
        supervisor.elsewhere = lambda: watchdog.trouble() | door.trouble() | relay.trouble()
        watchdog.start()
        held.callback(watchdog.stop)
        await relay.begin(ledger)
        await supervisor.start()
        relay.foresee(supervisor.plans())
        kept = [program.name for _, each in ports.platforms.installed() for program in each.programs]
        tended = [tend(processes, name) for name in kept]
        for work in (keep_house(stores.open_artifacts(home), reading), *tended):
            held.callback(asyncio.create_task(work).cancel)
        server = SteeringServer(steerable)
        listener = held.enter_context(unix_listener(steering_of(home)))
        await held.enter_async_context(relay.running())
        await held.enter_async_context(door.running(server))
        await held.enter_async_context(answering(listener, server.handle))
        yield supervisor


class _Thread:
    """Looks through the ledger in a thread (`supervisor.Aside`)."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def __call__(self, work: Callable[[Ledger], T]) -> T:
        return await asyncio.to_thread(work, self._ledger)


async def serve(home: Path) -> None:
    """Be the controller until SIGTERM or SIGINT. What the process daemon runs as the program `controller`."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with running(home, logging.StreamHandler()):  # the process daemon keeps what is said on stderr
        await stop.wait()
