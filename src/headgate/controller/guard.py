"""The guard of the controller: brings it back, and traffic to the safe side where nobody steers for too long."""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from headgate.homes import steering_of
from headgate.kit.backoff import Backoff
from headgate.ports.errors import PortError
from headgate.ports.guard import Trouble
from headgate.ports.processes import DOWN, Lasting, Processes, ProcessStatus

NAME = "controller"

Retreat = Callable[[str], Awaitable[Sequence[object]]]
"""Takes traffic to the safe side, for this reason, wherever a canary is exposed; returns what it moved."""

Ask = Callable[[Path, float], Awaitable[bool]]
"""Whether whoever listens at this socket answers within so many seconds."""


@dataclass(frozen=True)
class Limits:
    """When a controller counts as lost: no answer for `silent_s`, or `deaths` within `deaths_within_s`.

    It is started again after pauses of `restart_first_s`, twice that, ... `restart_max_s`. A look that comes late
    counts as `look_s_max` of silence at most: while we did not look either, nobody was found silent.
    """

    silent_s: float = 15.0
    deaths: int = 10
    deaths_within_s: float = 120.0
    restart_first_s: float = 1.0
    restart_max_s: float = 60.0
    look_s_max: float = 5.0
    answer_s: float = 3.0


class ControllerGuard:
    """The controller of `home`, while it is defined as a program of `processes`: else nobody wants it to run."""

    def __init__(
        self,
        home: Path,
        processes: Processes,
        retreat: Retreat,
        ask: Ask,
        limits: Limits | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._socket = steering_of(home)
        self._processes = processes
        self._retreat = retreat
        self._limits = limits or Limits()
        self._ask = ask
        self._clock = clock
        self._restarts = Backoff(self._limits.restart_first_s, self._limits.restart_max_s, clock)
        self._looked_at: float | None = None
        self._silent_s = 0.0
        self._pid = 0
        self._deaths: deque[float] = deque(maxlen=self._limits.deaths)
        self._retreated = 0

    async def look(self) -> tuple[Trouble, ...]:
        """As the port says."""
        began = self._clock()
        gap_s = 0.0 if self._looked_at is None else began - self._looked_at
        self._looked_at = began
        found = {status.name: status for status in await self._processes.list(NAME)}.get(NAME)
        if found is None:
            self._silent_s, self._retreated = 0.0, 0
            return ()
        answered = await self._ask(self._socket, self._limits.answer_s)
        if not answered:
            self._count_death(found.pid)
        if answered:
            self._pid = found.pid or self._pid
            self._silent_s = 0.0
            self._restarts.well()
            return await self._dying() if self._dies_again_and_again() else self._well()
        self._silent_s += min(gap_s, self._limits.look_s_max)
        trouble = await self._silent(found)
        return (trouble, *(await self._dying() if self._dies_again_and_again() or self._is_lost() else ()))

    def _count_death(self, pid: int) -> None:
        """A process that is another than the one before means that that one has died.

        Not while somebody answers: then a command in a terminal may steer, and the program waits for it to end.
        """
        if pid and self._pid and pid != self._pid:
            self._deaths.append(self._clock())
        self._pid = pid or self._pid

    def _dies_again_and_again(self) -> bool:
        deaths, limits = self._deaths, self._limits
        return len(deaths) == limits.deaths and self._clock() - deaths[0] < limits.deaths_within_s

    def _is_lost(self) -> bool:
        return self._silent_s >= self._limits.silent_s

    def _well(self) -> tuple[Trouble, ...]:
        self._retreated = 0
        return ()

    async def _silent(self, status: ProcessStatus) -> Trouble:
        what = f"it does not answer, for {self._silent_s:.0f} s now ({status.state})"
        if status.state in DOWN and self._restarts.due():
            self._restarts.tried()
            await self._processes.restart(NAME)
            return Trouble("controller", what, "it is being started again")
        return Trouble("controller", what, "it is started again, with pauses")

    async def _dying(self) -> tuple[Trouble, ...]:
        """Nobody steers, or nobody for long: to the safe side, and say how that went."""
        why = (
            f"no controller answered for {self._silent_s:.0f} s"
            if self._is_lost()
            else f"the controller died {len(self._deaths)} times within {self._limits.deaths_within_s:g} s"
        )
        try:
            self._retreated += len(await self._retreat(why))
        except PortError as error:
            return (
                Trouble(
                    "safe side", f"{why}, and traffic cannot be taken to stable: {error}", "it is tried again"
                ),
            )
        if self._retreated:
            return (
                Trouble("safe side", f"{why}: all traffic is on stable", "the controller goes on from there"),
            )
        return (Trouble("safe side", f"{why}; no canary had any traffic"),)


# Whoever looks after the processes is looked after: the daemon, and the keeper that notices its death first.

LOOK_S = 1.0
KEEPER_FIRST_S, KEEPER_MAX_S = 1.0, 60.0

log = logging.getLogger("headgate.controller")


async def tend(processes: Lasting, keeper: str, look_s: float = LOOK_S) -> None:
    """Have the daemon of `processes` revived, and the program `keeper` started again where that was given up."""
    backoff = Backoff(KEEPER_FIRST_S, KEEPER_MAX_S)
    said = ""
    while True:
        await asyncio.sleep(look_s)
        try:
            said = await _look(processes, keeper, backoff, said)
        except PortError as error:
            if said != str(error):
                log.warning("the process daemon: %s", error)
            said = str(error)


async def _look(processes: Lasting, keeper: str, backoff: Backoff, said: str) -> str:
    try:
        statuses = await processes.list(keeper)
    except PortError:
        if not said:
            log.warning("the process daemon does not answer; where it has died, another one takes over")
        await processes.revive()
        return ""
    for status in statuses:
        if status.name == keeper and status.state in DOWN and backoff.due():
            backoff.tried()
            log.warning("the keeper is %s: starting it again", status.state)
            await processes.restart(keeper)
    return ""
