"""The performer: an effect in, its answer out; the only place where the world is changed, within bounds."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from typing import TypeVar

from headgate.controller.alarms import Alarms
from headgate.controller.asking import ask_gates, examine, instances_of, smoke
from headgate.controller.clock import SteadyClock
from headgate.controller.plain import plain
from headgate.controller.underway import Turns
from headgate.controller.world import Patience, World
from headgate.core.machine.effects import (
    AskGates,
    Effect,
    PrepareVersion,
    RunCommand,
    RunSmoke,
    SetRouting,
    StopVersion,
    VerifyVersion,
    WakeAt,
)
from headgate.core.machine.events import (
    STAMPED_LATER,
    AnyEvent,
    CommandRan,
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
from headgate.core.machine.plan import Plan
from headgate.core.model import Finding, Placed, Routing, Version, worst
from headgate.ports import NotApplied, Permanent, PortError, Ran, Temporary

T = TypeVar("T")

DRAIN_ROUND_S = 0.1

WHOLE_LOOKS, WHOLE_ROUND_S = 30, 1.0
"""How often, and how many seconds apart, it is looked whether every instance of a version is ready to be promoted."""

DISTURBED_MAX = 3
"""How often something is asked in all because this process stood still meanwhile."""

Delayed = Callable[[str, int], Awaitable[None]]
"""Told that something is not done yet: why, and after how many attempts."""


def never(_: float) -> bool:
    """Nothing ever stands still."""
    return False


class LeaseLost(Permanent):
    """Another controller acts now: whatever is under way here must end."""


class Performer:
    """Carries out every effect but Observe.

    `keep` says why a version must not be stopped, or nothing; `held` whether we may act at all; `disturbed` whether
    this process stood still at some time after the one given (on the loop's clock).
    """

    def __init__(
        self,
        world: World,
        clock: SteadyClock,
        keep: Callable[[str, Version], str],
        held: Callable[[], bool],
        disturbed: Callable[[float], bool] = never,
    ) -> None:
        self._world = world
        self._clock = clock
        self._keep = keep
        self._held = held
        self._disturbed = disturbed
        self._turns = Turns()

    async def perform(
        self,
        effect_id: EffectId,
        effect: Effect,
        plan: Plan,
        delayed: Delayed | None = None,
        whole: int = 0,
        placed: Placed | None = None,
    ) -> AnyEvent:
        """Carry out one effect and return the fact that answers it; EffectFailed when it could not be done.

        With `delayed` it is tried until it is done, or until this controller has lost its lease. With `whole`, that
        many instances must be ready before their version becomes the stable one. `placed` is the unit that the effect
        is of, as it is on record; None: the plan has it.
        """
        try:
            leg = placed or _leg_of(effect, plan)
            if leg is None:
                return await self._waited(effect_id, effect, plan)
            return await self._act(effect_id, effect, leg, delayed, whole)
        except PortError as error:
            not_applied = isinstance(error, NotApplied)
            return EffectFailed(
                at=STAMPED_LATER, effect=effect_id, reason=plain(str(error)), not_applied=not_applied
            )

    async def withdraw(self, placed: Placed) -> None:
        """Have the proxy serve nothing for a unit any more, tried within bounds. Raises PortError."""

        async def once() -> None:
            self._require_lease()
            await self._world.of(placed).traffic.withdraw(placed.unit)

        await self._try(once, self._world.patience.routing_s, f"withdraw {placed.unit}")

    async def routed(self, id_: EffectId, routing: Routing, placed: Placed) -> None:
        """Have the proxy do once more what it confirmed before under this identity; once. Raises PortError."""
        self._require_lease()
        await self._world.of(placed).traffic.apply(id_, routing)

    async def _waited(self, id_: EffectId, effect: Effect, plan: Plan) -> AnyEvent:
        """What is of no unit."""
        at = STAMPED_LATER
        match effect:
            case AskGates(gates):
                found = await self._undisturbed(lambda: ask_gates(self._world, gates, plan))
                return GatesAnswered(at=at, effect=id_, findings=found)
            case WakeAt(_, due_at):
                await self._clock.sleep_until(due_at)
                return TimeCame(at=at, effect=id_)
            case _:
                raise TypeError(f"{type(effect).__name__} is not for the performer, or of no leg of the plan")

    async def _act(
        self, id_: EffectId, effect: Effect, leg: Placed, delayed: Delayed | None, whole: int
    ) -> AnyEvent:
        at, world = STAMPED_LATER, self._world
        match effect:
            case PrepareVersion(version, count):
                await self._prepare(id_, leg, version, count, delayed)
                return VersionPrepared(at=at, effect=id_, version=version, instances=count)
            case SetRouting(routing):
                if whole and routing.stable is not None:
                    await self._require_whole(leg, routing.stable, whole)
                await self._route(id_, leg, routing, delayed)
                return RoutingSet(at=at, effect=id_, routing=routing)
            case RunSmoke(version, names):
                found = await self._undisturbed(lambda: smoke(world, leg, version, names))
                return SmokeTested(at=at, effect=id_, version=version, findings=found)
            case VerifyVersion(version):
                found = await self._verify(leg, version)
                return VersionVerified(at=at, effect=id_, version=version, findings=found)
            case StopVersion(version, drain_s):
                kept = await self._stop(id_, leg, version, drain_s)
                return VersionStopped(at=at, effect=id_, version=version, kept=kept)
            case RunCommand(version, command, undo):
                ran = await self._execute(id_, leg, effect, delayed)
                return CommandRan(
                    at=at,
                    effect=id_,
                    version=version,
                    command=command.name,
                    outcome=ran.outcome,
                    undo=undo,
                    note=plain(ran.note),
                )
            case _:
                raise TypeError(f"{type(effect).__name__} is not for the performer")

    async def _prepare(
        self, id_: EffectId, leg: Placed, version: Version, count: int, delayed: Delayed | None
    ) -> None:
        async def once() -> None:
            async with self._turns.of(version):
                self._require_lease()
                await self._world.of(leg).target.prepare(id_, version, count)

        await self._try(once, self._world.patience.prepare_s, f"prepare {version}", delayed)

    async def _route(self, id_: EffectId, leg: Placed, routing: Routing, delayed: Delayed | None) -> None:
        async def once() -> None:
            self._require_lease()
            try:
                await self._world.of(leg).traffic.apply(id_, routing)
            except Permanent:
                if not await self._serves_nobody(leg, routing):
                    raise

        await self._try(once, self._world.patience.routing_s, f"route {routing.unit}", delayed)

    async def _serves_nobody(self, leg: Placed, routing: Routing) -> bool:
        """True when nobody is to be served and the proxy serves nobody, though it refuses to say so at this port.

        So ends a first release whose port is a stranger's. Raises PortError when the proxy cannot be asked.
        """
        if _serves(routing):
            return False
        seen = await self._world.of(leg).traffic.observed(routing.unit)
        return seen is None or not _serves(seen)

    async def _require_whole(self, leg: Placed, version: Version, instances: int) -> None:
        """Wait until so many instances of `version` are ready: one that has just crashed may come up again.

        Raises NotApplied when it does not. What cannot be asked is unknown, and the judge's verdict stands.
        """
        ready = 0
        for _ in range(WHOLE_LOOKS):
            found = await instances_of(self._world, leg, version)
            if found is None or (ready := sum(one.ready for one in found)) >= instances:
                return
            await asyncio.sleep(WHOLE_ROUND_S)
        seen = (
            f"after {WHOLE_LOOKS * WHOLE_ROUND_S:g} s {ready} of {instances} instances of {version} are ready"
        )
        raise NotApplied(f"{seen}: it is not promoted")

    async def _execute(self, id_: EffectId, leg: Placed, effect: RunCommand, delayed: Delayed | None) -> Ran:
        """Within the command's own limit, asked about included; the same effect never runs twice."""
        command = effect.command

        async def once() -> Ran:
            self._require_lease()
            return await self._world.of(leg).target.execute(id_, effect.version, command, undo=effect.undo)

        patience_s = command.limit_s + self._world.patience.check_s
        return await self._try(once, patience_s, f"run {command.name}", delayed)

    async def _stop(self, id_: EffectId, leg: Placed, version: Version, drain_s: float) -> str:
        """Stop a version nobody needs; returns why it was kept. Asked last of all, when no order to it is under way."""
        if not self._keep(id_.release, version):
            await self._drained(leg, drain_s)

        async def once() -> str:
            async with self._turns.of(version):
                self._require_lease()
                kept = self._keep(id_.release, version)
                if not kept:
                    await self._world.of(leg).target.stop(id_, version, 0.0)
                return kept

        return await self._try(once, self._world.patience.stop_s, f"stop {version}")

    async def _try(
        self, call: Callable[[], Awaitable[T]], limit_s: float, name: str, delayed: Delayed | None = None
    ) -> T:
        """Call within bounds; what may be better next time is tried again, with back-off, a bounded number of times.

        With `delayed` everything may be better next time, and there always is one: it is told, less and less often.
        """
        patience = self._world.patience
        alarms = Alarms(patience.attempts, asyncio.get_running_loop().time())
        for attempt in itertools.count(1):
            began = asyncio.get_running_loop().time()
            try:
                async with asyncio.timeout(limit_s):
                    return await call()
            except TimeoutError:
                said = f"{name}: not done within {limit_s:g} s"
            except Temporary as temporary:
                said = str(temporary)
            except PortError as error:
                disturbed = attempt < DISTURBED_MAX and self._disturbed(began)
                if isinstance(error, LeaseLost) or (delayed is None and not disturbed):
                    raise
                said = str(error)
            except Exception as error:  # noqa: BLE001 - a fault in a plugin may pass, and is bounded like any other
                said = f"{name} broke down: {type(error).__name__}: {error}"
            if delayed is None and attempt >= patience.attempts:
                raise Permanent(f"{said} (tried {patience.attempts} times)")
            if delayed is not None and alarms.due(attempt, asyncio.get_running_loop().time()):
                await delayed(plain(said), attempt)
            await asyncio.sleep(_backoff_s(patience, attempt, going_back=delayed is not None))
        raise AssertionError("there is always another attempt")

    def _require_lease(self) -> None:
        """Asked right before an act, with nothing between."""
        if not self._held():
            raise LeaseLost("this controller has lost its lease: another one acts now")

    async def _undisturbed(self, ask: Callable[[], Awaitable[tuple[Finding, ...]]]) -> tuple[Finding, ...]:
        """Ask again what did not pass while this process stood still: it may only have run out of time."""
        for _ in range(1, DISTURBED_MAX):
            began = asyncio.get_running_loop().time()
            found = await ask()
            if worst(found) in ("pass", "warn") or not self._disturbed(began):
                return found
        return await ask()

    async def _verify(self, leg: Placed, version: Version) -> tuple[Finding, ...]:
        """A passing moment of weakness is asked again."""
        patience = self._world.patience
        findings = await examine(self._world, leg, version)
        for attempt in range(1, patience.attempts):
            if worst(findings) in ("pass", "warn"):
                break
            await asyncio.sleep(_backoff_s(patience, attempt))
            findings = await examine(self._world, leg, version)
        return findings

    async def _drained(self, leg: Placed, drain_s: float) -> None:
        """Wait until the proxy has no request under way to a version that gets no new ones, at most `drain_s`."""
        try:
            async with asyncio.timeout(drain_s):
                while not await self._idle(leg):  # noqa: ASYNC110 - the proxy has no event to wait for
                    await asyncio.sleep(DRAIN_ROUND_S)
        except TimeoutError:
            return  # who has not finished by now is cut off, as the plan says

    async def _idle(self, leg: Placed) -> bool:
        try:
            return await self._world.of(leg).traffic.idle(leg.unit)
        except PortError:
            return False


def _backoff_s(patience: Patience, attempt: int, *, going_back: bool = False) -> float:
    last_s = patience.back_retry_s if going_back else patience.last_retry_s
    return min(last_s, patience.first_retry_s * 2.0 ** min(attempt - 1, 10))


def _leg_of(effect: Effect, plan: Plan) -> Placed | None:
    """The leg that an effect is of; None: of none."""
    match effect:
        case SetRouting(routing):
            unit = routing.unit
        case PrepareVersion() | RunSmoke() | VerifyVersion() | StopVersion() | RunCommand():
            unit = effect.version.unit
        case _:
            return None
    return next((leg for leg in plan.legs if leg.unit == unit), None)


def _serves(routing: Routing) -> bool:
    return routing.stable is not None or routing.exposed
