"""Processes that outlive whoever asked for them."""

from collections.abc import Sequence
from typing import Literal, Protocol

import msgspec

ProcessState = Literal["stopped", "starting", "running", "backoff", "stopping", "exited", "fatal", "unknown"]

DOWN: frozenset[ProcessState] = frozenset({"stopped", "exited", "fatal", "unknown"})
"""Nothing runs, and the supervisor tries no more by itself; in the last one nobody knows."""


class Program(msgspec.Struct, frozen=True):
    """A process to keep running: restarted with back-off when it exits, its output in rotated files.

    `name` is unique in the home (`[a-z0-9._-]+`), `log` the file its stdout and stderr go to. It counts as started
    after `start_s` seconds of life; `start_retries` starts that end sooner make it `fatal`.
    """

    name: str
    argv: tuple[str, ...]
    directory: str
    log: str
    env: dict[str, str] = {}
    start_s: float = 1.0
    start_retries: int = 3
    stop_signal: str = "TERM"
    stop_wait_s: float = 10.0
    log_max_bytes: int = 10_000_000
    log_keep: int = 5


class ProcessStatus(msgspec.Struct, frozen=True):
    """What a program is doing now. `pid` 0: no process. `detail` is the supervisor's own word (exit status, ...)."""

    name: str
    state: ProcessState
    pid: int = 0
    started_at: float = 0.0
    detail: str = ""

    def __str__(self) -> str:
        """Its state, and what the supervisor says of it."""
        return f"{self.state} ({self.detail})" if self.detail else self.state


class Processes(Protocol):
    """A supervisor of processes, a daemon of its own. Every method is idempotent."""

    async def ensure(self, programs: Sequence[Program]) -> None:
        """Have these programs kept running. One that exists with another definition is replaced. Raises Temporary."""
        ...

    async def remove(self, names: Sequence[str]) -> None:
        """Stop these gracefully (all at once, each within its `stop_wait_s`) and forget them. Absent is removed.

        With all that they have started, also what has made a session of its own and lost its parent.
        """
        ...

    async def restart(self, name: str) -> None:
        """Stop and start one program, also one that is `fatal`. Raises Permanent when it does not exist."""
        ...

    async def list(self, prefix: str = "") -> tuple[ProcessStatus, ...]:
        """The programs whose name starts with `prefix`, by name. Raises Temporary when the daemon does not answer."""
        ...


class Lasting(Processes, Protocol):
    """Processes that outlive their daemon, too: it may die, and another one takes over what it ran."""

    async def revive(self) -> None:
        """Have the daemon run again where it has died; what it ran goes on meanwhile, and is the same afterwards.

        Does nothing when it runs, and when it was stopped on purpose. Raises Temporary or Permanent.
        """
        ...
