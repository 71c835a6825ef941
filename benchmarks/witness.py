"""A client that remembers when each release answered it, well or badly: `python -m benchmarks.witness --url URL ...`.

Requests come when they come (an open loop, Poisson arrivals) on connections that are kept. SIGTERM ends it; the last
line is what it saw, as JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import subprocess
import sys
import time
from contextlib import suppress
from types import TracebackType
from typing import Self

import msgspec

from headgate.lab.load.address import parse_address
from headgate.lab.load.client import BrokenError, ConnectError, Pool
from headgate.lab.load.runner import arrivals

DURATION_MAX_S = 3600.0
AT_ONCE_MAX = 64
TIMEOUT_S = 5.0
STOP_S = 15.0
NOBODY = "(nobody)"
"""Who answered when no release did: the proxy itself, or no one at all."""


class Sighting(msgspec.Struct):
    """One release's answers. Times are in seconds on the machine's monotonic clock, taken as each answer came."""

    answers: int = 0
    bad: int = 0
    first_s: float = 0.0
    last_s: float = 0.0
    first_bad_s: float | None = None
    last_bad_s: float | None = None

    def add(self, *, bad: bool) -> None:
        now = time.monotonic()
        self.first_s = self.first_s or now
        self.last_s = now
        self.answers += 1
        if bad:
            self.bad += 1
            self.first_bad_s = self.first_bad_s or now
            self.last_bad_s = now


class Seen(msgspec.Struct):
    """`failed` are answers of 5xx, `lost` resets, refused connections and silence; `late_s` is our own fault."""

    requests: int = 0
    failed: int = 0
    lost: int = 0
    late_s: float = 0.0
    releases: dict[str, Sighting] = {}


async def watch(url: str, rate_per_s: float, duration_s: float, stop: asyncio.Event) -> Seen:
    seen, pool, room = Seen(), Pool(parse_address(url)), asyncio.Semaphore(AT_ONCE_MAX)
    asking: set[asyncio.Task[None]] = set()
    began = time.monotonic()
    for due_s in arrivals(rate_per_s, duration_s, round(rate_per_s * duration_s * 2) + 1, seed=0):
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), max(0.0, began + due_s - time.monotonic()))
            break
        await room.acquire()
        seen.late_s = max(seen.late_s, time.monotonic() - began - due_s)
        task = asyncio.create_task(_ask(pool, seen, room))
        asking.add(task)
        task.add_done_callback(asking.discard)
    await asyncio.gather(*asking)
    pool.close()
    return seen


async def _ask(pool: Pool, seen: Seen, room: asyncio.Semaphore) -> None:
    who, bad = NOBODY, True
    try:
        async with asyncio.timeout(TIMEOUT_S):
            answer = await pool.exchange("GET", "/", (), None)
    except (BrokenError, ConnectError, TimeoutError):
        seen.lost += 1
    else:
        who, bad = answer.header("x-release") or NOBODY, answer.status >= 500
        seen.failed += bad
    finally:
        room.release()
    seen.requests += 1
    seen.releases.setdefault(who, Sighting()).add(bad=bad)


class Witness:
    """The client in a process of its own, for as long as the context lasts; then `seen` is what it saw."""

    def __init__(self, url: str, rate_per_s: float) -> None:
        self._command = [
            sys.executable,
            "-m",
            "benchmarks.witness",
            "--url",
            url,
            "--rate",
            f"{rate_per_s:g}",
        ]
        self.seen = Seen()

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(self._command, stdout=subprocess.PIPE, text=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        try:
            said, _ = self._process.communicate(timeout=STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            said, _ = self._process.communicate()
        if error is None:
            self.seen = msgspec.json.decode(said, type=Seen)


async def _main(url: str, rate_per_s: float) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    print(msgspec.json.encode(await watch(url, rate_per_s, DURATION_MAX_S, stop)).decode(), flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.witness", description=__doc__)
    parser.add_argument("--url", required=True, help="a loopback address")
    parser.add_argument("--rate", required=True, type=float, help="requests a second, on average")
    options = parser.parse_args()
    asyncio.run(_main(options.url, options.rate))
