"""From a home to objects: the only place that knows which plugin stands behind which port."""

import asyncio
import contextlib
import hashlib
import os
import signal
import socket
import sys
import time
from collections.abc import AsyncGenerator
from dataclasses import replace
from pathlib import Path
from typing import Any

from headgate.controller.housekeeping import keep_house
from headgate.controller.lease import FileLease
from headgate.controller.supervisor import Supervisor
from headgate.controller.world import World
from headgate.core.model import Version
from headgate.ledger import Ledger, SqliteLedger
from headgate.plugins.artifacts.build import provenance, run_build
from headgate.plugins.artifacts.folder import FolderArtifacts
from headgate.plugins.processes.supervisord import Supervisord
from headgate.plugins.traffic.envoy import cluster_name
from headgate.ports import Artifacts, PortError
from headgate.ports.processes import Processes, Program
from headgate.ports.registry import create, names
from headgate.ports.wires import Wires
from headgate.web.api import application
from headgate.web.serve import serving

__all__ = [
    "build_world",
    "daemon_status",
    "down",
    "home_of",
    "make_home",
    "open_artifacts",
    "open_ledger",
    "open_processes",
    "provenance",
    "run_build",
    "running",
    "serve",
    "socket_of",
    "up",
]

HOME_VARIABLE = "HEADGATE_HOME"
HOME_NAME = ".headgate"
CONTROLLER = "controller"

TARGET = "local"
TRAFFIC = "envoy"
SIGNALS = ("envoy", "service")
"""The first measures the traffic itself; the others add to it."""

ALWAYS_ASKED = ("artifact", "baseline")

SOCKET_BYTES_MAX = 100
"""A unix socket's path may have 107 bytes."""


def home_of(project_file: Path | None) -> Path:
    """The home: `HEADGATE_HOME`, or `.headgate` beside the project file, or in the current folder."""
    named = os.environ.get(HOME_VARIABLE)
    if named:
        return Path(named).absolute()
    beside = project_file.parent if project_file is not None else Path()
    return (beside / HOME_NAME).absolute()


def open_ledger(home: Path, *, write: bool = False) -> Ledger:
    """The home's ledger. Raises LedgerMissing when there is none to read, and what SqliteLedger raises."""
    if write:
        make_home(home)
    return SqliteLedger(home / "ledger.sqlite", readonly=not write)


def make_home(home: Path) -> None:
    """Make the folder, for its owner only, and keep it out of the project's version control."""
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    ignore = home / ".gitignore"
    if not ignore.exists():
        ignore.write_text("*\n")


def open_artifacts(home: Path) -> Artifacts:
    """The home's store of artifacts and configurations."""
    make_home(home)
    return FolderArtifacts(home / "artifacts")


def open_processes(home: Path) -> Supervisord:
    """The home's process daemon."""
    return Supervisord(home)


def socket_of(home: Path) -> Path:
    """The controller's socket: in the home, or in a folder of our own where the home's path is too long for one."""
    near = home / "controller.sock"
    if len(os.fsencode(near)) <= SOCKET_BYTES_MAX:
        return near
    name = hashlib.sha256(os.fsencode(home.resolve())).hexdigest()[:16]
    folder = Path("/tmp") / f"headgate-{os.getuid()}" / name  # noqa: S108 - the folder is ours alone, mode 0700
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder / "controller.sock"


def build_world(home: Path, processes: Processes) -> World:
    """Every port of a home, by name from the registry. Raises Permanent for a plugin that is missing or broken."""
    routed_by: list[Any] = []

    async def changed(version: Version) -> None:
        for traffic in routed_by:
            await traffic.refresh(version)

    bare = Wires(home, processes, open_artifacts(home), addresses=lambda _: (), addresses_changed=changed)
    target = create("targets", TARGET, bare)
    wires = replace(bare, target=target, addresses=target.addresses)
    traffic = create("traffic", TRAFFIC, wires)
    routed_by.append(traffic)
    wires = replace(wires, fetch=traffic.admin.get, arm=cluster_name)
    return World(
        target=target,
        traffic=traffic,
        signals=tuple(create("signals", name, wires) for name in SIGNALS),
        gates={name: create("gates", name, wires) for name in names("gates")},
        always_asked=ALWAYS_ASKED,
    )


@contextlib.asynccontextmanager
async def running(home: Path) -> AsyncGenerator[Supervisor]:
    """The controller of a home, in this process, for as long as the context lasts: services and proxy outlive it.

    Raises LeaseTaken when another controller runs, PortError when the process daemon or a plugin cannot start,
    LedgerError when the ledger cannot be opened.
    """
    lease = FileLease(home / "controller.lock")
    lease.acquire()
    try:
        processes = open_processes(home)
        await processes.start_daemon()
        ledger = open_ledger(home, write=True)
        supervisor = Supervisor(ledger, build_world(home, processes), lease, time.time)
        housekeeping: asyncio.Task[None] | None = None
        try:
            await supervisor.start()
            housekeeping = asyncio.create_task(keep_house(open_artifacts(home), ledger))
            async with serving(application(supervisor), socket_of(home)):
                yield supervisor
        finally:
            if housekeeping is not None:
                housekeeping.cancel()
            await supervisor.close()
            ledger.close()
    finally:
        lease.release()


async def serve(home: Path) -> None:
    """Be the controller until SIGTERM or SIGINT. What the process daemon runs as the program `controller`."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with running(home):
        await stop.wait()


async def up(home: Path) -> dict[str, Any]:
    """Start the process daemon and the controller under it, if they do not run; returns `daemon_status`."""
    processes = open_processes(home)
    await processes.start_daemon()
    await processes.ensure([_controller(home)])
    return await daemon_status(home)


async def down(home: Path, *, everything: bool) -> None:
    """Stop the controller; with `everything`, also the proxy and every service. What is defined stays defined."""
    processes = open_processes(home)
    if not await processes.running():
        return
    await processes.remove([CONTROLLER])
    if everything:
        await processes.stop_daemon()


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
    with contextlib.closing(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)) as probe:
        try:
            probe.connect(str(socket_of(home)))
        except OSError:
            return False
    return True


def _controller(home: Path) -> Program:
    return Program(
        name=CONTROLLER,
        argv=(sys.executable, "-P", "-m", "headgate", "--home", str(home), CONTROLLER),
        directory=str(home),
        log=str(home / "log" / "controller.log"),
        start_s=1.0,
        start_retries=20,
    )
