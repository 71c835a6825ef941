"""How long `headgate status` takes at a home with ten services and a controller: benchmarks.cli has the plain ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.cli.__main__ import measured

RUNS, RUNS_QUICK = 15, 5


def measure(home: Path, *, quick: bool) -> dict[str, Any]:
    """The median over whole processes, in milliseconds."""
    return dict(measured("headgate status", ["--home", str(home), "status"], RUNS_QUICK if quick else RUNS))
