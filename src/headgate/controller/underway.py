"""The effects of one release that are being carried out, and the abandoned ones that have not ended yet."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Container, Iterable
from contextlib import asynccontextmanager
from weakref import WeakValueDictionary

from headgate.core.machine.effects import Effect, PrepareVersion, RunCommand, SetRouting, StopVersion
from headgate.core.machine.events import EffectId
from headgate.core.machine.state import Pending
from headgate.core.model import Version


def _any(_: Pending) -> bool:
    return True


CarryOut = Callable[[Pending], Awaitable[None]]


class Underway:
    """Follows what is pending: starts what is new, abandons what no longer is, and lets no two orders cross.

    An abandoned order may take `abandon_s` to end; the next one to the same thing begins after that in any case, for
    ports drop what is stale.
    """

    def __init__(self, carry_out: CarryOut, abandon_s: float) -> None:
        self._carry_out = carry_out
        self._abandon_s = abandon_s
        self._tasks: dict[EffectId, tuple[Effect, asyncio.Task[None]]] = {}
        self._ending: dict[str, set[asyncio.Task[None]]] = {}

    def settle(self, pending: Iterable[Pending], may_start: Callable[[Pending], bool] = _any) -> None:
        """Start what is newly pending and may start now; abandon what is not pending any more."""
        wanted = {entry.id: entry for entry in pending}
        self.keep(wanted)
        for effect_id, entry in wanted.items():
            if effect_id not in self._tasks and may_start(entry):
                before = frozenset(self._ending.get(resource(entry.effect), ()))
                self._tasks[effect_id] = (entry.effect, asyncio.create_task(self._in_turn(entry, before)))

    def keep(self, wanted: Container[EffectId]) -> None:
        """Abandon whatever is not among these, and start nothing."""
        for effect_id in [known for known in self._tasks if known not in wanted]:
            self._abandon(effect_id)

    async def end(self) -> None:
        """Abandon everything, and give it a moment to end."""
        for effect_id in list(self._tasks):
            self._abandon(effect_id)
        ending = [task for tasks in self._ending.values() for task in tasks]
        if ending:
            await asyncio.wait(ending, timeout=self._abandon_s)

    def _abandon(self, effect_id: EffectId) -> None:
        effect, task = self._tasks.pop(effect_id)
        if task.done():
            return
        task.cancel()
        ending = self._ending.setdefault(resource(effect), set())
        ending.add(task)
        task.add_done_callback(ending.discard)

    async def _in_turn(self, entry: Pending, before: frozenset[asyncio.Task[None]]) -> None:
        if before:
            await asyncio.wait(before, timeout=self._abandon_s)
        await self._carry_out(entry)


def resource(effect: Effect) -> str:
    """What an effect acts on: orders to the same thing are carried out one after another."""
    match effect:
        case SetRouting(routing):
            return f"traffic {routing.unit}"
        case PrepareVersion(version) | StopVersion(version):
            return f"version {version.unit} {version.key}"
        case RunCommand(version, command):
            return f"command {version.unit} {command.name}"
        case _:
            return type(effect).__name__


# Orders to the same version take turns, also when two releases give them.


class Turns:
    """One lock a version, kept only while somebody uses it."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[Version, asyncio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def of(self, version: Version) -> AsyncGenerator[None]:
        """Wait until nobody else gives orders to `version`."""
        lock = self._locks.setdefault(version, asyncio.Lock())
        async with lock:
            yield
