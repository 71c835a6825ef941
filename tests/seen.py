"""The host as `status` sees it, with something else behind it."""

from collections.abc import Awaitable, Callable
from pathlib import Path

from headgate.core.model import Listener, Routing, Unit, Version
from headgate.plugins.platforms.host import HostPlatform
from headgate.ports import Artifacts, Instance, Target, Traffic
from headgate.ports.platform import Platforms
from headgate.ports.wires import Wires
from headgate.testing.fakes.processes import MemoryProcesses


class Seen:
    """A target and a traffic whose listeners are this machine's."""

    def __init__(self, target: Target, traffic: Traffic) -> None:
        self._target, self._traffic = target, traffic

    async def inspect(self, version: Version) -> tuple[Instance, ...]:
        return await self._target.inspect(version)

    async def observed(self, unit: Unit) -> Routing | None:
        return await self._traffic.observed(unit)

    def reached(self, listener: Listener) -> Listener | None:
        return listener


class SeenHost(HostPlatform):
    """The parts that a host stands on, and what of it is asked: `ready` says whether its proxy serves."""

    def __init__(self, target: Target, traffic: Traffic, ready: Callable[[], Awaitable[bool]]) -> None:
        nothing: Artifacts = None  # type: ignore[assignment]  # nothing is prepared
        super().__init__(Wires(Path("/nowhere"), MemoryProcesses(), nothing, lambda _: ()))
        self._seen = Seen(target, traffic)
        self._serves = ready

    @property
    def sight(self) -> Seen:
        return self._seen

    async def ready(self) -> bool:
        return await self._serves()


def host(target: Target, traffic: Traffic, ready: Callable[[], Awaitable[bool]]) -> Platforms:
    """The platforms of a home that has this host, and no other."""
    return Platforms.of({"host": SeenHost(target, traffic, ready)})
