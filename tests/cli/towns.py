"""A world without processes and proxies: versions are as good as the file `quality` in their artifact says."""

from __future__ import annotations

from pathlib import Path

from headgate.controller.world import World
from headgate.core.machine.events import EffectId
from headgate.core.model import Arm, Command, Finding, Mean, Routing, Unit, Version
from headgate.ports import Artifacts, Instance, Ran
from headgate.ports.platform import Made, Platforms

ERRORS = {"good": 0, "bad": 100}
PER_READING = 400


class Town:
    """Target, traffic and signals in one."""

    def __init__(self, store: Artifacts) -> None:
        self._store = store
        self._running: dict[Version, int] = {}
        self._routing: dict[Unit, Routing] = {}
        self._readings: dict[Version, int] = {}

    def world(self) -> World:
        return World(Platforms.of({"host": Made(self, self, (self,))}))

    async def prepare(self, effect: EffectId, version: Version, instances: int) -> None:
        self._running[version] = instances

    async def stop(self, effect: EffectId, version: Version, drain_s: float) -> None:
        self._running.pop(version, None)

    async def execute(
        self, effect: EffectId, version: Version, command: Command, *, undo: bool = False
    ) -> Ran:
        return Ran("applied")

    async def inspect(self, version: Version) -> tuple[Instance, ...]:
        return tuple(
            Instance(f"{n}", f"127.0.0.1:{9000 + n}", ready=True)
            for n in range(self._running.get(version, 2))
        )

    async def check(self, version: Version, smoke: tuple[str, ...] | None = None) -> tuple[Finding, ...]:
        return (Finding("ready", "pass", "answered 200"),)

    async def apply(self, effect: EffectId, routing: Routing) -> None:
        self._routing[routing.unit] = routing

    async def observed(self, unit: Unit) -> Routing | None:
        return self._routing.get(unit)

    async def remembered(self) -> tuple[EffectId, ...]:
        return ()

    async def withdraw(self, unit: Unit) -> None:
        self._routing.pop(unit, None)

    async def idle(self, unit: Unit) -> bool:
        return True

    async def read(self, version: Version) -> Arm:
        count = self._readings[version] = self._readings.get(version, 0) + 1
        requests = PER_READING * count
        answered = Mean(float(requests), requests)
        return Arm(requests, ERRORS[self._quality(version)] * count, means={"answered": answered})

    def _quality(self, version: Version) -> str:
        return (self._store.verify(version.artifact) / "quality").read_text().strip()


class Daemon:
    """The process daemon's double: it is always up, and runs nothing."""

    def __init__(self, home: Path) -> None:
        self.home = home

    async def start_daemon(self) -> None:
        """There is nothing to start."""

    async def stop_daemon(self) -> tuple[object, ...]:
        return ()

    async def orphans(self) -> tuple[object, ...]:
        return ()

    async def running(self) -> bool:
        return False

    async def list(self, prefix: str = "") -> tuple[object, ...]:
        return ()

    async def ensure(self, programs: object) -> None:
        """Nothing runs here."""

    async def remove(self, names: object) -> None:
        """Nothing runs here."""
