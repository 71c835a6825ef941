"""Real daemons for tests: each ends with its test, and leaves no process."""

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import msgspec

from headgate.plugins.processes.supervisord import Supervisord
from headgate.plugins.processes.supervisord.orphans import orphans
from headgate.plugins.processes.supervisord.paths import Paths
from headgate.ports.processes import Program

T = TypeVar("T")

WAIT_S = 15.0


@contextlib.contextmanager
def daemon(home: Path) -> Iterator[Supervisord]:
    processes = Supervisord(home)
    asyncio.run(processes.start_daemon())
    try:
        yield processes
    finally:
        asyncio.run(processes.stop_daemon())
        left = descendants_of(home)
        assert not left, f"left running: {left}"


def descendants_of(home: Path) -> list[str]:
    """Processes that name `home` in their command line, or that were told it."""
    return [line for pid, line in command_lines().items() if str(home) in line and pid != os.getpid()]


def command_lines() -> dict[int, str]:
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                found[int(entry.name)] = (
                    (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
                )
    return found


def until(what: Callable[[], T], within_s: float = WAIT_S) -> T:
    """The first true value of `what()`; bounded polling."""
    deadline = time.monotonic() + within_s
    while not (value := what()):
        assert time.monotonic() < deadline, f"not within {within_s} s: {value!r}"
        time.sleep(0.02)
    return value


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def script(home: Path, name: str, text: str, **changes: object) -> Program:
    """A program that is a shell script."""
    made = Program(name, ("/bin/sh", "-c", text), str(home), str(home / "log" / f"{name}.log"), stop_wait_s=5)
    return msgspec.structs.replace(made, **changes)


def kill_daemon(processes: Supervisord) -> None:
    """SIGKILL, as the kernel would when memory is short; its programs have all written themselves down before."""
    paths = Paths(processes.home)
    defined = {path.stem for path in paths.programs.glob("*.conf")}
    until(lambda: orphans(paths).keys() >= defined)
    os.kill(int(paths.pid.read_text()), signal.SIGKILL)
    until(lambda: not asyncio.run(processes.running()))
