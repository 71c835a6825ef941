"""A service that speaks gRPC and nothing else is released like any other, and a bad version of it is found."""

import asyncio
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Self

import pytest

from headgate.ports.artifacts import Provenance
from headgate.wiring.stores import open_artifacts
from tests.e2e.town import Town
from tests.plugins.traffic import http2
from tests.plugins.traffic.http2 import Channel

pytestmark = pytest.mark.e2e

MAIN = """
import asyncio, sys
from http2 import GrpcService

async def main():
    await GrpcService(port=int(sys.argv[1]), status="{status}").start()
    await asyncio.Event().wait()

asyncio.run(main())
"""


def build(town: Town, label: str, status: str) -> str:
    """A version whose calls end with `status`."""
    folder = town.folder / "rpc" / label
    folder.mkdir(parents=True)
    (folder / "http2.py").write_text(Path(http2.__file__).read_text())
    (folder / "main.py").write_text(MAIN.replace("{status}", status))
    open_artifacts(town.home).put(folder, Provenance(built_at=time.time(), builder="a test", label=label))
    return label


class Callers:
    """Who calls all the time, and how the calls ended."""

    def __init__(self, port: int) -> None:
        self.ended: Counter[str] = Counter()
        self._port = port
        self._over = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._call()))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    async def _call(self) -> None:
        channel = await Channel.connected(self._port)
        while not self._over.is_set():
            self.ended[await channel.status("Add")] += 1
            await asyncio.sleep(0.02)
        channel.close()


def test_a_bad_version_of_a_service_of_grpc_is_rolled_back_by_the_status_of_its_calls(town: Town) -> None:
    town.plan(
        {
            "run": [sys.executable, "main.py", "{port}"],
            "probes": {"startup": None, "liveness": None, "readiness": "tcp"},
            "smoke": None,
            "metrics": None,
        }
    )
    with Callers(town.project.port) as callers:
        town.promoted(build(town, "good", "0"))  # from a shop that speaks HTTP/1.1 only
        town.promoted(build(town, "better", "5"))  # NOT_FOUND is no failure
        done = town.deploy(build(town, "bad", "13"))
        assert done.code == 4, done.said
        assert "errors" in done.said
        callers.ended.clear()
        town.until(lambda: callers.ended.total() > 20, "calls after the way back")
        assert set(callers.ended) == {"5"}
