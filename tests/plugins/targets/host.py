"""A home of its own with a real supervisor, a shelf of artifacts and the local target, for one test module."""

import asyncio
import contextlib
import http.client
import itertools
import json
import sys
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

from headgate.core.machine.events import EffectId
from headgate.core.model import Configuration, HttpCheck, Probe, Probes, Unit, Version
from headgate.plugins.processes.supervisord import Supervisord
from headgate.plugins.targets.local.layout import Layout, VersionFolder
from headgate.plugins.targets.local.target import LocalTarget
from headgate.ports import Instance
from tests.plugins.processes.daemons import daemon
from tests.plugins.targets.shelf import Shelf

T = TypeVar("T")

SERVICES = Path(__file__).parent / "services"
SERVE = (sys.executable, "-I", "-S", "web.py")
READY = Probes(readiness=Probe(HttpCheck("/health"), period_s=0.1, failure_threshold=2))


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(coroutine)


class Host:
    def __init__(self, home: Path, processes: Supervisord) -> None:
        self.home = home
        self.processes = processes
        self.shelf = Shelf(home.parent / f"{home.name}-shelf")
        self.artifact = self.shelf.put(SERVICES).digest
        self.target = LocalTarget(home, processes, self.shelf)
        self._sequence = itertools.count(1)
        self._units = itertools.count(1)

    def effect(self, release: str = "r") -> EffectId:
        return EffectId(release, next(self._sequence), 0)

    def version(self, unit: str = "", environment: str = "production", **changes: Any) -> Version:  # noqa: ANN401 - fields of a Configuration
        fields = {"argv": SERVE, "probes": READY, **changes}
        service = unit or f"s{next(self._units)}"
        configuration = self.shelf.put_configuration(Configuration(**fields))
        return Version(Unit("shop", environment, service), self.artifact, configuration)

    def prepare(self, version: Version, instances: int = 1) -> tuple[Instance, ...]:
        run(self.target.prepare(self.effect(), version, instances))
        return self.inspect(version)

    def stop(self, version: Version, drain_s: float = 0.0) -> None:
        run(self.target.stop(self.effect(), version, drain_s))

    def inspect(self, version: Version) -> tuple[Instance, ...]:
        return run(self.target.inspect(version))

    def get(self, instance: Instance, path: str = "/") -> str:
        host, _, port = instance.address.rpartition(":")
        connection = http.client.HTTPConnection(host, int(port), timeout=10)
        with contextlib.closing(connection):
            connection.request("GET", path)
            return connection.getresponse().read().decode()

    def env(self, instance: Instance) -> dict[str, str]:
        return dict(json.loads(self.get(instance, "/env")))

    def folder(self, version: Version) -> VersionFolder:
        return Layout(self.home).folder(version)

    def pid(self, version: Version) -> int:
        (endpoint, *_) = self.target.endpoints(version)
        return self.folder(version).life(endpoint.name).pid

    def log(self, version: Version) -> str:
        (path, *_) = (self.folder(version).path / "instances").glob("*/output.log")
        return path.read_text()

    def keeper_log(self) -> str:
        path = self.home / "log" / "keeper.log"
        return path.read_text() if path.exists() else ""


@contextlib.contextmanager
def host(home: Path) -> Iterator[Host]:
    with daemon(home) as processes:
        yield Host(home, processes)
