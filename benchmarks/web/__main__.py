"""Print a table, write the figures as JSON: `python -m benchmarks.web [--quick] [--json FILE]`.

The door runs in a process of its own, so that its share of a core is its own; listeners and readers are here.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import subprocess
import sys
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

OUT = Path(__file__).parent.parent / "out" / "web.json"
LISTENERS = 200
EVENTS_PER_S = 10.0
CONNECTIONS = 8
PATHS = ("/v1/releases", "/v1/services", "/v1/ledger/head", "/v1/health")
WAIT_S = 30.0


@dataclass(frozen=True)
class Door:
    """The process that is measured."""

    process: subprocess.Popen[str]
    port: int
    token: str

    def used(self) -> dict[str, float]:
        """What it has used so far."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        found: dict[str, float] = json.loads(self.process.stdout.readline())
        return found


@contextlib.contextmanager
def opened(per_s: float) -> Generator[Door]:
    command = [sys.executable, "-m", "benchmarks.web.door", str(per_s)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said: dict[str, Any] = json.loads(process.stdout.readline())
        try:
            yield Door(process, said["port"], said["token"])
        finally:
            process.stdin.close()  # type: ignore[union-attr] # it was asked for; its end is the door's end


@dataclass
class Listener:
    """One open dashboard. `first` and `last` are the sequences it saw, `lost` how many between them it did not."""

    first: int = 0
    last: int = 0
    lost: int = 0

    def saw(self, sequence: int) -> None:
        self.lost += max(0, sequence - self.last - 1) if self.last else 0
        self.first = self.first or sequence
        self.last = sequence


async def listen(door: Door, listener: Listener) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
    writer.write(_request("/v1/stream?after=1", door.token))
    await writer.drain()
    with contextlib.suppress(asyncio.IncompleteReadError):
        while line := await reader.readline():
            if line.startswith(b"id: "):
                listener.saw(int(line[4:]))
    writer.close()


async def stream(seconds: float) -> dict[str, float]:
    """CPU share of one core, events lost and growth of memory, with LISTENERS open."""
    with opened(EVENTS_PER_S) as door:
        listeners = [Listener() for _ in range(LISTENERS)]
        tasks = [asyncio.create_task(listen(door, one)) for one in listeners]
        async with asyncio.timeout(WAIT_S):
            while not all(one.last for one in listeners):  # noqa: ASYNC110 - each hears in its own time
                await asyncio.sleep(0.05)
        before = await asyncio.to_thread(door.used)
        await asyncio.sleep(seconds / 2)
        middle = await asyncio.to_thread(door.used)
        await asyncio.sleep(seconds / 2)
        after = await asyncio.to_thread(door.used)
        async with asyncio.timeout(WAIT_S):
            while min(one.last for one in listeners) < after["sequence"]:  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.05)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    share = (after["cpu_s"] - before["cpu_s"]) / (after["at"] - before["at"])
    return {
        "listeners": LISTENERS,
        "events_per_s": (after["sequence"] - before["sequence"]) / (after["at"] - before["at"]),
        "listening_core_share": share,
        "events_lost": float(sum(one.lost for one in listeners)),
        "memory_growth_mib": (after["memory_bytes"] - middle["memory_bytes"]) / 2**20,
    }


async def ask(door: Door, count: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
    for n in range(count):
        writer.write(_request(PATHS[n % len(PATHS)], door.token))
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), head[:100]
        length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length: "))
        await reader.readexactly(int(length.split()[1]))
    writer.close()


async def reads(count: int) -> dict[str, float]:
    """How many reads a second of one core answers."""
    with opened(0) as door:
        await ask(door, 100)
        before = await asyncio.to_thread(door.used)
        await asyncio.gather(*(ask(door, count // CONNECTIONS) for _ in range(CONNECTIONS)))
        after = await asyncio.to_thread(door.used)
    done = count // CONNECTIONS * CONNECTIONS
    return {
        "reads": float(done),
        "reads_per_core_s": done / (after["cpu_s"] - before["cpu_s"]),
        "reads_per_s": done / (after["at"] - before["at"]),
    }


def _request(path: str, token: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n\r\n".encode()


def main() -> dict[str, float]:
    parser = argparse.ArgumentParser(prog="benchmarks.web", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a third of everything")
    parser.add_argument("--json", type=Path, default=OUT, help="where the figures are written")
    arguments = parser.parse_args()
    figures = asyncio.run(stream(10.0 if arguments.quick else 30.0))
    figures |= asyncio.run(reads(5_000 if arguments.quick else 15_000))
    for name, value in figures.items():
        print(f"{name:<24}{value:>12,.2f}")
    arguments.json.parent.mkdir(parents=True, exist_ok=True)
    arguments.json.write_text(json.dumps(figures, indent=2) + "\n")
    return figures


if __name__ == "__main__":
    main()
