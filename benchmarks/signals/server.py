"""Ten Prometheus APIs in a process of their own: `python -m benchmarks.signals.server` prints their addresses.

Every query is answered with the series of ten instances, and one for the latency with fifteen bounds of each.
"""

import asyncio
import contextlib
import json
import sys
import time
from typing import Any

from headgate.ports.web import Answer, Request
from headgate.testing.web import http_server

SOURCES = 10
INSTANCES = 10
BOUNDS = [*(str(0.005 * 2**k) for k in range(14)), "+Inf"]


def answers() -> dict[str, bytes]:
    """By a word in the query."""
    now = time.time()

    def vector(series: list[tuple[dict[str, str], float]]) -> bytes:
        result: list[dict[str, Any]] = [
            {"metric": labels, "value": [now, f"{value:.0f}"]} for labels, value in series
        ]
        return json.dumps({"status": "success", "data": {"resultType": "vector", "result": result}}).encode()

    counts = [({"instance": f"10.0.0.{n}:9090"}, 1000.0 + n) for n in range(INSTANCES)]
    buckets = [({**labels, "le": le}, 60.0 * (k + 1)) for labels, _ in counts for k, le in enumerate(BOUNDS)]
    return {"le%29": vector(buckets), "timestamp": vector([({}, now + 86400)]), "": vector(counts)}


async def serve() -> None:
    """Answer until standard input ends."""
    known = answers()

    def script(request: Request) -> Answer:
        text = request.body.decode()
        return Answer(200, {}, next(answer for word, answer in known.items() if word in text))

    async with contextlib.AsyncExitStack() as opened:
        origins = [await opened.enter_async_context(http_server(script)) for _ in range(SOURCES)]
        print(json.dumps(origins), flush=True)
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(serve())
