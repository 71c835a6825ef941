"""The door that is measured: the API over a ledger that grows, in a process of its own.

    python -m benchmarks.web.door EVENTS_PER_S

Says its port and a token as one line of JSON; then, at each line on standard input, what it has used so far.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import resource
import sys
import time
from typing import cast

import psutil

from headgate.ledger import MemoryLedger
from headgate.ports.controller import Controller, Health
from headgate.testing.ledger import write
from headgate.web.application import WebServices, behind_door
from headgate.web.doors.front_door import FrontDoor
from headgate.web.doors.limits import Limiter, Rate
from headgate.web.doors.tokens import Grant, HomeBook
from headgate.web.http.serve import serving, tcp_listener
from headgate.web.http.stream import Stream

RELEASE = "r1"
UNLIMITED = Rate(1e12, 1e12)


class Idle:
    """A controller that has nothing to do: what is measured is the API."""

    async def health(self) -> Health:
        """No releases, no trouble."""
        return Health()


async def serve(per_s: float) -> None:
    ledger = MemoryLedger()
    await write(ledger, RELEASE, 1)
    door = FrontDoor(HomeBook(ledger))
    door._reads = Limiter(UNLIMITED)  # what one token may ask is another matter than what the door can do
    token = await door.tokens.issue(Grant("bench", "viewer"), "bench", time.time())
    stream = Stream(ledger)
    web_services = WebServices(cast("Controller", Idle()), ledger, door, stream)
    with contextlib.closing(tcp_listener("127.0.0.1", 0)) as listener:
        async with serving(behind_door(web_services), listener), stream.running():
            print(json.dumps({"port": listener.getsockname()[1], "token": token}), flush=True)
            growing = asyncio.create_task(grow(ledger, per_s)) if per_s else None
            await answer_what_was_used(ledger)
            if growing is not None:
                growing.cancel()


async def grow(ledger: MemoryLedger, per_s: float) -> None:
    """So many events each second, without drift."""
    loop = asyncio.get_running_loop()
    began, number = loop.time(), 1
    while True:
        await asyncio.sleep(max(0.0, began + number / per_s - loop.time()))
        number += 1
        await write(ledger, RELEASE, number)


async def answer_what_was_used(ledger: MemoryLedger) -> None:
    process = psutil.Process()
    while await asyncio.to_thread(sys.stdin.readline):
        used = resource.getrusage(resource.RUSAGE_SELF)
        print(
            json.dumps(
                {
                    "at": time.monotonic(),
                    "cpu_s": used.ru_utime + used.ru_stime,
                    "memory_bytes": process.memory_info().rss,
                    "sequence": ledger.last_sequence(),
                }
            ),
            flush=True,
        )


if __name__ == "__main__":
    asyncio.run(serve(float(sys.argv[1])))
