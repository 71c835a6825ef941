"""The built-in platforms keep the promises of the port, as a whole and part by part."""

import asyncio
import contextlib
from collections.abc import Iterator, Mapping
from contextlib import AbstractAsyncContextManager
from functools import cache
from pathlib import Path

import pytest

from headgate.core.machine.events import EffectId
from headgate.core.model import Configuration, Listener, Routing, Unit, Version
from headgate.plugins.platforms.host import HostPlatform, create
from headgate.plugins.processes.supervisord import Supervisord
from headgate.ports import Target, Traffic
from headgate.ports.platform import Platform
from headgate.ports.wires import Wires
from headgate.testing.fakes.platform import MemoryPlatform
from headgate.testing.platform import Ground, PlatformContract
from headgate.testing.target import TargetContract, Versions
from headgate.testing.traffic import DataPlane, TrafficContract
from tests.plugins.processes.daemons import daemon
from tests.plugins.targets.host import READY, SERVE, SERVICES
from tests.plugins.targets.shelf import Shelf
from tests.plugins.targets.test_memory import MemoryVersions
from tests.plugins.traffic.envoys import get, version
from tests.servers import free_port

RATE_S = 2000.0


class InMemory:
    """Users come by themselves; what runs is in the object, so that whoever opens it again has the same one."""

    def __init__(self) -> None:
        self.platform: MemoryPlatform = MemoryPlatform(RATE_S)

    def reopened(self) -> Platform:
        return self.platform

    def version(self, service: str, label: str) -> Version:
        return Version(Unit("shop", "production", service), label * 64, "c" * 64)

    def listener(self, service: str) -> Listener:
        return Listener(80)

    async def visit(self, unit: Unit, requests: int) -> None:
        await asyncio.sleep(2 * requests / RATE_S)


class TestMemory(PlatformContract):
    @pytest.fixture
    def ground(self) -> Ground:
        return InMemory()


class OnThisMachine:
    """A home of its own, with a real process daemon and a real Envoy."""

    def __init__(self, home: Path, processes: Supervisord) -> None:
        self._home, self._processes = home, processes
        self._shelf = Shelf(home.parent / f"{home.name}-shelf")
        self.platform: HostPlatform = self.reopened()
        self._ports = cache(lambda service: free_port())

    def reopened(self) -> HostPlatform:
        return create(Wires(self._home, self._processes, self._shelf, lambda _: ()))

    def version(self, service: str, label: str) -> Version:
        greeting = {"GREETING": label}
        configuration = Configuration(argv=SERVE, probes=READY, env=greeting)
        artifact = self._shelf.put(SERVICES).digest
        return Version(
            Unit("shop", "production", service), artifact, self._shelf.put_configuration(configuration)
        )

    def listener(self, service: str) -> Listener:
        return Listener(self._ports(service))

    async def visit(self, unit: Unit, requests: int) -> None:
        for _ in range(requests):
            status, _, _ = await get(self._ports(unit.service))
            assert status == 200


@pytest.mark.e2e
@pytest.mark.xdist_group("e2e-platform")
class TestHost(PlatformContract):
    @pytest.fixture
    def ground(self, tmp_path: Path) -> Iterator[Ground]:
        home = tmp_path / "home"
        home.mkdir()
        with daemon(home) as processes:
            yield OnThisMachine(home, processes)


# --- the parts of the one in memory -----------------------------------------------------------------------------------


class TestMemoryTarget(TargetContract):
    @pytest.fixture
    def target(self) -> Target:
        return MemoryPlatform().target

    @pytest.fixture
    def versions(self, target: Target) -> Versions:
        return MemoryVersions(target)  # type: ignore[arg-type]  # it is the memory's


class Plane:
    """Its traffic, with whatever is asked for running."""

    def __init__(self) -> None:
        self.platform = MemoryPlatform()
        self.traffic: Traffic = self.platform.traffic

    def reopened(self) -> Traffic:
        return self.traffic

    def listener(self) -> Listener:
        return Listener(80)

    async def version(self, letter: str, unit: Unit) -> Version:
        made = version(letter, unit)
        await self.platform.target.prepare(EffectId("r0", 1, 0), made, 1)
        return made

    async def reach(self, routing: Routing, headers: Mapping[str, str]) -> Version | None:
        return self.platform.traffic.reach(routing.unit, headers)


class TestMemoryTraffic(TrafficContract):
    def plane(self) -> AbstractAsyncContextManager[DataPlane]:
        return contextlib.nullcontext(Plane())
