"""`python -m benchmarks.pages [--quick]`: the page of a release with 10,000 samples per arm, from a ledger on disk."""

from __future__ import annotations

import asyncio
import gc
import re
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx2

from benchmarks.parts import main
from headgate.controller.steerable import Steerable
from headgate.ledger import MemoryLedger, SqliteLedger
from headgate.web.application import WebServices, behind_door
from headgate.web.doors.front_door import FrontDoor
from headgate.web.doors.tokens import Grant, HomeBook
from headgate.web.http.stream import Stream
from headgate.web.pages.pages import Pages
from tests.controller.house import Home
from tests.web.shop import past, watched_for_long

SAMPLES, QUICK_SAMPLES = 10_000, 1_000
TIMES = 9


def release(*, quick: bool = False) -> dict[str, Any]:
    """Server time of the page and of its charts' data, cold and warm; bytes of everything a browser fetches."""
    home = past()
    name = watched_for_long(home, QUICK_SAMPLES if quick else SAMPLES)
    with tempfile.TemporaryDirectory() as folder:
        ledger = SqliteLedger(Path(folder) / "ledger.db")
        try:
            return asyncio.run(_measure(home, ledger, name))
        finally:
            ledger.close()


async def _measure(home: Home, ledger: SqliteLedger, name: str) -> dict[str, Any]:
    assert isinstance(home.ledger, MemoryLedger)
    for summary in reversed(home.ledger.summaries(limit=100)):
        for entry in home.ledger.read(summary.release):
            sample = home.ledger.sample(getattr(entry.event, "sample", ""))
            await ledger.append(summary.release, entry.number - 1, entry.event, summary, sample)
    gc.collect()
    gc.freeze()  # what made the ledger is no part of a controller, and its collector would walk through it
    door = FrontDoor(HomeBook(ledger))
    web_services = WebServices(Steerable(home.controller()), ledger, door, Stream(ledger))
    transport = httpx2.ASGITransport(behind_door(web_services, Pages(web_services).routes()))
    async with httpx2.AsyncClient(transport=transport, base_url="https://door") as http:
        token = await door.tokens.issue(Grant("eve", "viewer"), "owner", time.time())
        await http.post("/sign-in", data={"token": token})
        page_ms, page_cpu_ms, page = await _timed(http, f"/releases/{name}")
        series_ms, series_cpu_ms, series = await _timed(http, f"/v1/releases/{name}/series")
        linked = re.findall(r'(?:href|src)="(/static/[^"]+)"', page.text)
        files = [await http.get(path) for path in linked]
    return {
        "entries": len(ledger.read(name)),
        "page cold, of a core (ms)": page_cpu_ms,
        "page cold (ms)": page_ms[0],
        "page warm (ms)": sorted(page_ms[1:])[len(page_ms) // 2],
        "series cold, of a core (ms)": series_cpu_ms,
        "series cold (ms)": series_ms[0],
        "series warm (ms)": sorted(series_ms[1:])[len(series_ms) // 2],
        "page (bytes)": len(page.content),
        "series (bytes)": len(series.content),
        "in all, uncompressed (bytes)": sum(len(one.content) for one in (page, series, *files)),
    }


async def _timed(http: httpx2.AsyncClient, path: str) -> tuple[list[float], float, httpx2.Response]:
    """Milliseconds of each answer, those of processor time that the first one took, and the last answer."""
    answers: list[httpx2.Response] = []
    times: list[float] = []
    spent = [time.process_time()]
    for _ in range(TIMES + 1):
        began = time.perf_counter()
        answers.append(await http.get(path))
        times.append(round(1000 * (time.perf_counter() - began), 1))
        spent.append(time.process_time())
        assert answers[-1].status_code == 200, answers[-1].text
    return times, round(1000 * (spent[1] - spent[0]), 1), answers[-1]


if __name__ == "__main__":
    main("pages", {"release": release}, {"samples": "one a quarter of a second, in both arms"})
