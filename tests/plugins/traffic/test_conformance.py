"""The built-in data planes keep the promises of the port."""

import contextlib
from collections.abc import AsyncGenerator, Mapping
from contextlib import AbstractAsyncContextManager

import pytest

from headgate.core.model import Listener, Routing, Unit, Version
from headgate.plugins.traffic.envoy import EnvoyTraffic
from headgate.ports import Traffic
from headgate.testing.fakes.traffic import MemoryTraffic
from headgate.testing.traffic import DataPlane, TrafficContract
from tests.plugins.traffic.envoys import World, get, listener, version, world


class InMemory:
    def __init__(self) -> None:
        self.traffic = MemoryTraffic()

    def reopened(self) -> Traffic:
        return MemoryTraffic(self.traffic.plane)

    def listener(self) -> Listener:
        return Listener(80)

    async def version(self, letter: str, unit: Unit) -> Version:
        return version(letter, unit)

    async def reach(self, routing: Routing, headers: Mapping[str, str]) -> Version | None:
        return self.traffic.reach(routing.unit, headers)


class RealEnvoy:
    def __init__(self, world: World) -> None:
        self._world = world
        self.traffic: EnvoyTraffic = world.traffic

    def reopened(self) -> Traffic:
        return self._world.open()

    def listener(self) -> Listener:
        return listener()

    async def version(self, letter: str, unit: Unit) -> Version:
        made = version(letter, unit)
        await self._world.serve(made)
        return made

    async def reach(self, routing: Routing, headers: Mapping[str, str]) -> Version | None:
        status, _, body = await get(routing.listener.port, headers=headers)
        if status == 503:
            return None
        return next(one for one in routing.versions() if one.artifact[0] == body.decode())


class TestMemory(TrafficContract):
    def plane(self) -> AbstractAsyncContextManager[DataPlane]:
        return contextlib.nullcontext(InMemory())


@pytest.mark.e2e
class TestEnvoy(TrafficContract):
    def plane(self) -> AbstractAsyncContextManager[DataPlane]:
        @contextlib.asynccontextmanager
        async def opened() -> AsyncGenerator[DataPlane]:
            async with world() as made:
                yield RealEnvoy(made)

        return opened()
