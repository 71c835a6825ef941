"""The port `Processes` over a home's supervisord, and that daemon's start and stop."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import headgate
from headgate.plugins.processes.supervisord import client
from headgate.plugins.processes.supervisord.flock import locked, try_lock
from headgate.plugins.processes.supervisord.orphans import stop_orphans
from headgate.plugins.processes.supervisord.paths import Paths
from headgate.plugins.processes.supervisord.program_file import ProgramFile, make_log_folders
from headgate.ports import Permanent, Temporary
from headgate.ports.processes import ProcessState, ProcessStatus, Program

START_S = 45.0
"""The longest a daemon may take to answer after its start: it may have to stop what another left behind."""

LOCK_S = 60.0
POLL_S = 0.03
THREADS_MAX = 64
"""Calls at a time. The threads are our own: what waits for a slow stop takes none of the event loop's few."""

SLACK_S = 10.0
"""Beyond a program's own `stop_wait_s`, for the kill and for a busy machine."""

DEAF_S = 2.0
"""A process that has not written itself down this long after its start will not."""

_DAEMON = "headgate.plugins.processes.supervisord.daemon"
_STATES: dict[int, ProcessState] = {
    0: "stopped",
    10: "starting",
    20: "running",
    30: "backoff",
    40: "stopping",
    100: "exited",
    200: "fatal",
}
_DOWN = frozenset({"stopped", "exited", "fatal"})
_UP = frozenset({"starting", "running", "backoff"})
_THREADS = ThreadPoolExecutor(THREADS_MAX, thread_name_prefix="supervisord")

P = ParamSpec("P")
T = TypeVar("T")


class Supervisord:
    """The processes of `home`. Made anew from the home alone, in any process: the daemon holds the state."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self._paths = Paths(home)

    # --- the daemon ---------------------------------------------------------------------------------------------------

    async def start_daemon(self) -> None:
        """Have the home's daemon running, in a session of its own. It outlives the caller and has its environment.

        What an earlier daemon left running when it was killed is stopped first, and started again by this one.
        Raises Temporary when it does not answer in `START_S` seconds, Permanent when it cannot start.
        """
        await _in_thread(self._start_daemon)

    async def stop_daemon(self) -> None:
        """Stop every program gracefully, then the daemon. Programs stay defined: the next daemon starts them again."""
        await _in_thread(self._stop_daemon)

    async def running(self) -> bool:
        """True when the daemon answers."""
        return await _in_thread(self._answers)

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

    def _start_daemon(self) -> None:
        self._paths.create()
        deadline = time.monotonic() + START_S
        while not self._answers():
            if time.monotonic() > deadline:
                raise Temporary(
                    f"the process daemon of {self.home} did not answer in {START_S:g} s; see {self._paths.log}"
                )
            if self._taken():  # another caller is starting it
                time.sleep(POLL_S)
            else:
                self._spawn(deadline)

    def _spawn(self, deadline: float) -> None:
        # -P: whatever lies in the caller's folder is not imported. The daemon finds this very package.
        source = str(Path(headgate.__file__).parent.parent)
        path = os.pathsep.join([source, *filter(None, [os.environ.get("PYTHONPATH", "")])])
        started = subprocess.run(
            [sys.executable, "-P", "-m", _DAEMON, str(self._paths.home)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            cwd=self._paths.run,
            env={**os.environ, "PYTHONPATH": path},
            start_new_session=True,
            timeout=max(1.0, deadline - time.monotonic()),
            check=False,
        )
        if started.returncode not in (0, os.EX_TEMPFAIL):
            said = (started.stderr or started.stdout).strip()[-2000:]
            raise Permanent(
                f"the process daemon of {self.home} does not start (see {self._paths.log}): {said}"
            )

    def _stop_daemon(self) -> None:
        wait_s = max((file.stop_wait_s() for file in self._files()), default=0.0) + SLACK_S
        with contextlib.suppress(Temporary):
            # All at once: at its own shutdown supervisor waits for one program after the other.
            self._until(self._all_halted, wait_s, "stop")
        with contextlib.suppress(Temporary):
            self._call("shutdown")
        if not self._paths.run.is_dir() or self._freed(wait_s):
            return
        with contextlib.suppress(ValueError, OSError):  # the lock is held: the number is the daemon's own
            os.kill(int(self._paths.pid.read_text()), signal.SIGKILL)
        if not self._freed(SLACK_S):
            raise Temporary(f"the process daemon of {self.home} does not stop")

    def _freed(self, wait_s: float) -> bool:
        """Wait for the daemon's end; then nothing that it started is left."""
        with contextlib.suppress(Temporary), locked(self._paths.lock, wait_s):
            stop_orphans(self._paths)
            return True
        return False

    def _taken(self) -> bool:
        descriptor = try_lock(self._paths.lock)
        if descriptor is not None:
            os.close(descriptor)
        return descriptor is None

    def _answers(self) -> bool:
        try:
            return bool(self._call("getState")["statecode"] == 1)
        except Temporary:
            return False

    def _ensure(self, programs: tuple[Program, ...]) -> None:
        self._paths.create()
        with locked(self._paths.programs_lock, LOCK_S):
            self._call("getState")  # no daemon: say so before anything is written
            files = {program.name: ProgramFile(self._paths, program.name) for program in programs}
            try:
                for program in programs:
                    files[program.name].write(program)
                make_log_folders(self._paths)
            except OSError as error:
                raise Temporary(f"cannot write a program's files below {self._paths.run}: {error}") from error
            added, changed, _ = self._call("reloadConfig")[0]
            self._drop([name for name in changed if name in files], max(p.stop_wait_s for p in programs))
            for name in {*added, *changed} & files.keys():
                self._quietly(client.ALREADY_ADDED, "addProcessGroup", name)
            for status in self._list():
                if status.name in files and status.state in _DOWN:
                    self._start(status.name)
            for file in files.values():
                file.sweep()

    def _remove(self, names: tuple[str, ...]) -> None:
        files = [ProgramFile(self._paths, name) for name in names]
        if not self._paths.programs.is_dir():
            return
        wait_s = max(file.stop_wait_s() for file in files)
        for file in files:
            file.forget()  # first: should we die here, no later daemon starts it again
        try:
            self._drop(names, wait_s)
        except client.Absent:
            with locked(self._paths.lock, SLACK_S):  # a daemon that has just died, or is about to listen
                stop_orphans(self._paths, frozenset(names))
        for file in files:
            file.erase()

    def _drop(self, names: Sequence[str], wait_s: float) -> None:
        """Stop these and take them out of the daemon, all at once."""
        if names:
            self._until(lambda: self._dropped(frozenset(names)), wait_s, "stop")

    def _dropped(self, names: frozenset[str]) -> bool:
        present = [status for status in self._list() if status.name in names]
        for status in present:
            if status.state in _UP:
                self._stop(status)
            elif status.state != "stopping":
                self._quietly(client.STILL_RUNNING, "removeProcessGroup", status.name)
        return not present

    def _restart(self, name: str) -> None:
        wait_s = ProgramFile(self._paths, name).stop_wait_s()
        self._until(lambda: self._halted(name), wait_s, "stop")
        self._start(name)

    def _all_halted(self) -> bool:
        statuses = self._list()
        for status in statuses:
            if status.state in _UP:
                self._stop(status)
        return all(status.state in _DOWN for status in statuses)

    def _halted(self, name: str) -> bool:
        found = next((status for status in self._list(name) if status.name == name), None)
        if found is None:
            raise Permanent(f"there is no program {name} to restart")
        if found.state in _UP:
            self._stop(found)
        return found.state in _DOWN

    def _stop(self, status: ProcessStatus) -> None:
        """Have it stopped, without waiting; a process that has only just been forked is left for the next time.

        Until it becomes the program it has the daemon's own handler for the signal, which would swallow it: the program
        would then live on until it is killed.
        """
        young = status.pid > 0 and time.time() - status.started_at < DEAF_S
        if not young or ProgramFile(self._paths, status.name).recorded(status.pid):
            self._quietly(client.NOT_RUNNING, "stopProcess", status.name, False)  # noqa: FBT003 - do not wait

    def _start(self, name: str) -> None:
        """Start it now: supervisor itself would only look after up to a second."""
        try:
            self._call("startProcess", name, False)  # noqa: FBT003 - do not wait
        except client.Refused as refused:
            if refused.code not in (
                client.ALREADY_STARTED,
                client.SPAWN_ERROR,
            ):  # a failed start is retried, as a state
                raise

    def _until(self, done: Callable[[], bool], wait_s: float, what: str) -> None:
        deadline = time.monotonic() + wait_s + SLACK_S
        while not done():
            if time.monotonic() > deadline:
                raise Temporary(
                    f"supervisord did not {what} what it was told to within {wait_s + SLACK_S:g} s"
                )
            time.sleep(POLL_S)

    def _list(self, prefix: str = "") -> tuple[ProcessStatus, ...]:
        rows = [row for row in self._call("getAllProcessInfo") if row["name"].startswith(prefix)]
        return tuple(sorted((_status(row) for row in rows), key=lambda status: status.name))

    def _files(self) -> Sequence[ProgramFile]:
        return [ProgramFile(self._paths, path.stem) for path in self._paths.programs.glob("*.conf")]

    def _quietly(self, allowed: int, method: str, *arguments: str | bool) -> None:
        """Call; being told that it is so already, or that the program has just gone, is no failure."""
        try:
            self._call(method, *arguments)
        except client.Refused as refused:
            if refused.code not in (allowed, client.BAD_NAME):
                raise

    def _call(self, method: str, *arguments: str | bool) -> Any:  # noqa: ANN401 - whatever the daemon answers
        return client.call(self._paths.socket(), method, *arguments)


async def _in_thread(call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    return await asyncio.get_running_loop().run_in_executor(_THREADS, lambda: call(*args, **kwargs))


def _status(row: dict[str, Any]) -> ProcessStatus:
    pid = int(row["pid"])
    return ProcessStatus(
        name=str(row["name"]),
        state=_STATES.get(int(row["state"]), "unknown"),
        pid=pid,
        started_at=float(row["start"]) if pid else 0.0,
        detail=str(row["spawnerr"] or row["description"]),
    )
