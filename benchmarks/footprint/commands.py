"""How long commands take, as a person waits for them: a new process each time."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

RUNS, RUNS_QUICK = 15, 5
HEADGATE = Path(sys.executable).parent / "headgate"
"""The command beside the interpreter that runs this."""


def measure(home: Path, *, quick: bool) -> list[dict[str, Any]]:
    """Medians in milliseconds. `python` alone is there to compare with: no command can be quicker."""
    commands = {
        "python": [sys.executable, "-c", ""],
        "--help": [str(HEADGATE), "--help"],
        "status": [str(HEADGATE), "--home", str(home), "status"],
        "status --json": [str(HEADGATE), "--home", str(home), "status", "--json"],
        "history": [str(HEADGATE), "--home", str(home), "history"],
    }
    return [_row(name, command, RUNS_QUICK if quick else RUNS) for name, command in commands.items()]


def _row(name: str, command: list[str], runs: int) -> dict[str, Any]:
    took = sorted(_milliseconds(command) for _ in range(runs + 1))[:runs]  # the first one fills the caches
    return {
        "command": name,
        "median_ms": round(statistics.median(took), 1),
        "least_ms": round(took[0], 1),
        "most_ms": round(took[-1], 1),
    }


def _milliseconds(command: list[str]) -> float:
    began = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
    return 1000 * (time.perf_counter() - began)
