"""The port `Processes` over a home's supervisord, and that daemon's start and stop."""

import asyncio
import os
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import ParamSpec, TypeVar

from headgate.plugins.processes.supervisord import client
from headgate.plugins.processes.supervisord.calls import DOWN, POLL_S, SLACK_S, UP, Calls
from headgate.plugins.processes.supervisord.flock import locked, try_lock
from headgate.plugins.processes.supervisord.lifetime import Lifetime
from headgate.plugins.processes.supervisord.orphans import adopted, orphans, stop_orphans
from headgate.plugins.processes.supervisord.paths import Paths
from headgate.plugins.processes.supervisord.program_file import ProgramFile
from headgate.plugins.processes.supervisord.records import Record, started_at
from headgate.ports import Permanent, Temporary
from headgate.ports.processes import ProcessStatus, Program

LOCK_S = 60.0
THREADS_MAX = 64
"""Calls at a time. The threads are our own: what waits for a slow stop takes none of the event loop's few."""

_THREADS = ThreadPoolExecutor(THREADS_MAX, thread_name_prefix="supervisord")

P = ParamSpec("P")
T = TypeVar("T")


class Supervisord:
    """The processes of `home`. Made anew from the home alone, in any process: the daemon holds the state."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self._paths = Paths(home)
        self._calls = Calls(self._paths)
        self._life = Lifetime(self._paths, self._calls)

    # --- the daemon ---------------------------------------------------------------------------------------------------

    async def start_daemon(self) -> None:
        """Have the home's daemon running, in a session of its own. It outlives the caller and has its environment.

        What an earlier daemon left running when it was killed goes on, under this one; what is not defined any more,
        or otherwise, is stopped first.
        Raises Temporary when it does not answer in `START_S` seconds, Permanent when it cannot start.
        """
        await _in_thread(self._life.start)

    async def revive(self) -> None:
        """As the port says. Raises as `start_daemon` does."""
        await _in_thread(self._life.revive)

    async def stop_daemon(self) -> tuple[ProcessStatus, ...]:
        """Stop every program gracefully, then the daemon, or what a killed one left; returns what does not stop.

        Programs stay defined: the next daemon starts them again. Nobody revives this one.
        """
        return _statuses(await _in_thread(self._life.stop))

    async def orphans(self) -> tuple[ProcessStatus, ...]:
        """What the home's programs wrote down of themselves and lives, whether or not a daemon looks after it."""
        return _statuses(await _in_thread(orphans, self._paths))

    async def running(self) -> bool:
        """True when the daemon answers."""
        return await _in_thread(self._calls.answers)

    # --- the port -----------------------------------------------------------------------------------------------------

    async def ensure(self, programs: Sequence[Program]) -> None:
        """As the port says. Raises Permanent for a program that no process could be made of."""
        if programs:
            await _in_thread(self._ensure, tuple(programs))

    async def remove(self, names: Sequence[str]) -> None:
        """As the port says. Without a daemon, what it left of these programs is stopped all the same."""
        if names:
            await _in_thread(self._remove, tuple(names))

    async def restart(self, name: str) -> None:
        """As the port says."""
        await _in_thread(self._restart, name)

    async def list(self, prefix: str = "") -> tuple[ProcessStatus, ...]:
        """As the port says."""
        return await _in_thread(self._list, prefix)

    # --- in a thread --------------------------------------------------------------------------------------------------

    def _ensure(self, programs: tuple[Program, ...]) -> None:
        self._paths.create()
        with locked(self._paths.programs_lock, LOCK_S):
            self._calls.call("getState")  # no daemon: say so before anything is written
            files = {program.name: ProgramFile(self._paths, program.name) for program in programs}
            try:
                for program in programs:
                    files[program.name].write(program)
            except OSError as error:
                raise Temporary(f"cannot write a program's files below {self._paths.run}: {error}") from error
            added, changed, _ = self._calls.call("reloadConfig")[0]
            self._drop([name for name in changed if name in files], max(p.stop_wait_s for p in programs))
            for name in {*added, *changed} & files.keys():
                self._calls.quietly(client.ALREADY_ADDED, "addProcessGroup", name)
            for status in self._calls.rows():
                if status.name in files and status.state in DOWN:
                    self._calls.start(status.name)
            for file in files.values():
                file.sweep()

    def _remove(self, names: tuple[str, ...]) -> None:
        files = [ProgramFile(self._paths, name) for name in names]
        if not self._paths.programs.is_dir():
            return
        wait_s = max(file.stop_wait_s() for file in files)
        for file in files:
            file.forget()  # first: should we die here, no later daemon starts it again
        deadline = time.monotonic() + SLACK_S
        while not self._gone(names, wait_s):
            if time.monotonic() > deadline:
                raise Temporary(f"a process daemon of {self.home} is starting and does not answer yet")
            time.sleep(POLL_S)
        for file in files:
            file.erase()

    def _gone(self, names: tuple[str, ...], wait_s: float) -> bool:
        """Have these stopped, by the daemon or without one. False while one has just died, or is about to listen."""
        try:
            self._drop(names, wait_s)
        except client.Absent:
            lock = try_lock(self._paths.lock)
            if lock is None:
                return False
            try:
                stop_orphans(self._paths, names)
            finally:
                os.close(lock)
        return True

    def _drop(self, names: Sequence[str], wait_s: float) -> None:
        """Stop these and take them out of the daemon, all at once."""
        if names:
            self._calls.until(lambda: self._dropped(frozenset(names)), wait_s, "stop")
            stop_orphans(self._paths, names)  # whose stand-in ended before it could pass that on

    def _dropped(self, names: frozenset[str]) -> bool:
        present = [status for status in self._calls.rows() if status.name in names]
        for status in present:
            if status.state in UP:
                self._calls.stop(status)
            elif status.state != "stopping":
                self._calls.quietly(client.STILL_RUNNING, "removeProcessGroup", status.name)
        return not present

    def _restart(self, name: str) -> None:
        wait_s = ProgramFile(self._paths, name).stop_wait_s()
        self._calls.until(lambda: self._halted(name), wait_s, "stop")
        stop_orphans(self._paths, (name,))  # as above
        self._calls.start(name)

    def _halted(self, name: str) -> bool:
        found = next((status for status in self._calls.rows(name) if status.name == name), None)
        if found is None:
            raise Permanent(f"there is no program {name} to restart")
        if found.state in UP:
            self._calls.stop(found)
        return found.state in DOWN

    def _list(self, prefix: str = "") -> tuple[ProcessStatus, ...]:
        """What the port says: a process that was taken over is itself, not what stands in for it."""
        return tuple(adopted(self._paths, status) for status in self._calls.rows(prefix))


def _statuses(records: Mapping[str, Record]) -> tuple[ProcessStatus, ...]:
    return tuple(
        ProcessStatus(name, "unknown", record.pid, started_at(record)) for name, record in records.items()
    )


async def _in_thread(call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    return await asyncio.get_running_loop().run_in_executor(_THREADS, lambda: call(*args, **kwargs))
