"""The controllers of the simulated home: started, killed anywhere, closed in good order, and two at once."""

import asyncio
from collections.abc import Callable, Coroutine
from contextvars import Context
from dataclasses import dataclass
from random import Random
from typing import Any

from headgate.controller.lease import LeaseTaken, MemoryLease
from headgate.controller.supervisor import Means, Supervisor
from headgate.controller.world import World
from headgate.core.machine.names import Illegal
from headgate.lab.simulation.invariants import Snapshot
from headgate.lab.simulation.loop import Life, context_of
from headgate.lab.simulation.witness import Witness
from headgate.ledger import Ledger, LedgerError
from headgate.ledger.spool import Spool
from headgate.ports.controller import Stopped, UnknownRelease

EPOCH_S = 1_800_000_000.0
EXPECTED = (Illegal, Stopped, UnknownRelease, LeaseTaken, LedgerError)
"""What a person may be told."""


@dataclass
class Controller:
    """One process, so to speak."""

    life: Life
    context: Context
    lease: MemoryLease
    supervisor: Supervisor


class Controllers:
    """At most one holds the lease. `told` is what people were told."""

    def __init__(self, ledger: Ledger, spool: Spool, world: World, witness: Witness, random: Random) -> None:
        self._ledger = ledger
        self._spool = spool
        self._world = world
        self._witness = witness
        self._random = random
        self._slot: list[object] = []
        self._skew_s = 0.0
        self._every: list[Controller] = []
        self._noted: Snapshot | None = None
        self._outside = Context()
        self.told: dict[str, int] = {}
        self.step_s = 0.0
        witness.holder = self._holder

    def _holder(self) -> Life | None:
        return next((each.life for each in self._every if self._slot and self._slot[0] is each.lease), None)

    @property
    def living(self) -> list[Controller]:
        """Those that live, oldest first; more than one when one was usurped."""
        return [each for each in self._every if each.life.alive]

    # --- life and death ----------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start a controller now, unless one lives that holds the lease."""
        holder = self._holder()
        if holder is not None and holder.alive:
            return
        if self._noted is not None:
            self._witness.came_back(self._noted)
            self._noted = None
        life, lease = Life(), MemoryLease(self._slot)
        means = Means(spool=self._spool, mends=True)
        supervisor = Supervisor(self._ledger, self._world, lease, self._wall, means)
        controller = Controller(life, context_of(life), lease, supervisor)
        self._every.append(controller)
        self._run(controller, supervisor.start(), "start")

    def _wall(self) -> float:
        return EPOCH_S + asyncio.get_running_loop().time() + self._skew_s

    def died(self, life: Life) -> None:
        """A controller was killed: the kernel drops its lease, and after a while another one is started."""
        life.alive = False
        if self._holder() is life:
            self._slot.clear()
        if not self.living:
            self._noted = self._witness.snapshot()
        self._skew_s += self._random.choice((0.0, 0.0, 60.0, -60.0, -3600.0, 3600.0)) if self.step_s else 0.0
        delay_s = self._random.choice((0.0, 0.1, 1.0, 5.0))
        asyncio.get_running_loop().call_later(delay_s, self.start, context=self._outside)

    def kill(self) -> None:
        """SIGKILL for every controller."""
        for each in self.living:
            self.died(each.life)

    def pause(self, for_s: float) -> None:
        """SIGSTOP for every controller, and SIGCONT after so many seconds."""
        for each in self.living:
            each.life.stopped_until = max(each.life.stopped_until, asyncio.get_running_loop().time() + for_s)

    @property
    def acting(self) -> bool:
        """True while a controller is there that holds the lease and does not stand still."""
        holder = self._holder()
        now = asyncio.get_running_loop().time()
        return holder is not None and holder.alive and holder.stopped_until <= now

    def usurp(self) -> None:
        """A second controller takes the lease while the first one lives on and does not know it yet."""
        self._slot.clear()
        self.start()

    async def close(self) -> None:
        """End in good order."""
        for each in self.living:
            task = asyncio.get_running_loop().create_task(each.supervisor.close(), context=each.context)
            await task
            each.life.alive = False
        self._noted = self._witness.snapshot()

    # --- what people ask ---------------------------------------------------------------------------------------------

    def ask(self, word: Callable[[Supervisor], Coroutine[Any, Any, object]]) -> None:
        """Ask one of the living controllers something; whoever asks does not wait."""
        living = self.living
        if living:
            controller = self._random.choice(living)
            self._run(controller, word(controller.supervisor), "ask")

    def _run(self, controller: Controller, work: Coroutine[Any, Any, object], what: str) -> None:
        loop = asyncio.get_running_loop()
        task = loop.create_task(work, context=controller.context)
        task.add_done_callback(lambda done: self._ended(done, what), context=self._outside)

    def _ended(self, task: "asyncio.Task[object]", what: str) -> None:
        error = None if task.cancelled() else task.exception()
        if error is None:
            return
        name = type(error).__name__
        self.told[name] = self.told.get(name, 0) + 1
        if not isinstance(error, EXPECTED):
            self._witness.found(9, f"{what}: {name}: {error}")
