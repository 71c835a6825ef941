"""The runner of a load: customers come when they come, whether or not those before are done (an open loop)."""

import asyncio
import math
import time
from collections.abc import Callable, Iterator
from itertools import islice
from random import Random
from typing import Literal

from headgate.lab.load.address import parse_address
from headgate.lab.load.client import Pool
from headgate.lab.load.journey import draw
from headgate.lab.load.load import Load
from headgate.lab.load.results import Results, Window
from headgate.lab.load.tally import WindowTally
from headgate.lab.load.visit import Visit

# How soon a stop is noticed.
POLL_S = 0.05
# An event loop wakes up to a millisecond late. So we wake that much early: a journey may begin 1 ms before it
# was due.
EARLY_S = 0.001

Ended = Literal["duration", "count", "stopped"]


def never() -> bool:
    """The answer to "shall it stop?" of a load that runs to its end."""
    return False


async def run(
    load: Load, on_result: Callable[[Window], None] | None = None, stop: Callable[[], bool] = never
) -> Results:
    """Send `load` and return what came of it; ends when the load does, or soon after `stop()` is true.

    `on_result` gets each window as it ends (one every `every_s`, and a last one), in this loop: it must be
    quick. `stop` is asked every 0.05 s: the `is_set` of a `threading.Event` will do, so it can be told from
    any thread. Journeys that are under way at the end begin no step after `timeout_s` more; no request is cut
    off, so that all of it ends within twice that. Requests that fail are results; this raises only what
    `on_result` raises.
    """
    sender = Sender(load, on_result, stop)
    try:
        return await sender.send()
    finally:
        await sender.close()


class Sender:
    """One run of a load."""

    def __init__(
        self, load: Load, on_result: Callable[[Window], None] | None, stop: Callable[[], bool]
    ) -> None:
        self._load = load
        self._on_result = on_result
        self._stop = stop
        self._now = asyncio.get_running_loop().time
        self._pool = Pool(parse_address(load.url))
        self._random = Random(f"{load.seed}:journeys")
        self._visits: set[asyncio.Task[bool]] = set()
        self._room = asyncio.Event()
        self._bugs: list[BaseException] = []
        self._windows: list[Window] = []
        self._window = WindowTally()
        self._total = WindowTally()
        self._began = 0.0
        self._window_from_s = 0.0
        self._started = 0
        self._late_s = 0.0
        self._unfinished = 0
        self._last_step_at = math.inf

    async def send(self) -> Results:
        """Everything, from the first arrival to the last answer."""
        cpu_s, started_at, self._began = time.thread_time(), time.time(), self._now()
        ticker = asyncio.create_task(self._tick())
        try:
            ended, not_started = await self._dispatch()
            unfinished = await self._drain()
        finally:
            ticker.cancel()
            await asyncio.gather(ticker, return_exceptions=True)
        self._close_window()
        for bug in self._bugs:
            raise bug
        return Results(
            load=self._load,
            started_at=started_at,
            ended=ended,
            not_started=not_started,
            unfinished=unfinished,
            late_ms_max=round(self._late_s * 1e3, 3),
            cpu_s=round(time.thread_time() - cpu_s, 3),
            total=self._total.freeze(0.0, self._at_s()),
            windows=tuple(self._windows),
        )

    async def close(self) -> None:
        """Leave nothing behind."""
        for visit in self._visits:
            visit.cancel()
        await asyncio.gather(*self._visits, return_exceptions=True)
        self._pool.close()

    async def _dispatch(self) -> tuple[Ended, int]:
        """Begin every journey when it is due. Why that ended, and how many were due and did not begin."""
        load = self._load
        due_times = arrivals(load.rate_per_s, load.duration_s, load.count_max, load.seed)
        for due_s in due_times:
            if not await self._wait_until(due_s):
                return "stopped", 0
            if not await self._wait_for_room():
                # This one was due, and so may others be by now.
                return self._ended(), 1 + self._due_by_now(due_times)
            self._begin(due_s)
        if self._started == load.count_max:
            return "count", 0
        await self._wait_until(load.duration_s)
        return self._ended(), 0

    async def _wait_until(self, due_s: float) -> bool:
        """Whether it got there: False once it shall stop."""
        while not self._stop_now():
            wait_s = due_s - EARLY_S - self._at_s()
            if wait_s <= 0:
                return True
            await asyncio.sleep(min(wait_s, POLL_S))
        return False

    async def _wait_for_room(self) -> bool:
        """Whether another journey fits under the bound before the end of the load."""
        while len(self._visits) >= self._load.concurrency_max:
            if self._stop_now() or self._at_s() >= self._load.duration_s:
                return False
            self._room.clear()
            try:
                async with asyncio.timeout(POLL_S):
                    await self._room.wait()
            except TimeoutError:
                continue
        return True

    def _begin(self, due_s: float) -> None:
        journey, values = draw(self._load.journeys, self._random)
        self._started += 1
        self._window.started[journey.name] += 1
        at_s = self._at_s()
        self._late_s = max(self._late_s, at_s - due_s)
        visit = Visit(self._load, self._pool, lambda: self._window, lambda: self._now() < self._last_step_at)
        task = asyncio.create_task(visit.travel(journey, values, self._began + min(due_s, at_s)))
        self._visits.add(task)
        task.add_done_callback(self._end)

    def _end(self, visit: asyncio.Task[bool]) -> None:
        self._visits.discard(visit)
        self._room.set()
        if visit.cancelled():
            return
        if (bug := visit.exception()) is not None:
            self._bugs.append(bug)
        elif not visit.result():
            self._unfinished += 1

    async def _drain(self) -> int:
        """Let what is under way finish: no request is ever cut off. How many journeys did not get to their end."""
        self._last_step_at = self._now() + self._load.timeout_s
        while self._visits:
            await asyncio.wait(self._visits)
        return self._unfinished

    async def _tick(self) -> None:
        ends_s = self._load.every_s
        # The last window also holds what is answered after the end: a sliver of its own would say little.
        while ends_s < self._load.duration_s:
            await asyncio.sleep(max(0.0, ends_s - self._at_s()))
            ends_s += self._load.every_s
            try:
                self._close_window()
            except Exception as bug:  # noqa: BLE001 - it is the caller's, and raised again by `send`
                self._bugs.append(bug)
                return

    def _close_window(self) -> None:
        from_s, self._window_from_s = self._window_from_s, self._at_s()
        ended, self._window = self._window, WindowTally()
        self._total.merge(ended)
        window = ended.freeze(from_s, self._window_from_s)
        self._windows.append(window)
        if self._on_result is not None:
            self._on_result(window)

    def _at_s(self) -> float:
        return self._now() - self._began

    def _stop_now(self) -> bool:
        return bool(self._bugs) or self._stop()

    def _ended(self) -> Ended:
        return "stopped" if self._stop_now() else "duration"

    def _due_by_now(self, due_times: Iterator[float]) -> int:
        count = 0
        for due_s in due_times:
            if due_s > self._at_s():
                break
            count += 1
        return count


# When customers come: a Poisson process, drawn from a seed.


def arrivals(rate_per_s: float, duration_s: float, count_max: int, seed: int) -> Iterator[float]:
    """Seconds after the beginning at which journeys begin: rising, below `duration_s`, at most `count_max` of them.

    The gaps are independent and exponential with mean 1 / `rate_per_s`. The same arguments give the same
    times.
    """
    return islice(_poisson(rate_per_s, duration_s, Random(f"{seed}:arrivals")), count_max)


def _poisson(rate_per_s: float, duration_s: float, random: Random) -> Iterator[float]:
    at_s = random.expovariate(rate_per_s)
    while at_s < duration_s:
        yield at_s
        at_s += random.expovariate(rate_per_s)
