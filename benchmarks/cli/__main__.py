"""`python -m benchmarks.cli [--quick] [--json FILE]`: medians over whole processes, from the first byte to the last."""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from unittest import mock

from benchmarks.ledger import large
from tests.cli import stories

Rows = list[dict[str, float | str]]


AS_INSTALLED = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def run(*, quick: bool = False) -> dict[str, Rows]:
    """All figures; `quick` takes a few seconds."""
    times, events = (5, 50_000) if quick else (21, 1_000_000)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        small = place / "small"
        stories.fill(small, stories.first(), stories.promoted(), stories.baking())
        many = place / "large"
        many.mkdir()
        with mock.patch.object(large, "OPEN_RELEASES", 0):
            large.make_large(many / "ledger.sqlite", events)
        rows = [
            measured("headgate --help", ["--help"], times),
            measured("headgate version", ["version"], times),
            measured("headgate status, no ledger", ["--home", str(place / "none"), "status"], times),
            measured("headgate status, three releases", ["--home", str(small), "status"], times),
            measured("headgate explain", ["--home", str(small), "explain"], times),
            measured(f"headgate status, {events:,} events", ["--home", str(many), "status"], times),
            measured(f"headgate history, {events:,} events", ["--home", str(many), "history"], times),
        ]
    return {"the command, from start to end": rows}


def measured(name: str, words: Sequence[str], times: int) -> dict[str, float | str]:
    """Run it once to warm up, then so many times; with compiled modules kept, as wherever it is installed."""
    walls: list[float] = []
    busy: list[float] = []
    for _ in range(times + 1):
        before, began = _spent_s(), time.perf_counter()
        command = [sys.executable, "-m", "headgate", *words]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=AS_INSTALLED)
        walls.append(time.perf_counter() - began)
        busy.append(_spent_s() - before)
    middle = statistics.median(walls[1:])
    return {
        "command": name,
        "median ms": round(1000 * middle),
        "worst ms": round(1000 * max(walls[1:])),
        "of it at work, ms": round(1000 * statistics.median(busy[1:])),
    }


def _spent_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def table(title: str, rows: Rows) -> str:
    """The rows under their title, in columns."""
    lines = [list(rows[0]), *[[f"{value}" for value in row.values()] for row in rows]]
    widths = [max(len(line[k]) for line in lines) for k in range(len(lines[0]))]
    texts = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines]
    return "\n".join([title, *[f"  {text.rstrip()}" for text in texts]])


def main() -> None:
    """Run, print, write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cli", description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", type=Path, default=Path("benchmarks/out/cli.json"))
    options = parser.parse_args()
    figures = run(quick=options.quick)
    for title, rows in figures.items():
        print(table(title, rows))
    print(f"  (load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores)\n")
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(figures, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
