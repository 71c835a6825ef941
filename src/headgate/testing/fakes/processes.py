"""Processes in memory: the same contract as the real ones, and nothing runs. For tests and the simulation."""

import asyncio
import itertools
import re
from collections.abc import Sequence

import msgspec

from headgate.ports import Permanent, PortError
from headgate.ports.processes import Processes, ProcessStatus, Program

_NAME = re.compile(r"[a-z0-9._-]{1,200}")


class MemoryProcesses(Processes):
    """Programs in a dict, running as soon as they are asked for.

    Hooks: `fail_next` is raised by the next call and cleared; `latency_s` passes before every call answers; `crash` and
    `give_up` do to a program what the world does.
    """

    def __init__(self, latency_s: float = 0.0) -> None:
        self.latency_s = latency_s
        self.fail_next: PortError | None = None
        self.programs: dict[str, Program] = {}
        self._statuses: dict[str, ProcessStatus] = {}
        self._pids = itertools.count(1000)

    async def revive(self) -> None:
        """As the port says: what holds it is this very process."""
        await self._answer()

    async def ensure(self, programs: Sequence[Program]) -> None:
        """As the port says."""
        await self._answer()
        if wrong := [program.name for program in programs if not _NAME.fullmatch(program.name)]:
            raise Permanent(f"{wrong[0]!r} is no name for a program")
        for program in programs:
            same = self.programs.get(program.name) == program
            self.programs[program.name] = program
            if not same or self._statuses[program.name].state != "running":
                self._run(program.name)

    async def remove(self, names: Sequence[str]) -> None:
        """As the port says."""
        await self._answer()
        for name in names:
            self.programs.pop(name, None)
            self._statuses.pop(name, None)

    async def restart(self, name: str) -> None:
        """As the port says."""
        await self._answer()
        self._known(name)
        self._run(name)

    async def list(self, prefix: str = "") -> tuple[ProcessStatus, ...]:
        """As the port says."""
        await self._answer()
        return tuple(self._statuses[name] for name in sorted(self._statuses) if name.startswith(prefix))

    def crash(self, name: str) -> None:
        """Its process dies; as one that had started, it is started again at once."""
        self._known(name)
        self._run(name)

    def give_up(self, name: str) -> None:
        """Its process has died too often: `fatal` until it is restarted."""
        self._known(name)
        self._statuses[name] = ProcessStatus(name, "fatal", detail="exited too quickly")

    def _run(self, name: str) -> None:
        self._statuses[name] = msgspec.structs.replace(
            ProcessStatus(name, "running"), pid=next(self._pids), started_at=1.0
        )

    def _known(self, name: str) -> None:
        if name not in self.programs:
            raise Permanent(f"there is no program {name} to restart")

    async def _answer(self) -> None:
        await asyncio.sleep(self.latency_s)
        if self.fail_next is not None:
            failure, self.fail_next = self.fail_next, None
            raise failure
