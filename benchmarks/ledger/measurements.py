"""What is measured. Each figure's unit is the end of its name."""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.ledger import probe
from benchmarks.ledger.large import make_large
from headgate.ledger import MemoryLedger, SqliteLedger
from headgate.testing.ledger import a_sample, a_summary, judged

APPENDERS = 64


def fsyncs(folder: Path, count: int) -> float:
    """What the disk itself can do: 4 KiB written and synced, per second."""
    block = os.urandom(4096)
    started = time.perf_counter()
    with (folder / "floor").open("wb", buffering=0) as file:
        for _ in range(count):
            file.write(block)
            os.fsync(file.fileno())
    return count / (time.perf_counter() - started)


async def _append(ledger: SqliteLedger | MemoryLedger, release: str, count: int, waits: list[float]) -> None:
    for number in range(1, count + 1):
        sample = a_sample(float(number) + hash(release) % 1_000_003)
        event, summary = judged(release, number, sample), a_summary(release, number)
        started = time.perf_counter()
        await ledger.append(release, number - 1, event, summary, sample)
        waits.append(time.perf_counter() - started)


async def _append_at_once(
    ledger: SqliteLedger | MemoryLedger, appenders: int, count: int
) -> tuple[float, list[float]]:
    waits: list[float] = []
    started = time.perf_counter()
    await asyncio.gather(
        *(_append(ledger, f"r{n}", count // appenders, waits) for n in range(1, appenders + 1))
    )
    return len(waits) / (time.perf_counter() - started), waits


def appends(folder: Path, appenders: int, count: int) -> dict[str, float]:
    """Durable appends, each with an event, a sample and a summary."""
    ledger = SqliteLedger(folder / f"{appenders}.db")
    rate, waits = asyncio.run(_append_at_once(ledger, appenders, count))
    ledger.close()
    return {
        f"appends_by_{appenders}_per_s": rate,
        f"append_by_{appenders}_p50_ms": statistics.median(waits) * 1000,
        f"append_by_{appenders}_p99_ms": statistics.quantiles(waits, n=100)[98] * 1000,
    }


def in_memory(count: int) -> dict[str, float]:
    """The twin, as the simulation uses it."""
    rate, _ = asyncio.run(_append_at_once(MemoryLedger(), APPENDERS, count))
    return {"appends_in_memory_per_s": rate}


def large(folder: Path, events: int) -> dict[str, float]:
    """A large ledger: made, opened in fresh processes, and verified."""
    place = folder / "large.db"
    started = time.perf_counter()
    make_large(place, events)
    found: dict[str, float] = {"large_events": events, "large_made_s": time.perf_counter() - started}
    found["large_size_mb"] = place.stat().st_size / 1e6
    for task in probe.TASKS:
        command = (sys.executable, "-m", probe.__name__, task, str(place))
        answer = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        found |= {f"{task}_{name}": value for name, value in json.loads(answer).items()}
    found["verify_per_s"] = events / found["verify_s"]
    return found


def measure(folder: Path, *, quick: bool) -> dict[str, float]:
    """Everything, in a folder on the disk that is meant."""
    scale = 10 if quick else 1
    return {
        "fsyncs_per_s": fsyncs(folder, 2_000 // scale),
        **appends(folder, APPENDERS, 64_000 // scale),
        **appends(folder, 1, 2_000 // scale),
        **in_memory(64_000 // scale),
        **large(folder, 1_000_000 // scale),
    }
