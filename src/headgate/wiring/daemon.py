"""The controller as a daemon: started, stopped, and asked how it is."""

import asyncio
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

import headgate
from headgate.homes import proxy_socket_of, socket_of, steering_of
from headgate.ports import PortError
from headgate.ports.guard import Guard, Trouble, read_troubles
from headgate.ports.processes import Processes, ProcessStatus, Program
from headgate.ports.retreat import read_retreats
from headgate.unix_sockets import listener_of, listens
from headgate.wiring import stores
from headgate.wiring.platforms import open_platforms

CONTROLLER = "controller"

UP_S = 15.0
"""How long `up` waits for the controller's first answer."""

SERVED_S = 5.0
"""How long it then waits for the proxy to serve: it looks after it meanwhile, as the keeper goes on to do."""

DOOR_S = 5.0
ASK_EVERY_S = 0.05
LOOK_EVERY_S = 0.5


async def up(home: Path) -> dict[str, Any]:
    """Have the process daemon, the controller and what platforms need run, and users served; returns `daemon_status`.

    Waits up to `UP_S` seconds until the controller answers, up to `DOOR_S` until the door beside it has opened, and
    `SERVED_S` until the guards of the platforms find all well; where one does not, the status says so (`unserved`).
    """
    processes = stores.open_processes(home)
    await processes.start_daemon()
    platforms = [platform for _, platform in open_platforms(home, processes).installed()]
    kept = [program for platform in platforms for program in platform.programs]
    await processes.ensure([controller_program(home), *kept])
    if await _listening(steering_of(home), UP_S):
        await _listening(socket_of(home), DOOR_S)
    unserved = await _served([guard for platform in platforms for guard in platform.guards])
    return await daemon_status(home) | {"unserved": msgspec.to_builtins(unserved)}


async def _listening(path: Path, within_s: float) -> bool:
    """Whether somebody listens at the socket, or begins to within so many seconds."""
    deadline = time.monotonic() + within_s
    while not listens(path):
        if time.monotonic() >= deadline:
            return False
        await asyncio.sleep(ASK_EVERY_S)
    return True


async def down(home: Path, *, everything: bool) -> tuple[str, ...]:
    """Stop the controller; with `everything`, also the proxy and every service. What is defined stays defined.

    Whoever supervises them may be dead: then what they wrote down of themselves is stopped. Returns what could not be
    stopped, a sentence for each; nothing: all is. Raises PortError.
    """
    processes = stores.open_processes(home)
    left: tuple[ProcessStatus, ...] = ()
    if everything:
        left = await processes.stop_daemon()
    else:
        await processes.remove([CONTROLLER])
    return (*(f"{one.name} (process {one.pid}) does not end" for one in left), *_still(home, everything))


def _still(home: Path, everything: bool) -> list[str]:  # noqa: FBT001 - handed on
    """Who still answers at the home's sockets."""
    found: list[str] = []
    if pid := listener_of(steering_of(home)):
        found.append(
            f"a controller (process {pid}) that the process daemon did not start still steers: a `headgate` command "
            "in some terminal; end it there"
        )
    if everything and (pid := listener_of(proxy_socket_of(home))):
        found.append(f"the proxy (process {pid}), of which nothing is written down, still answers")
    return found


async def _served(guards: Sequence[Guard]) -> tuple[Trouble, ...]:
    """What is not well, once it had `SERVED_S` seconds to become so; it is mended meanwhile."""
    deadline = time.monotonic() + SERVED_S
    while True:
        looks = await asyncio.gather(*map(_looked, guards))
        troubles = tuple(trouble for found in looks for trouble in found)
        if not troubles or time.monotonic() > deadline:
            return troubles
        await asyncio.sleep(LOOK_EVERY_S)


async def _looked(guard: Guard) -> tuple[Trouble, ...]:
    try:
        return await guard.look()
    except PortError as error:
        return (Trouble("proxy", str(error)),)


async def daemon_status(home: Path) -> dict[str, Any]:
    """What of the home runs now: `daemon`, `controller`, and each program's state and process id.

    What runs though its daemon is dead has the state `orphaned`. `trouble` is what is wrong: what the keeper found when
    it last looked, and what keeps it from looking. `retreated` are the units whose traffic was taken back without a
    controller (see `ports.retreat`).
    """
    processes = stores.open_processes(home)
    daemon, programs = await _programs(processes)
    orphans = () if daemon else await processes.orphans()
    troubles = (*_unwatched(home, processes, programs, orphans, daemon=daemon), *read_troubles(home))
    rows = [{"name": p.name, "state": p.state, "pid": p.pid, "detail": p.detail} for p in programs]
    return {
        "home": str(home),
        "daemon": daemon,
        "controller": controller_runs(home),
        "programs": [
            *rows,
            *({"name": p.name, "state": "orphaned", "pid": p.pid, "detail": ORPHANED} for p in orphans),
        ],
        "trouble": msgspec.to_builtins(troubles),
        "retreated": msgspec.to_builtins(read_retreats(home)),
    }


ORPHANED = "it runs, and the process daemon that looked after it is dead: `headgate up`"


async def _programs(processes: Processes) -> tuple[bool, tuple[ProcessStatus, ...]]:
    """Whether the daemon answers, and what it looks after."""
    try:
        return True, await processes.list()
    except PortError:
        return False, ()


def _unwatched(
    home: Path,
    processes: Processes,
    programs: tuple[ProcessStatus, ...],
    orphans: tuple[ProcessStatus, ...],
    *,
    daemon: bool,
) -> tuple[Trouble, ...]:
    """That nobody looks after what runs."""
    if orphans:
        what = f"it is dead, and nobody looks after {', '.join(one.name for one in orphans)}"
        return (Trouble("process daemon", what, "`headgate up` takes over what runs"),)
    if not daemon or not programs:
        return ()
    running = {one.name: one for one in programs}
    needed = [one for _, each in open_platforms(home, processes).installed() for one in each.programs]
    return tuple(
        _missing(one.name, running.get(one.name)) for one in needed if not _runs(running.get(one.name))
    )


def _runs(status: ProcessStatus | None) -> bool:
    return status is not None and bool(status.pid)


def _missing(name: str, status: ProcessStatus | None) -> Trouble:
    state = "not there" if status is None else status.state
    said = f"it is {state}: nobody probes what runs"
    return Trouble(name.rpartition(".")[2], said, "`headgate up` starts it")


def controller_runs(home: Path) -> bool:
    """True when a controller answers at its socket; trying its lease would get in the way of one that starts."""
    return listens(steering_of(home))


def controller_program(home: Path) -> Program:
    """What the process daemon runs as the controller of `home`."""
    return Program(
        name=CONTROLLER,
        argv=(sys.executable, "-P", "-m", "headgate", "--home", str(home), CONTROLLER),
        directory=str(home),
        log=str(home / "log" / "controller.log"),
        # This very package, whoever started the daemon; and another program than one that listens elsewhere.
        env={"PYTHONPATH": str(Path(headgate.__file__).parent.parent), "HEADGATE_SOCKETS": "run"},
        start_s=1.0,
        start_retries=20,
    )
