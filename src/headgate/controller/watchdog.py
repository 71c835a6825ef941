"""The watchdog of the event loop: measures how long it stands still, and says what held it.

A thread has the loop answer a beat, again and again. Where the answer is late, it looks at what the loop's thread does
just then: the innermost functions of ours are named. Work that belongs on that loop takes milliseconds. How much of the
time its thread computed is told, too: the rest it waited, for a disk or, on a busy machine, for a processor.
"""

import asyncio
import logging
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType

BEAT_S = 0.1
LIMIT_S = 0.25
"""A loop that stands still for longer than this is logged and counted, and is trouble where it computed so long."""

GRAVE_S = 1.0
"""It is trouble whatever it did."""

RECENT_S = 60.0
"""How long it is said."""

FRAMES_SHOWN = 4
_OURS = "headgate"

_log = logging.getLogger(__name__)


class Watchdog:
    """Watches the loop that it is made on. `start` it there, `stop` it in the end."""

    def __init__(self, limit_s: float = LIMIT_S) -> None:
        self._loop = asyncio.get_running_loop()
        self._thread_id = threading.get_ident()
        self._limit_s = limit_s
        self._over = threading.Event()
        self._answered = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)
        self._last = ""
        self._last_at = float("-inf")
        self.lag_max_s = 0.0
        self.stalls = 0

    def start(self) -> None:
        """Watch from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Watch no more."""
        self._over.set()
        self._answered.set()

    def trouble(self) -> dict[str, str]:
        """When the loop stood still last, if that was lately."""
        ago_s = time.monotonic() - self._last_at
        return {"loop": f"{self._last}, {ago_s:.0f} s ago"} if ago_s <= RECENT_S else {}

    def _watch(self) -> None:
        while not self._over.is_set():
            asked_at, worked_s = time.monotonic(), self._worked_s()
            self._answered.clear()
            try:
                self._loop.call_soon_threadsafe(self._answered.set)
            except RuntimeError:
                return  # the loop is closed
            held_by = ""
            if not self._answered.wait(self._limit_s):
                held_by = self._now()
                self._answered.wait()
            lag_s = time.monotonic() - asked_at
            if held_by and not self._over.is_set():
                self._stood_still(lag_s, self._worked_s() - worked_s, held_by)
            self.lag_max_s = max(self.lag_max_s, lag_s)
            self._over.wait(BEAT_S)

    def _stood_still(self, lag_s: float, worked_s: float, held_by: str) -> None:
        self.stalls += 1
        said = f"the controller stood still for {lag_s:.2f} s ({worked_s:.2f} s of it at work) in {held_by}"
        _log.warning("%s", said)
        if lag_s >= GRAVE_S or worked_s >= self._limit_s:
            self._last, self._last_at = said, time.monotonic()

    def _worked_s(self) -> float:
        """How long the loop's thread has computed since it began."""
        try:
            return time.clock_gettime(time.pthread_getcpuclockid(self._thread_id))
        except OSError:
            return 0.0  # the thread is gone

    def _now(self) -> str:
        """What the loop's thread does: the innermost functions of ours, else whatever is innermost."""
        frame = sys._current_frames().get(self._thread_id)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - there is no other way
        ours, innermost = list[str](), _named(frame) if frame else "nothing"
        while frame is not None and len(ours) < FRAMES_SHOWN:
            if str(frame.f_globals.get("__name__", "")).partition(".")[0] == _OURS:
                ours.append(_named(frame))
            frame = frame.f_back
        return " < ".join(ours) or innermost


def _named(frame: FrameType) -> str:
    return f"{frame.f_globals.get('__name__', '?')}.{frame.f_code.co_qualname}"


# Notices when this process stood still: stopped by a signal, moved to another machine, starved of the processor.
#
# What was not measured in time is unknown then, and not bad: a test that ran out of time is asked again, and the time
# counts for no bake.

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
