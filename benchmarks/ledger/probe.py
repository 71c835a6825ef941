"""One task on a large ledger in a process of its own, so that time and memory are its own: prints JSON."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

from headgate.ledger import SqliteLedger
from headgate.ledger.verify import verify


def status(place: Path) -> None:
    """What `headgate status` does: open for reading, and read what is open."""
    ledger = SqliteLedger(place, readonly=True)
    assert ledger.summaries(open_only=True)
    ledger.close()


def start(place: Path) -> None:
    """What a controller does first: open for writing, check the tail, read the last releases."""
    ledger = SqliteLedger(place)
    for summary in ledger.summaries(open_only=True):
        assert ledger.read(summary.release)
    assert len(ledger.summaries(limit=100)) == 100
    ledger.close()


def check(place: Path) -> None:
    """What `headgate ledger verify` does."""
    ledger = SqliteLedger(place, readonly=True)
    assert verify(ledger).broken is None
    ledger.close()


TASKS: dict[str, Callable[[Path], None]] = {"status": status, "start": start, "verify": check}


def main() -> None:
    task, place = sys.argv[1:]
    started = time.perf_counter()
    TASKS[task](Path(place))
    taken_s = time.perf_counter() - started
    print(json.dumps({"s": taken_s, "peak_mb": peak_mb()}))


def peak_mb() -> float:
    """The most memory this process ever had; `getrusage` would count its parent's, too."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


if __name__ == "__main__":
    main()
