"""The controller as a daemon: started, stopped, and asked how it is."""

import asyncio
import sys
import time
from pathlib import Path
from typing import Any

from headgate.homes import listens, socket_of, steering_of, sweep_sockets
from headgate.ports import PortError
from headgate.ports.processes import Program
from headgate.wiring import stores

CONTROLLER = "controller"

UP_S = 15.0
"""How long `up` waits for the controller's first answer."""

DOOR_S = 5.0
ASK_EVERY_S = 0.05


async def up(home: Path) -> dict[str, Any]:
    """Start the process daemon and the controller under it, if they do not run; returns `daemon_status`.

    Waits up to `UP_S` seconds until the controller answers; where it does not, the status says so. Then, up to
    `DOOR_S`, until the door beside it has opened, for whoever wants to know where that is.
    """
    processes = stores.open_processes(home)
    await processes.start_daemon()
    await processes.ensure([_controller(home)])
    if await _listening(steering_of(home), UP_S):
        await _listening(socket_of(home), DOOR_S)
    return await daemon_status(home)


async def _listening(path: Path, within_s: float) -> bool:
    """Whether somebody listens at the socket, or begins to within so many seconds."""
    deadline = time.monotonic() + within_s
    while not listens(path):
        if time.monotonic() >= deadline:
            return False
        await asyncio.sleep(ASK_EVERY_S)
    return True


async def down(home: Path, *, everything: bool) -> None:
    """Stop the controller; with `everything`, also the proxy and every service. What is defined stays defined.

    With `everything`, the home's folders for sockets outside of it go, too, unless somebody still listens there.
    """
    processes = stores.open_processes(home)
    if await processes.running():
        await processes.remove([CONTROLLER])
        if everything:
            await processes.stop_daemon()
    if everything:
        sweep_sockets(home)


async def daemon_status(home: Path) -> dict[str, Any]:
    """What of the home runs now: `daemon`, `controller`, and each program's state and process id."""
    processes = stores.open_processes(home)
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
    return listens(steering_of(home))


def _controller(home: Path) -> Program:
    return Program(
        name=CONTROLLER,
        argv=(sys.executable, "-P", "-m", "headgate", "--home", str(home), CONTROLLER),
        directory=str(home),
        log=str(home / "log" / "controller.log"),
        start_s=1.0,
        start_retries=20,
    )
