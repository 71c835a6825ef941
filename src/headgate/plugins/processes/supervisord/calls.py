"""What the daemon is told and asked, as its programs' states; every wait is bounded."""

import time
from collections.abc import Callable, Sequence
from typing import Any

from headgate.plugins.processes.supervisord import client
from headgate.plugins.processes.supervisord.orphans import stands_in
from headgate.plugins.processes.supervisord.paths import Paths
from headgate.plugins.processes.supervisord.program_file import ProgramFile
from headgate.ports import Temporary
from headgate.ports.processes import ProcessState, ProcessStatus

POLL_S = 0.03

SLACK_S = 10.0
"""Beyond a program's own `stop_wait_s`, for the kill and for a busy machine."""

DEAF_S = 2.0
"""A process that has not written itself down this long after its start will not."""

_STATES: dict[int, ProcessState] = {
    0: "stopped",
    10: "starting",
    20: "running",
    30: "backoff",
    40: "stopping",
    100: "exited",
    200: "fatal",
}
DOWN = frozenset({"stopped", "exited", "fatal"})
UP = frozenset({"starting", "running", "backoff"})


class Calls:
    """Calls to the daemon of `paths`. Each raises Absent, Refused or Temporary (see `client`)."""

    def __init__(self, paths: Paths) -> None:
        self._paths = paths

    def answers(self) -> bool:
        """True when there is a daemon, and it works."""
        try:
            return bool(self.call("getState")["statecode"] == 1)
        except Temporary:
            return False

    def all_halted(self) -> bool:
        """True when no program runs; those that do are told to stop."""
        statuses = self.rows()
        for status in statuses:
            if status.state in UP:
                self.stop(status)
        return all(status.state in DOWN for status in statuses)

    def stop(self, status: ProcessStatus) -> None:
        """Have it stopped, without waiting; a process that has only just been forked is left for the next time.

        Until it becomes the program it has the daemon's own handler for the signal, which would swallow it: the program
        would then live on until it is killed.
        """
        young = status.pid > 0 and time.time() - status.started_at < DEAF_S
        known = ProgramFile(self._paths, status.name).recorded(status.pid) or stands_in(status.pid)
        if not young or known:
            self.quietly(client.NOT_RUNNING, "stopProcess", status.name, False)  # noqa: FBT003 - do not wait

    def start(self, name: str) -> None:
        """Start it now: supervisor itself would only look after up to a second."""
        try:
            self.call("startProcess", name, False)  # noqa: FBT003 - do not wait
        except client.Refused as refused:
            if refused.code not in (
                client.ALREADY_STARTED,
                client.SPAWN_ERROR,
            ):  # a failed start is retried, as a state
                raise

    def until(self, done: Callable[[], bool], wait_s: float, what: str) -> None:
        """Return when `done`. Raises Temporary when it is not, `SLACK_S` after `wait_s` seconds."""
        deadline = time.monotonic() + wait_s + SLACK_S
        while not done():
            if time.monotonic() > deadline:
                raise Temporary(
                    f"supervisord did not {what} what it was told to within {wait_s + SLACK_S:g} s"
                )
            time.sleep(POLL_S)

    def rows(self, prefix: str = "") -> tuple[ProcessStatus, ...]:
        """The daemon's own children whose name starts with `prefix`, by name: what stands in for another, too."""
        rows = [row for row in self.call("getAllProcessInfo") if row["name"].startswith(prefix)]
        return tuple(sorted((_status(row) for row in rows), key=lambda status: status.name))

    def files(self) -> Sequence[ProgramFile]:
        """Every program that is defined."""
        return [ProgramFile(self._paths, path.stem) for path in self._paths.programs.glob("*.conf")]

    def quietly(self, allowed: int, method: str, *arguments: str | bool) -> None:
        """Call; being told that it is so already, or that the program has just gone, is no failure."""
        try:
            self.call(method, *arguments)
        except client.Refused as refused:
            if refused.code not in (allowed, client.BAD_NAME):
                raise

    def call(self, method: str, *arguments: str | bool) -> Any:  # noqa: ANN401 - whatever the daemon answers
        """What the daemon answers to `supervisor.<method>`."""
        return client.call(self._paths.socket(), method, *arguments)


def _status(row: dict[str, Any]) -> ProcessStatus:
    pid = int(row["pid"])
    return ProcessStatus(
        name=str(row["name"]),
        state=_STATES.get(int(row["state"]), "unknown"),
        pid=pid,
        started_at=float(row["start"]) if pid else 0.0,
        detail=str(row["spawnerr"] or row["description"]),
    )
