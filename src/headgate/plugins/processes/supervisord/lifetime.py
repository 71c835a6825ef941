"""The daemon's own life: started once, revived when it was killed, ended together with all that it runs."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import headgate
from headgate.plugins.processes.supervisord.calls import POLL_S, SLACK_S, Calls
from headgate.plugins.processes.supervisord.flock import locked, try_lock
from headgate.plugins.processes.supervisord.orphans import orphans, stop_orphans
from headgate.plugins.processes.supervisord.paths import Paths
from headgate.plugins.processes.supervisord.records import Record
from headgate.ports import Permanent, Temporary

START_S = 45.0
"""The longest a daemon may take to answer after its start: it may have to stop what another left behind."""

EXIT_TAKEN = 75
"""Exit status when the home has a daemon already."""

EXIT_DOWN = 76
"""Exit status when the home's daemon was stopped on purpose."""

_DAEMON = "headgate.plugins.processes.supervisord.daemon"


class Lifetime:
    """The daemon of `paths`, as whoever wants it to run or to end sees it. Methods block."""

    def __init__(self, paths: Paths, calls: Calls) -> None:
        self._paths = paths
        self._calls = calls

    def start(self) -> None:
        """Have it run, and answer. Raises Temporary when it does not in `START_S` seconds, Permanent when it cannot."""
        self._paths.create()
        self._paths.down.unlink(missing_ok=True)
        self._await_daemon()

    def revive(self) -> None:
        """The same, unless it was stopped on purpose, or there never was one."""
        if self._paths.run.is_dir() and not self._paths.down.exists():
            self._paths.create()
            self._await_daemon()

    def _await_daemon(self) -> None:
        deadline = time.monotonic() + START_S
        while not self._calls.answers():
            if time.monotonic() > deadline:
                raise Temporary(
                    f"the process daemon of {self._paths.home} did not answer in {START_S:g} s; see {self._paths.log}"
                )
            if self._taken():  # another caller is starting it
                time.sleep(POLL_S)
            elif self._spawn(deadline) == EXIT_DOWN:
                return

    def _spawn(self, deadline: float) -> int:
        """The exit status of whoever became the daemon."""
        # -P: whatever lies in the caller's folder is not imported. The daemon finds this very package.
        source = str(Path(headgate.__file__).parent.parent)
        others = os.environ.get("PYTHONPATH", "").split(os.pathsep)
        path = os.pathsep.join([source, *(one for one in others if one not in ("", source))])
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
        if started.returncode not in (0, os.EX_TEMPFAIL, EXIT_DOWN):
            said = (started.stderr or started.stdout).strip()[-2000:]
            raise Permanent(
                f"the process daemon of {self._paths.home} does not start (see {self._paths.log}): {said}"
            )
        return started.returncode

    def stop(self) -> dict[str, Record]:
        """End it and what it runs, or what a killed one left; returns what does not end. Raises Temporary."""
        if not self._paths.run.is_dir():
            return {}
        self._paths.down.touch(mode=0o600)  # first: whoever notices its end must not start another
        wait_s = max((file.stop_wait_s() for file in self._calls.files()), default=0.0) + SLACK_S
        if not self._shut_down(wait_s):
            with contextlib.suppress(ValueError, OSError):  # the lock is held: the number is the daemon's own
                os.kill(int(self._paths.pid.read_text()), signal.SIGKILL)
            if not self._freed(SLACK_S):
                raise Temporary(f"the process daemon of {self._paths.home} does not stop")
        return orphans(self._paths)

    def _shut_down(self, wait_s: float) -> bool:
        """Have the daemon end, and one that was just being started, too. False when it does not."""
        deadline = time.monotonic() + wait_s
        while True:
            with contextlib.suppress(Temporary):
                # All at once: at its own shutdown supervisor waits for one program after the other.
                self._calls.until(self._calls.all_halted, wait_s, "stop")
            with contextlib.suppress(Temporary):
                self._calls.call("shutdown")
            if self._freed(SLACK_S):
                return True
            if time.monotonic() > deadline:
                return False

    def _freed(self, wait_s: float) -> bool:
        """Wait for the daemon's end; then what it left is stopped, if it can be."""
        with contextlib.suppress(Temporary), locked(self._paths.lock, wait_s):
            stop_orphans(self._paths)
            return True
        return False

    def _taken(self) -> bool:
        descriptor = try_lock(self._paths.lock)
        if descriptor is not None:
            os.close(descriptor)
        return descriptor is None
