"""Customers of a town: Headgate's own load generator as a process, bounded in time, and what they saw."""

import subprocess
import sys
from collections.abc import Collection
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from headgate.lab.load.results import Counts, Results

STOP_S = 30.0
DURATION_MAX = "240s"
CONNECTIONS = 32


class Customers:
    """Use as a context; `seen` is what they saw, once it is over. They keep their connections, and come at `rate`."""

    def __init__(self, url: str, folder: Path, rate: float, journeys: str) -> None:
        self._command = [
            *(sys.executable, "-m", "headgate.lab.load", "--url", url, "--every", "1s"),
            *("--rate", f"{rate:g}", "--journeys", journeys, "--duration", DURATION_MAX),
            *("--timeout", "20s", "--concurrency", str(CONNECTIONS)),
        ]
        self._out = folder / "customers.ndjson"
        self.seen: Seen

    def __enter__(self) -> Self:
        with self._out.open("wb") as out:
            self._process = subprocess.Popen(self._command, stdout=out, stderr=subprocess.DEVNULL)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        try:
            self._process.wait(STOP_S)
        finally:
            self._process.kill()
            self._process.wait()
        last = self._out.read_bytes().splitlines()[-1]
        self.seen = Seen(msgspec.json.decode(last, type=Results).total.versions)


class Seen:
    """What clients saw, by the version that answered."""

    def __init__(self, by_version: dict[str, Counts]) -> None:
        self.by_version = by_version

    def failed(self, version: str) -> int:
        """Answers of 500 and above."""
        counts = self.by_version.get(version)
        return counts.failed if counts else 0

    def nothing_bad(self, but_from: Collection[str] = ()) -> None:
        """Nothing was reset, refused at the door or lost, and nothing failed but what these versions answered."""
        lost = {name: c.resets + c.connect_errors + c.timeouts for name, c in self.by_version.items()}
        assert not any(lost.values()), f"reset, not connected or timed out: {lost}"
        failed = {name: c.failed for name, c in self.by_version.items() if c.failed and name not in but_from}
        assert not failed, f"failed requests, by the version that answered: {failed}"
