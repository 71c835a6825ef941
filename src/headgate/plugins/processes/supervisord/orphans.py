"""Processes that a killed daemon left behind: found by what each wrote down at its start, never by name.

A record says process, session and start (in clock ticks since boot) and the boot itself. The kernel does not give a
process's number away while any process of its group lives; so a group with that number, in that session, is ours.
"""

import contextlib
import os
import signal
import time
from pathlib import Path
from typing import NamedTuple

from headgate.plugins.processes.supervisord.paths import Paths

_BOOT = Path("/proc/sys/kernel/random/boot_id")
_SESSION, _STARTED = 3, 19  # fields of /proc/PID/stat, counted from the one after the command's name
WAIT_S_MAX = 30.0
POLL_S = 0.02


class Record(NamedTuple):
    """What a program wrote when it started: its process (and group), session, start; how it wants to be stopped."""

    pid: int
    session: int
    started: int
    signal: str
    wait_s: float


def stop_orphans(paths: Paths, names: frozenset[str] | None = None) -> list[str]:
    """Stop what the records of `names` (None: all) still point to: signal, wait, kill, whole groups, all at once.

    Only for a caller that holds the daemon's lock. Returns the names of those that ran.
    """
    found = {name: record for name, record in _records(paths).items() if names is None or name in names}
    alive = {name: record for name, record in found.items() if members(record)}
    for record in alive.values():
        _signal(record, getattr(signal, f"SIG{record.signal}", signal.SIGTERM))
    deadline = time.monotonic() + min(
        WAIT_S_MAX, max((record.wait_s for record in alive.values()), default=0)
    )
    left = list(alive.values())
    while left and time.monotonic() < deadline:
        time.sleep(POLL_S)
        left = [record for record in left if members(record)]
    for record in left:
        _signal(record, signal.SIGKILL)
    while any(members(record) for record in left) and time.monotonic() < deadline + 2:
        time.sleep(POLL_S)
    for name in found:
        (paths.programs / f"{name}.pid").unlink(missing_ok=True)
    return sorted(alive)


def members(record: Record) -> list[int]:
    """The live processes of the record's group. The leader, if it is there, must have started when the record says."""
    try:
        os.killpg(record.pid, 0)
    except ProcessLookupError:
        return []
    except PermissionError:
        return []  # a stranger's group that got the number
    leader = _stat(record.pid)
    if leader is not None and int(leader[_STARTED]) != record.started:
        return []
    return [pid for pid in _processes() if _belongs(pid, record)]


def _belongs(pid: int, record: Record) -> bool:
    try:
        if os.getpgid(pid) != record.pid or os.getsid(pid) != record.session:
            return False
    except ProcessLookupError:
        return False
    found = _stat(pid)
    return found is not None and found[0] not in "ZX"


def _signal(record: Record, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(record.pid, number)


def _records(paths: Paths) -> dict[str, Record]:
    boot = _BOOT.read_text().strip()
    records = (read_record(path, boot) for path in sorted(paths.programs.glob("*.pid")))
    return {name: record for name, record in records if record is not None}


def read_record(path: Path, boot: str) -> tuple[str, Record | None]:
    """The record in a file; None when it is of another boot, or broken (its writer died in the middle)."""
    try:
        stat, written, stop = path.read_text().splitlines()
        name, _, wait = stop.partition(" ")
        fields = _fields(stat)
        record = Record(
            int(stat.split(" ", 1)[0]), int(fields[_SESSION]), int(fields[_STARTED]), name, float(wait)
        )
    except (ValueError, IndexError, OSError):
        return path.stem, None
    return path.stem, record if written == boot else None


def _stat(pid: int) -> list[str] | None:
    try:
        return _fields(Path(f"/proc/{pid}/stat").read_text())
    except OSError:
        return None


def _fields(stat: str) -> list[str]:
    return stat.rpartition(")")[2].split()


def _processes() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]  # noqa: PTH208 - a third of the time
