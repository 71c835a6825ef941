"""A platform in memory, with users: versions in a dict, a data plane, and requests that arrive evenly. For tests."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence

from headgate.core.machine.events import EffectId
from headgate.core.model import Arm, Listener, Mean, Routing, Unit, Version
from headgate.ports import Instance, Permanent, Signals
from headgate.ports.platform import Sight, Upkeep
from headgate.ports.retreat import Retreated
from headgate.testing.fakes.signals import MemorySignals
from headgate.testing.fakes.target import MemoryTarget
from headgate.testing.fakes.traffic import MemoryTraffic

LATENCY_MS = 5.0
WHOLE = 100


class MemoryPlatform(Upkeep):
    """The three ports in memory, which know each other's versions. `rate_s` requests a second arrive at each unit.

    Hooks beside those of its parts: of a version's requests the part `failing[version]` fails; while `away` says why,
    nothing can be asked of it. No clock but the event loop's.
    """

    def __init__(self, rate_s: float = 100.0) -> None:
        self.target = MemoryTarget()
        self.failing: dict[Version, float] = {}
        self.away = ""
        self._users = _Users(self, rate_s)
        self.traffic = _Traffic(self._users, self.target)
        self.signals: tuple[Signals, ...] = (self._users,)

    @property
    def sight(self) -> Sight:
        """The parts, as they are."""
        return _Sight(self)

    def arm(self, version: Version) -> str:
        """The version's own name."""
        return str(version)

    async def ready(self) -> bool:
        """Unless it is away. Raises Permanent then."""
        if self.away:
            raise Permanent(self.away)
        return True

    async def retreat(self, reason: str) -> Sequence[Retreated]:
        """Nobody steers it but a controller in its own process: where that is gone, so is this."""
        return ()

    def forget(self) -> None:
        """Nothing is written down."""

    async def aclose(self) -> None:
        """Nothing is held open."""


class _Users:
    """Who sends requests, and what came of them: the signals that measure the traffic itself."""

    def __init__(self, platform: MemoryPlatform, rate_s: float) -> None:
        self._platform = platform
        self._rate_s = rate_s
        self._counters = MemorySignals()
        self._flowed_at: dict[Unit, float] = {}
        self._left: defaultdict[tuple[Version, str], float] = defaultdict(float)

    async def read(self, version: Version) -> Arm:
        """See ports.Signals. A version that runs and was sent nothing has counted nothing."""
        await self._platform.ready()
        self.flow(version.unit)
        if version in self._platform.target.running:
            self._counters.record(version)
        return await self._counters.read(version)

    def flow(self, unit: Unit) -> None:
        """Let the requests arrive that have come since the last look."""
        now = asyncio.get_running_loop().time()
        arrived = self._rate_s * (now - self._flowed_at.get(unit, now))
        self._flowed_at[unit] = now
        routing = self._platform.traffic.plane.routings.get(unit)
        for version, share in _shares(routing).items() if routing is not None else ():
            requests = self._counted(version, "requests", arrived * share)
            failed = self._counted(version, "errors", requests * self._ratio(version))
            answered = {"answered": Mean(float(requests), requests)}
            latencies = [LATENCY_MS] * requests
            self._counters.record(
                version, requests=requests, errors=min(requests, failed), latency_ms=latencies, means=answered
            )

    def _ratio(self, version: Version) -> float:
        ready = any(one.ready for one in self._platform.target.running.get(version, ()))
        return self._platform.failing.get(version, 0.0) if ready else 1.0

    def _counted(self, version: Version, what: str, expected: float) -> int:
        """Whole ones; what is left of one counts the next time."""
        sum_ = self._left[version, what] + expected
        self._left[version, what] = sum_ - int(sum_)
        return int(sum_)


class _Traffic(MemoryTraffic):
    """Lets what has come reach where it was sent, before that changes."""

    def __init__(self, users: _Users, target: MemoryTarget) -> None:
        super().__init__(running=lambda version: bool(target.running.get(version)))
        self._users = users

    async def apply(self, effect: EffectId, routing: Routing) -> None:
        """See ports.Traffic."""
        self._users.flow(routing.unit)
        await super().apply(effect, routing)


class _Sight:
    def __init__(self, platform: MemoryPlatform) -> None:
        self._platform = platform

    async def inspect(self, version: Version) -> tuple[Instance, ...]:
        await self._platform.ready()
        return await self._platform.target.inspect(version)

    async def observed(self, unit: Unit) -> Routing | None:
        await self._platform.ready()
        return await self._platform.traffic.observed(unit)

    def reached(self, listener: Listener) -> Listener | None:
        return None


def _shares(routing: Routing) -> dict[Version, float]:
    """The part of the requests that each version gets."""
    canary = routing.weight if routing.canary is not None else 0
    fresh = routing.fresh_weight if routing.fresh is not None else 0
    parts = {routing.canary: canary, routing.fresh: fresh, routing.stable: WHOLE - canary - fresh}
    return {version: part / WHOLE for version, part in parts.items() if version is not None and part > 0}
