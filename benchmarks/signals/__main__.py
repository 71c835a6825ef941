"""`python -m benchmarks.signals [--quick]`: 500 queries a tick over ten sources, and memory over many ticks."""

import asyncio
import json
import resource
import subprocess
import sys
import time
from typing import Any

from benchmarks.parts import main
from benchmarks.signals.server import SOURCES, answers
from headgate.core.model import Unit, Version
from headgate.kit.questions import Share
from headgate.kit.vendor import anonymous
from headgate.plugins.vendors.prometheus import PrometheusSignals, Settings
from headgate.plugins.web.client import HttpWeb
from headgate.ports.web import Answer, Request, Web
from headgate.testing.fakes.web import MemoryWeb

VERSIONS = [Version(Unit("shop", "production", f"s{n}"), f"{n}" * 64, "0" * 64) for n in range(5)]
MEANS = {f"mean{n}": Share(f"good{n}", f"total{n}") for n in range(3)}
QUERIES = SOURCES * len(VERSIONS) * (4 + 2 * len(MEANS))
TICK_S = 1.0


def source(url: str, web: Web, clock: list[float]) -> PrometheusSignals:
    """Ten queries for each version: requests, errors, latency, age, and two for each of three means."""
    settings = Settings(
        url=url, template="envoy", means=MEANS, every_s=TICK_S, stale_after_s=1e9, timeout_s=30.0
    )
    return PrometheusSignals(settings, web, anonymous, lambda version: version.key, lambda: clock[0])


def over_http(*, quick: bool) -> dict[str, Any]:
    """Real requests to ten local servers, one a source; only our own process is charged."""
    ticks = 20 if quick else 120
    command = [sys.executable, "-m", "benchmarks.signals.server"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        origins = json.loads(server.stdout.readline())
        cpu_s, wall_s = asyncio.run(_ticks(origins, ticks))
        server.communicate()
    return {
        "sources": len(origins),
        "queries a tick": QUERIES,
        "ticks": ticks,
        "cpu ms a tick": round(1000 * cpu_s / ticks, 1),
        "ms a tick": round(1000 * wall_s / ticks, 1),
        "share of one core, ticks of 1 s": round(cpu_s / ticks / TICK_S, 3),
        "share of one core, ticks of 5 s (the default)": round(cpu_s / ticks / 5, 3),
    }


async def _ticks(origins: list[str], ticks: int) -> tuple[float, float]:
    web, clock = HttpWeb(), [time.time()]
    sources = [source(origin, web, clock) for origin in origins]

    async def tick() -> None:
        clock[0] += TICK_S
        await asyncio.gather(*(one.read(version) for one in sources for version in VERSIONS))

    await tick()
    began, cpu = time.perf_counter(), time.process_time()
    for _ in range(ticks):
        await tick()
    took = time.process_time() - cpu, time.perf_counter() - began
    await web.aclose()
    return took


def memory(*, quick: bool) -> dict[str, Any]:
    """Many ticks of one source in virtual time: the resident memory at the middle and at the end."""
    ticks = 4_000 if quick else 100_000
    known, clock = answers(), [time.time()]

    def script(request: Request) -> Answer:
        text = request.body.decode()
        return Answer(200, {}, next(answer for word, answer in known.items() if word in text))

    web = MemoryWeb(script)
    one = source("http://prometheus.example", web, clock)

    async def run(count: int) -> None:
        for _ in range(count):
            clock[0] += TICK_S
            await one.read(VERSIONS[0])
            web.asked.clear()

    asyncio.run(run(ticks // 2))
    half_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    asyncio.run(run(ticks - ticks // 2))
    return {
        "ticks": ticks,
        "grown MiB": round((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - half_kib) / 1024, 2),
    }


if __name__ == "__main__":
    main("signals", {"over http": over_http, "memory": memory}, {})
