"""The shop's customers: Headgate's own load generator, in a process of its own, bounded in time and number."""

import subprocess
import sys
from types import TracebackType
from typing import Self

import msgspec

from headgate.lab.load.results import Results

DURATION_MAX_S = 600
STOP_S = 15.0


class Customers:
    """Use as a context: customers come as long as it lasts. `results` is what they saw, once it is over."""

    def __init__(self, url: str, journeys_per_s: float) -> None:
        self._command = [
            *(sys.executable, "-m", "headgate.lab.load", "--url", url, "--rate", f"{journeys_per_s:g}"),
            *("--duration", f"{DURATION_MAX_S}s", "--journeys", "shop", "--json"),
        ]
        self.results: Results | None = None

    def __enter__(self) -> Self:
        """Let them in."""
        self._process = subprocess.Popen(
            self._command,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            stdin=subprocess.DEVNULL,
            text=True,
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the shop: who is inside is served."""
        self._process.terminate()
        try:
            said, _ = self._process.communicate(timeout=STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            said, _ = self._process.communicate()
        if said.strip():
            self.results = msgspec.json.decode(said.strip().splitlines()[-1], type=Results)
