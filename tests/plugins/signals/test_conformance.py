"""The built-in sources keep the promises of the port."""

import contextlib
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager

import pytest

from headgate.core.model import Routing, Version
from headgate.plugins.signals.envoy import EnvoySignals
from headgate.plugins.traffic.envoy import cluster_name
from headgate.testing.fakes.signals import MemorySignals
from headgate.testing.signals import Measured, SignalsContract
from tests.plugins.traffic.envoys import UNIT, effect, get, listener, version, world

OLD, NEW = version("a"), version("b")


class InMemory:
    versions = (OLD, NEW)

    def __init__(self) -> None:
        self.signals = MemorySignals()
        for one in self.versions:
            self.signals.record(one)

    async def requests(self, version: Version, good: int, bad: int) -> None:
        self.signals.record(version, requests=good + bad, errors=bad, latency_ms=[3.0] * (good + bad))


class RealEnvoy:
    versions = (OLD, NEW)

    def __init__(self, signals: EnvoySignals, port: int) -> None:
        self.signals = signals
        self._port = port

    async def requests(self, version: Version, good: int, bad: int) -> None:
        headers = {"x-headgate-preview": "canary"} if version == NEW else {}
        for path in ["/"] * good + ["/status/500"] * bad:
            await get(self._port, path, headers=headers)


class TestMemory(SignalsContract):
    def measured(self) -> AbstractAsyncContextManager[Measured]:
        return contextlib.nullcontext(InMemory())


@pytest.mark.e2e
class TestEnvoy(SignalsContract):
    def measured(self) -> AbstractAsyncContextManager[Measured]:
        @contextlib.asynccontextmanager
        async def opened() -> AsyncGenerator[Measured]:
            async with world() as made:
                await made.serve(OLD, NEW)
                place = listener()
                await made.traffic.apply(effect(1), Routing(UNIT, place, OLD, NEW))
                yield RealEnvoy(EnvoySignals(made.traffic.admin.get, cluster_name), place.port)

        return opened()
