"""A deterministic event loop on virtual time: it never waits, and what is ready runs in the seed's order.

Whatever runs within the context of a `Life` is never run again once that life is over: no `finally`, no `except`, as
when SIGKILL ends a process.
"""

import asyncio
import heapq
from asyncio import Handle, TimerHandle
from collections.abc import Callable
from contextvars import Context, ContextVar, copy_context
from random import Random
from typing import Any, TypeVarTuple

Ts = TypeVarTuple("Ts")

CALLBACKS_MAX = 2_000_000
"""More callbacks than any simulation needs: the loop is spinning."""


class Life:
    """A process, so to speak: everything started in its context dies with it.

    Until the virtual time `stopped_until` it stands still, as after SIGSTOP: what is ready runs then.
    """

    def __init__(self) -> None:
        self.alive = True
        self.stopped_until = 0.0


LIFE: ContextVar[Life] = ContextVar("LIFE")


def context_of(life: Life) -> Context:
    """A context in which everything belongs to `life`."""
    context = copy_context()
    context.run(LIFE.set, life)
    return context


class Stuck(RuntimeError):  # noqa: N818 - reads as a fact: the loop is stuck
    """Nothing is ready and no timer is set, or the loop spins without end."""


class VirtualLoop(asyncio.BaseEventLoop):
    """Ready callbacks run in rounds; `shuffle` (0..1) is the chance that a round is put into another order."""

    def __init__(self, seed: int, shuffle: float = 0.0) -> None:
        super().__init__()
        self._random = Random(seed)
        self._shuffle = shuffle
        self._now = 0.0
        self._soon: list[tuple[Context, Handle]] = []
        self._timers: list[tuple[float, int, Context, Handle]] = []
        self._count = 0
        self._mortal = True
        self._unrun: list[tuple[Context, Handle]] = []
        self.problems: list[str] = []
        self.set_exception_handler(self._note)

    def time(self) -> float:
        """Virtual seconds since the beginning."""
        return self._now

    def call_soon(
        self, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> Handle:
        """Run in the next round."""
        context = copy_context() if context is None else context
        handle = Handle(callback, args, self, context)
        self._soon.append((context, handle))
        return handle

    def call_later(
        self, delay: float, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> TimerHandle:
        """Run `delay` seconds from now."""
        return self.call_at(self._now + delay, callback, *args, context=context)

    def call_at(
        self, when: float, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> TimerHandle:
        """Run when the virtual time has come."""
        context = copy_context() if context is None else context
        handle = TimerHandle(when, callback, args, self, context)
        self._count += 1
        heapq.heappush(self._timers, (when, self._count, context, handle))
        return handle

    def _timer_handle_cancelled(self, handle: TimerHandle) -> None:
        """Called by TimerHandle.cancel: cancelled timers are dropped when their time comes."""

    def _run_once(self) -> None:
        """One round: what is ready, or else whatever the next timer brings."""
        if not self._soon:
            self._leap()
        while self._timers and self._timers[0][0] <= self._now:
            _, _, context, timer = heapq.heappop(self._timers)
            self._soon.append((context, timer))
        ready, self._soon = self._soon, []
        if self._shuffle and len(ready) > 1 and self._random.random() < self._shuffle:
            self._random.shuffle(ready)
        self._count += len(ready)
        if self._count > CALLBACKS_MAX:
            raise Stuck(f"more than {CALLBACKS_MAX} callbacks by {self._now:g} s: the loop spins")
        for context, handle in ready:
            life = context.get(LIFE)
            if handle.cancelled():
                continue
            if self._mortal and life is not None and not life.alive:
                self._unrun.append((context, handle))
            elif self._mortal and life is not None and life.stopped_until > self._now:
                self._count += 1
                heapq.heappush(self._timers, (life.stopped_until, self._count, context, handle))
            else:
                handle._run()  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]

    def exhume(self) -> None:
        """For the very end: the dead may do what they did not come to do, so that their tasks can end."""
        self._mortal = False
        self._soon += self._unrun
        self._unrun = []

    def _leap(self) -> None:
        while self._timers and self._timers[0][3].cancelled():
            heapq.heappop(self._timers)
        if not self._timers:
            raise Stuck(f"nothing is left to happen at {self._now:g} s")
        self._now = max(self._now, self._timers[0][0])

    def _note(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Tasks that a death has left behind are no problem; whatever else asyncio complains of is one."""
        message, error = str(context.get("message", "")), context.get("exception")
        if "was destroyed but it is pending" not in message:
            self.problems.append(f"{message}: {type(error).__name__}: {error}" if error else message)


BURIALS_MAX = 10


async def bury() -> None:
    """Let every other task of the running VirtualLoop end, those of the dead too: none is left to the collector."""
    loop, mine = asyncio.get_running_loop(), asyncio.current_task()
    assert isinstance(loop, VirtualLoop)
    for _ in range(BURIALS_MAX):
        tasks = [task for task in asyncio.all_tasks() if task is not mine]
        if not tasks:
            return
        for task in tasks:
            task.cancel()
        loop.exhume()
        await asyncio.wait(tasks, timeout=60.0)
