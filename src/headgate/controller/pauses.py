"""Notices when this process stood still: stopped by a signal, moved to another machine, starved of the processor.

What was not measured in time is unknown then, and not bad: a test that ran out of time is asked again, and the time
counts for no bake.
"""

import asyncio
from collections.abc import Callable

TICK_S = 0.25
PAUSE_MIN_S = 1.0
"""Shorter ones happen on any busy machine, and every time limit is longer."""

KEPT = 16
"""How many pauses are remembered."""


class Pauses:
    """Listens to the beat of the event loop. `paused` is told of each pause, in seconds, once it is over."""

    def __init__(self, paused: Callable[[float], None]) -> None:
        self._paused = paused
        self._clock = asyncio.get_running_loop().time
        self._beat = self._clock()
        self._ends: list[float] = []

    async def listen(self) -> None:
        """Listen until cancelled."""
        while True:
            await asyncio.sleep(TICK_S)
            self._look()

    def since(self, began: float) -> bool:
        """Whether this process stood still at some time after `began` (seconds on the loop's clock)."""
        self._look()
        return any(end > began for end in self._ends)

    def _look(self) -> None:
        now = self._clock()
        late_s, self._beat = now - self._beat - TICK_S, now
        if late_s >= PAUSE_MIN_S:
            self._ends = [*self._ends[1 - KEPT :], now]
            self._paused(late_s)
