"""Weights change under constant keep-alive load: no request may fail, and every change is timed until confirmed."""

import asyncio
import time
from collections import Counter

from headgate.core.model import Routing
from tests.plugins.traffic.envoys import UNIT, Client, World, effect, listener, version, world

CLIENTS = 16
PAUSE_S = 0.005
SHIFTS, SHIFTS_QUICK = 500, 100


def run(*, quick: bool = False) -> dict[str, float]:
    """Counts of requests, and milliseconds of `apply()`."""
    return asyncio.run(_measured(SHIFTS_QUICK if quick else SHIFTS))


class Load:
    """Clients that ask, one request after the other, on connections they keep."""

    def __init__(self, port: int) -> None:
        self.statuses: Counter[int] = Counter()
        self.resets = 0
        self.closes = 0
        self._port = port
        self._on = True

    async def client(self) -> None:
        client = Client(self._port)
        while self._on:
            try:
                status, headers, _ = await client.get("/")
            except (OSError, asyncio.IncompleteReadError):
                self.resets += 1
                client.close()
            else:
                self.statuses[status] += 1
                self.closes += headers.get("connection") == "close"
            await asyncio.sleep(PAUSE_S)
        client.close()

    def stop(self) -> None:
        self._on = False


async def _measured(shifts: int) -> dict[str, float]:
    old, new = version("a"), version("b")
    async with world() as made:
        await made.serve(old, new)
        place = listener()
        started = time.perf_counter()
        await made.traffic.apply(effect(0), Routing(UNIT, place, old))
        first_s = time.perf_counter() - started
        load = Load(place.port)
        clients = [asyncio.create_task(load.client()) for _ in range(CLIENTS)]
        began = time.perf_counter()
        took = sorted(
            [
                await _shift(made, n, Routing(UNIT, place, old, new, n * 37 % 101))
                for n in range(1, shifts + 1)
            ]
        )
        lasted_s = time.perf_counter() - began
        load.stop()
        await asyncio.gather(*clients)
    served = load.statuses.total()
    return {
        "shifts": shifts,
        "requests": served,
        "requests_per_s": round(served / lasted_s),
        "failed": served - load.statuses[200],
        "reset": load.resets,
        "connections_closed": load.closes,
        "first_apply_ms": round(first_s * 1000, 1),
        "apply_p50_ms": round(took[len(took) // 2] * 1000, 1),
        "apply_p99_ms": round(took[len(took) * 99 // 100] * 1000, 1),
        "apply_max_ms": round(took[-1] * 1000, 1),
    }


async def _shift(made: World, sequence: int, routing: Routing) -> float:
    started = time.perf_counter()
    await made.traffic.apply(effect(sequence), routing)
    return time.perf_counter() - started
