"""Processes that a killed daemon left behind: those that the next one takes over, and the end of all others."""

import contextlib
import os
import signal
import time
from collections.abc import Collection
from pathlib import Path

import msgspec

from headgate.marks import marked
from headgate.plugins.processes.supervisord import adopt
from headgate.plugins.processes.supervisord.paths import Paths
from headgate.plugins.processes.supervisord.program_file import ProgramFile
from headgate.plugins.processes.supervisord.records import (
    Record,
    leads,
    members,
    record_of,
    records,
    started_at,
)
from headgate.ports.processes import ProcessStatus

WAIT_S_MAX = 30.0
KILLED_S = 2.0
POLL_S = 0.05


def adoptable(paths: Paths) -> frozenset[str]:
    """The programs whose process lives and was made by the script that they are defined by now.

    One that ends by SIGKILL alone is not: whoever stands in for it could not pass that on.
    """
    found = records(paths).items()
    return frozenset(
        name
        for name, record in found
        if record.signal != "KILL" and leads(record) and ProgramFile(paths, name).made_by(record.script)
    )


def orphans(paths: Paths) -> dict[str, Record]:
    """What the records of this home point to and lives; whether or not a supervisor looks after it."""
    marks = marked()
    return {name: record for name, record in records(paths).items() if members(record, marks)}


def stop_orphans(
    paths: Paths, names: Collection[str] | None = None, spare: Collection[str] = ()
) -> list[str]:
    """Stop what the records of `names` (None: all, but `spare`) point to: signal, wait, kill, with all that it started.

    Only for a caller that holds the daemon's lock, or has had the daemon stop these. Returns the names of those that
    ran. What even SIGKILL does not end keeps its record: see `orphans`.
    """
    known = records(paths)
    found = {name: known[name] for name in known if name not in spare and (names is None or name in names)}
    marks = marked()
    alive = {name: record for name, record in found.items() if members(record, marks)}
    for record in alive.values():
        _signal(record, getattr(signal, f"SIG{record.signal}", signal.SIGTERM))
    wait_s = max((record.wait_s for record in alive.values()), default=0)
    left = _await_end(list(alive.values()), min(WAIT_S_MAX, wait_s))
    left = _await_end(left, KILLED_S, kill=True)
    for name, record in found.items():
        if record not in left:
            (paths.programs / f"{name}.pid").unlink(missing_ok=True)
    return sorted(alive)


def _await_end(left: list[Record], within_s: float, *, kill: bool = False) -> list[Record]:
    """Wait until none lives; those that still do after `within_s` seconds. `kill` again and again: they may fork."""
    deadline = time.monotonic() + within_s
    while True:
        marks = marked()
        left = [record for record in left if members(record, marks)]
        if not left or time.monotonic() >= deadline:
            return left
        for record in left if kill else ():
            _signal(record, signal.SIGKILL)
        time.sleep(POLL_S)


def _signal(record: Record, number: int) -> None:
    """To each of its processes, wherever they have gone."""
    for pid in members(record):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


# Which of the supervisor's children stand in for a process that outlived its supervisor (see `adopt`).

_PROGRAM = f"\0{adopt.__file__}\0".encode()


def stands_in(pid: int) -> bool:
    """True when process `pid` stands in for another."""
    try:
        return _PROGRAM in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def adopted(paths: Paths, status: ProcessStatus) -> ProcessStatus:
    """`status` with the number and the start of the process itself, where another stands in for it."""
    if not status.pid or not stands_in(status.pid):
        return status
    record = record_of(paths, status.name)
    if record is None or not leads(record):
        return status
    return msgspec.structs.replace(
        status,
        pid=record.pid,
        started_at=started_at(record),
        detail="taken over from a supervisor that died",
    )
