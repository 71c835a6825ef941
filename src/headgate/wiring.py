"""From a home to objects: the only place that knows which plugin stands behind which port."""

import asyncio
import contextlib
import logging
import signal
import sys
import time
from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec

from headgate.controller.housekeeping import keep_house
from headgate.controller.journal import journal, log_file, logged
from headgate.controller.lease import FileLease
from headgate.controller.observing import Observing
from headgate.controller.sources import Sources
from headgate.controller.supervisor import Supervisor
from headgate.controller.world import World
from headgate.core.model import Channel, Version
from headgate.core.people import People
from headgate.homes import hooks_of, ledger_of, listens, make_home, people_of, socket_of, sweep_sockets
from headgate.ledger import Ledger, SqliteLedger
from headgate.outbox import trial
from headgate.outbox.store import FileStore
from headgate.outbox.telling import maker, telling
from headgate.outbox.trial import Tried
from headgate.plugins.artifacts.build import provenance, run_build
from headgate.plugins.artifacts.folder import FolderArtifacts
from headgate.plugins.processes.supervisord import Supervisord
from headgate.plugins.traffic.envoy import cluster_name, unit_name
from headgate.plugins.web.client import HttpWeb, Limits
from headgate.ports import Artifacts, Permanent, PortError
from headgate.ports.issuer import ANSWER_MAX_BYTES
from headgate.ports.notifier import Message
from headgate.ports.processes import Processes, Program
from headgate.ports.registry import create, names
from headgate.ports.web import Web
from headgate.ports.wires import Wires
from headgate.web.access.front import FrontDoor
from headgate.web.access.tokens import HomeBook
from headgate.web.access.vouching import Vouching
from headgate.web.application import Backstage, behind_socket
from headgate.web.entrance import OpenId, Vouch, allowed_at, open_door
from headgate.web.hooks.vault import FileVault
from headgate.web.metrics import Metrics
from headgate.web.receiving import Receiving
from headgate.web.serve import serving, unix_listener
from headgate.web.stream import Stream

__all__ = [
    "build_world",
    "daemon_status",
    "down",
    "open_artifacts",
    "open_ledger",
    "open_processes",
    "provenance",
    "run_build",
    "running",
    "serve",
    "try_channels",
    "unit_name",
    "up",
]

CONTROLLER = "controller"

TARGET = "local"
TRAFFIC = "envoy"
SIGNALS = ("envoy", "service")
"""The first measures the traffic itself; the others add to it."""

ISSUER = "openid"

ALWAYS_ASKED = ("artifact", "baseline")

UP_S = 15.0
"""How long `up` waits for the controller's first answer."""

ASK_EVERY_S = 0.05


def open_ledger(home: Path, *, write: bool = False) -> Ledger:
    """The home's ledger. Raises LedgerMissing when there is none to read, and what SqliteLedger raises."""
    if write:
        make_home(home)
    return SqliteLedger(ledger_of(home), readonly=not write)


def open_artifacts(home: Path) -> Artifacts:
    """The home's store of artifacts and configurations."""
    make_home(home)
    return FolderArtifacts(home / "artifacts")


def open_processes(home: Path) -> Supervisord:
    """The home's process daemon."""
    return Supervisord(home)


def build_world(home: Path, processes: Processes) -> World:
    """Every port of a home, by name from the registry; sources that a release declares are opened when it asks.

    Raises Permanent for a plugin that is missing or broken.
    """
    bounds, receiving = allowed_at(home), Receiving()
    web, public_web = HttpWeb(bounds=bounds), HttpWeb(bounds=bounds.narrowed())
    routed_by: list[Any] = []

    async def changed(version: Version) -> None:
        for traffic in routed_by:
            await traffic.refresh(version)

    bare = Wires(
        home,
        processes,
        open_artifacts(home),
        lambda _: (),
        changed,
        web=web,
        serve=receiving.serve,
        public_web=public_web,
        bounds=bounds,
    )
    target = create("targets", TARGET, bare)
    wires = replace(bare, target=target, addresses=target.addresses)
    traffic = create("traffic", TRAFFIC, wires)
    routed_by.append(traffic)
    wires = replace(wires, fetch=traffic.admin.get, arm=cluster_name)
    sources = Sources(lambda source: create("signals", source.kind, wires.declared(source)))

    async def close() -> None:
        await sources.aclose()
        await receiving.aclose()
        await web.aclose()
        await public_web.aclose()

    return World(
        target=target,
        traffic=traffic,
        signals=tuple(create("signals", name, wires) for name in SIGNALS),
        gates={name: create("gates", name, wires) for name in names("gates")},
        always_asked=ALWAYS_ASKED,
        open_source=sources.open,
        close=close,
    )


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
        processes = open_processes(home)
        await processes.start_daemon()
        ledger = open_ledger(home, write=True)
        world = build_world(home, processes)
        metrics = Metrics()
        observing = Observing(ledger, (metrics.observe, journal))
        supervisor = Supervisor(ledger, world, lease, time.time, observing.appended, mends=True)
        housekeeping: asyncio.Task[None] | None = None
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
            housekeeping = asyncio.create_task(keep_house(open_artifacts(home), ledger))
            stream = Stream(ledger)
            backstage = Backstage(supervisor, ledger, door, stream, metrics, open_artifacts(home))
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
            await world.close()
            ledger.close()
    finally:
        lease.release()


def telling_wires(home: Path, web: Web, public_web: Web | None = None) -> Wires:
    """What channels and markers are made from."""
    return Wires(
        home,
        open_processes(home),
        open_artifacts(home),
        lambda _: (),
        web=web,
        public_web=public_web,
        bounds=allowed_at(home),
    )


def vouching(home: Path, web: Web) -> Vouch:
    """How people come in whom an issuer vouches for; who of them does is read from the home each time."""

    def people() -> People:
        from headgate.config.people import load_people
        from headgate.config.problems import ConfigError

        try:
            return load_people(people_of(home))
        except ConfigError as error:
            raise Permanent("; ".join(map(str, error.problems))) from None

    def vouch(openid: OpenId, door: str) -> Vouching:
        settings = msgspec.to_builtins(openid)
        wires = replace(telling_wires(home, web), name=openid.issuer, settings=settings)
        return Vouching(create("issuers", ISSUER, wires), people, door)

    return vouch


def try_channels(home: Path, channels: Sequence[Channel], message: Message) -> tuple[Tried, ...]:
    """Give a message to channels, as a controller of this home would, and say what became of it."""

    async def tried() -> tuple[Tried, ...]:
        bounds = allowed_at(home)
        web, public_web = HttpWeb(bounds=bounds), HttpWeb(bounds=bounds.narrowed())
        async with contextlib.aclosing(web), contextlib.aclosing(public_web):
            make = maker(telling_wires(home, web, public_web))
            return await trial.try_channels(channels, make, message)

    return asyncio.run(tried())


async def serve(home: Path) -> None:
    """Be the controller until SIGTERM or SIGINT. What the process daemon runs as the program `controller`."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with running(home, logging.StreamHandler()):  # the process daemon keeps what is said on stderr
        await stop.wait()


async def up(home: Path) -> dict[str, Any]:
    """Start the process daemon and the controller under it, if they do not run; returns `daemon_status`.

    Waits up to `UP_S` seconds until the controller answers; where it does not, the status says so.
    """
    processes = open_processes(home)
    await processes.start_daemon()
    await processes.ensure([_controller(home)])
    deadline = time.monotonic() + UP_S
    while time.monotonic() < deadline:
        if controller_runs(home):
            break
        await asyncio.sleep(ASK_EVERY_S)
    return await daemon_status(home)


async def down(home: Path, *, everything: bool) -> None:
    """Stop the controller; with `everything`, also the proxy and every service. What is defined stays defined.

    With `everything`, the home's folders for sockets outside of it go, too, unless somebody still listens there.
    """
    processes = open_processes(home)
    if await processes.running():
        await processes.remove([CONTROLLER])
        if everything:
            await processes.stop_daemon()
    if everything:
        sweep_sockets(home)


async def daemon_status(home: Path) -> dict[str, Any]:
    """What of the home runs now: `daemon`, `controller`, and each program's state and process id."""
    processes = open_processes(home)
    try:
        programs = await processes.list() if await processes.running() else ()
    except PortError:
        programs = ()
    return {
        "home": str(home),
        "daemon": bool(programs) or await processes.running(),
        "controller": controller_runs(home),
        "programs": [{"name": p.name, "state": p.state, "pid": p.pid, "detail": p.detail} for p in programs],
    }


def controller_runs(home: Path) -> bool:
    """True when a controller answers at its socket; trying its lease would get in the way of one that starts."""
    return listens(socket_of(home))


def _controller(home: Path) -> Program:
    return Program(
        name=CONTROLLER,
        argv=(sys.executable, "-P", "-m", "headgate", "--home", str(home), CONTROLLER),
        directory=str(home),
        log=str(home / "log" / "controller.log"),
        start_s=1.0,
        start_retries=20,
    )
