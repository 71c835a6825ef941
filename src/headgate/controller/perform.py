"""Effect in, answer out: the only place where the world is changed, within bounds and with an identity."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from headgate.controller.asking import ask_gates, examine, smoke
from headgate.controller.clock import SteadyClock
from headgate.controller.plain import plain
from headgate.controller.turns import Turns
from headgate.controller.world import Patience, World
from headgate.core.effects import (
    AskGates,
    Effect,
    PrepareVersion,
    RunSmoke,
    SetRouting,
    StopVersion,
    VerifyVersion,
    WakeAt,
)
from headgate.core.events import (
    STAMPED_LATER,
    AnyEvent,
    EffectFailed,
    EffectId,
    GatesAnswered,
    RoutingSet,
    SmokeTested,
    TimeCame,
    VersionPrepared,
    VersionStopped,
    VersionVerified,
)
from headgate.core.model import Finding, Plan, Routing, Unit, Version, worst
from headgate.ports import Permanent, PortError, Temporary

T = TypeVar("T")

DRAIN_ROUND_S = 0.1


class Performer:
    """Carries out every effect but Observe.

    `keep` says why a version must not be stopped, or nothing; `held` whether we may act at all.
    """

    def __init__(
        self, world: World, clock: SteadyClock, keep: Callable[[str, Version], str], held: Callable[[], bool]
    ) -> None:
        self._world = world
        self._clock = clock
        self._keep = keep
        self._held = held
        self._turns = Turns()

    async def perform(self, effect_id: EffectId, effect: Effect, plan: Plan) -> AnyEvent:
        """Carry out one effect and return the fact that answers it; EffectFailed when it could not be done."""
        try:
            return await self._act(effect_id, effect, plan)
        except PortError as error:
            return EffectFailed(at=STAMPED_LATER, effect=effect_id, reason=plain(str(error)))

    async def withdraw(self, unit: Unit) -> None:
        """Have the proxy serve nothing for `unit` any more, tried within bounds. Raises PortError."""

        async def once() -> None:
            self._require_lease()
            await self._world.traffic.withdraw(unit)

        await self._try(once, self._world.patience.routing_s, f"withdraw {unit}")

    async def routed(self, id_: EffectId, routing: Routing) -> None:
        """Have the proxy do once more what it confirmed before under this identity; once. Raises PortError."""
        self._require_lease()
        await self._world.traffic.apply(id_, routing)

    async def _act(self, id_: EffectId, effect: Effect, plan: Plan) -> AnyEvent:
        at, world = STAMPED_LATER, self._world
        match effect:
            case AskGates(gates):
                return GatesAnswered(at=at, effect=id_, findings=await ask_gates(world, gates, plan))
            case PrepareVersion(version, count):
                await self._prepare(id_, version, count)
                return VersionPrepared(at=at, effect=id_, version=version, instances=count)
            case SetRouting(routing):
                await self._route(id_, routing)
                return RoutingSet(at=at, effect=id_, routing=routing)
            case RunSmoke(version, names):
                found = await smoke(world, version, names)
                return SmokeTested(at=at, effect=id_, version=version, findings=found)
            case VerifyVersion(version):
                return VersionVerified(
                    at=at, effect=id_, version=version, findings=await self._verify(version)
                )
            case StopVersion(version, drain_s):
                return VersionStopped(
                    at=at, effect=id_, version=version, kept=await self._stop(id_, version, drain_s)
                )
            case WakeAt(_, due_at):
                await self._clock.sleep_until(due_at)
                return TimeCame(at=at, effect=id_)
            case _:
                raise TypeError(f"{type(effect).__name__} is not for the performer")

    async def _prepare(self, id_: EffectId, version: Version, count: int) -> None:
        async def once() -> None:
            async with self._turns.of(version):
                self._require_lease()
                await self._world.target.prepare(id_, version, count)

        await self._try(once, self._world.patience.prepare_s, f"prepare {version}")

    async def _route(self, id_: EffectId, routing: Routing) -> None:
        async def once() -> None:
            self._require_lease()
            await self._world.traffic.apply(id_, routing)

        await self._try(once, self._world.patience.routing_s, f"route {routing.unit}")

    async def _stop(self, id_: EffectId, version: Version, drain_s: float) -> str:
        """Stop a version nobody needs; returns why it was kept. Asked last of all, when no order to it is under way."""
        if not self._keep(id_.release, version):
            await self._drained(version, drain_s)

        async def once() -> str:
            async with self._turns.of(version):
                self._require_lease()
                kept = self._keep(id_.release, version)
                if not kept:
                    await self._world.target.stop(id_, version, 0.0)
                return kept

        return await self._try(once, self._world.patience.stop_s, f"stop {version}")

    async def _try(self, call: Callable[[], Awaitable[T]], limit_s: float, name: str) -> T:
        """Call within bounds; what may be better next time is tried again, with back-off, a bounded number of times."""
        patience = self._world.patience
        said = ""
        for attempt in range(1, patience.attempts + 1):
            try:
                async with asyncio.timeout(limit_s):
                    return await call()
            except TimeoutError:
                said = f"{name}: not done within {limit_s:g} s"
            except Temporary as temporary:
                said = str(temporary)
            except PortError:
                raise
            except Exception as error:  # noqa: BLE001 - a fault in a plugin may pass, and is bounded like any other
                said = f"{name} broke down: {type(error).__name__}: {error}"
            if attempt < patience.attempts:
                await asyncio.sleep(_backoff_s(patience, attempt))
        raise Permanent(f"{said} (tried {patience.attempts} times)")

    def _require_lease(self) -> None:
        """Asked right before an act, with nothing between."""
        if not self._held():
            raise Permanent("this controller has lost its lease: another one acts now")

    async def _verify(self, version: Version) -> tuple[Finding, ...]:
        """A passing moment of weakness is asked again."""
        patience = self._world.patience
        findings = await examine(self._world, version)
        for attempt in range(1, patience.attempts):
            if worst(findings) in ("pass", "warn"):
                break
            await asyncio.sleep(_backoff_s(patience, attempt))
            findings = await examine(self._world, version)
        return findings

    async def _drained(self, version: Version, drain_s: float) -> None:
        """Wait until the proxy has no request under way to `version`, at most `drain_s`."""
        try:
            async with asyncio.timeout(drain_s):
                while not await self._idle(version):  # noqa: ASYNC110 - the proxy has no event to wait for
                    await asyncio.sleep(DRAIN_ROUND_S)
        except TimeoutError:
            return  # who has not finished by now is cut off, as the plan says

    async def _idle(self, version: Version) -> bool:
        try:
            return await self._world.traffic.idle(version.unit)
        except PortError:
            return False


def _backoff_s(patience: Patience, attempt: int) -> float:
    return min(patience.last_retry_s, patience.first_retry_s * 2.0 ** (attempt - 1))
