"""A target: where versions run."""

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

import msgspec

from headgate.core.machine.events import EffectId
from headgate.core.model import Applied, Command, Finding, Version


class Instance(msgspec.Struct, frozen=True):
    """One running copy of a version. `address` is `host:port`; `restarts` counts since it was prepared.

    `exposed`: others than this host may reach it there, past whoever routes the traffic.
    """

    name: str
    address: str
    ready: bool
    restarts: int = 0
    detail: str = ""
    exposed: bool = False


class Ran(msgspec.Struct, frozen=True):
    """What became of a command's change, or of its undo; `note` says to people how it ended, without secrets."""

    outcome: Applied
    note: str = ""


class Target(Protocol):
    """Runs versions of services. Every method may be called again with the same `effect`: it then acts only once."""

    async def prepare(self, effect: EffectId, version: Version, instances: int) -> None:
        """Have exactly `instances` instances running and ready (startup passed, readiness passes); returns when so.

        Verifies the artifact's digest before anything starts. More instances than asked are drained and stopped.
        Raises Permanent when the version cannot run (tampered artifact, its process exits, startup probe exhausted).
        """
        ...

    async def stop(self, effect: EffectId, version: Version, drain_s: float) -> None:
        """Stop every instance, gracefully, after requests had up to `drain_s` seconds to finish. Absent is stopped."""
        ...

    async def inspect(self, version: Version) -> tuple[Instance, ...]:
        """The instances that exist now; empty when none do."""
        ...

    async def check(self, version: Version, smoke: tuple[str, ...] | None = None) -> tuple[Finding, ...]:
        """Ask a running version directly.

        With `smoke=None` its readiness probe, on every instance; otherwise the named smoke tests (all when empty). An
        answer that cannot be had is a finding `unknown`, not an exception.
        """
        ...

    async def execute(
        self, effect: EffectId, version: Version, command: Command, *, undo: bool = False
    ) -> Ran:
        """Run a command of the project's own with the tree and the environment of `version`, which need not run.

        The same effect never runs twice: asked again, it waits for what is under way, or says how that ended. What was
        cut off is asked for with `check`, and run once more where the change is not there. With `undo`, `applied` means
        that the change is not there any more. Raises Permanent when the version cannot be had.
        """
        ...


# What the processes of an instance use: asked of a target that runs them on this host.

GAUGES = ("memory", "cpu", "threads", "files")
"""What can be judged of it: bytes, cores, numbers of threads and of open files (sockets are files, too)."""


class Usage(msgspec.Struct, frozen=True):
    """An instance and all that it has started, now: resident bytes, threads, open files; `cpu_s` since its start."""

    memory: int
    cpu_s: float
    threads: int
    files: int


@runtime_checkable
class Measurable(Protocol):
    """A target that knows the processes it runs."""

    def usage(self, version: Version) -> Mapping[str, Usage]:
        """What each instance uses, by the name of its present life: one that started again has another name.

        What is not running is left out.
        """
        ...
