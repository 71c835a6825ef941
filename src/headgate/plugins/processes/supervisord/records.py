"""What each program wrote down when it started, and whether that process still lives: found so, never by name.

A record says process, session and start (in clock ticks since boot), the boot itself, the script that made it and the
home's place: a copy of a home has records, too, and no processes. The kernel does not give a process's number away
while any process of its group lives; so a group with that number, in that session, is ours.
"""

import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from headgate.marks import mark_of, marked
from headgate.plugins.processes.supervisord.paths import Paths

_BOOT = Path("/proc/sys/kernel/random/boot_id")
_SESSION, _STARTED = 3, 19  # fields of /proc/PID/stat, counted from the one after the command's name


class Record(NamedTuple):
    """What a program wrote when it started: its process (and group), session, start; how it wants to be stopped.

    `script` is the file that made it (empty: written by an earlier Headgate), `place` its home's (`Paths.place`).
    """

    pid: int
    session: int
    started: int
    signal: str
    wait_s: float
    script: str = ""
    place: str = ""


def records(paths: Paths) -> dict[str, Record]:
    """What the programs of this home, and of this boot, wrote down, by name."""
    return dict(_records(paths))


def record_of(paths: Paths, name: str) -> Record | None:
    """What the program called `name` wrote down in this home since the machine was started."""
    return read_record(paths.programs / f"{name}.pid", _BOOT.read_text().strip(), paths.place())[1]


def read_record(path: Path, boot: str, place: str = "") -> tuple[str, Record | None]:
    """The record in a file; None when it is of another boot or home, or broken (its writer died in the middle)."""
    try:
        stat, written, stop, *more = path.read_text().splitlines()
        signal, _, wait = stop.partition(" ")
        fields = _fields(stat)
        script, home = more or ("", "")
        record = Record(
            int(stat.split(" ", 1)[0]),
            int(fields[_SESSION]),
            int(fields[_STARTED]),
            signal,
            float(wait),
            script,
            home,
        )
    except (ValueError, IndexError, OSError):
        return path.stem, None
    ours = written == boot and (not record.place or not place or record.place == place)
    return path.stem, record if ours else None


def leads(record: Record) -> bool:
    """True while the very process that wrote the record lives."""
    found = _stat(record.pid)
    return (
        found is not None
        and int(found[_STARTED]) == record.started
        and int(found[_SESSION]) == record.session
        and found[0] not in "ZX"
    )


def members(record: Record, marks: Mapping[int, int] | None = None) -> list[int]:
    """The live processes that the record's program has started: those of its group, and those that carry its mark.

    The leader of the group, if it is there, must have started when the record says. `marks` are all that there are
    (see `marks.marked`), for whoever asks of many records.
    """
    mark = mark_of(record.place, program_of(record.script)) if record.script and record.place else 0
    carrying = {
        pid for pid, found in (marked() if marks is None else marks).items() if mark and found == mark
    }
    return sorted(carrying | set(_group(record)))


def _group(record: Record) -> list[int]:
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


def program_of(script: str) -> str:
    """The name of the program that a script is of."""
    return os.path.basename(script).partition("@")[0]  # noqa: PTH119 - text, as it is


def started_at(record: Record) -> float:
    """When it started, in seconds since the epoch."""
    uptime_s = float(Path("/proc/uptime").read_text().split()[0])
    return time.time() - uptime_s + record.started / os.sysconf("SC_CLK_TCK")


def _records(paths: Paths) -> Iterator[tuple[str, Record]]:
    boot, place = _BOOT.read_text().strip(), paths.place()
    for path in sorted(paths.programs.glob("*.pid")):
        name, record = read_record(path, boot, place)
        if record is not None:
            yield name, record


def _belongs(pid: int, record: Record) -> bool:
    try:
        if os.getpgid(pid) != record.pid or os.getsid(pid) != record.session:
            return False
    except ProcessLookupError:
        return False
    found = _stat(pid)
    return found is not None and found[0] not in "ZX"


def _stat(pid: int) -> list[str] | None:
    try:
        return _fields(Path(f"/proc/{pid}/stat").read_text())
    except OSError:
        return None


def _fields(stat: str) -> list[str]:
    return stat.rpartition(")")[2].split()


def _processes() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]  # noqa: PTH208 - a third of the time
