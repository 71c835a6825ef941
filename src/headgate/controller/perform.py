"""Effect in, answer out: the only place where the world is touched, within bounds and with an identity."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from headgate.controller.clock import SteadyClock
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
from headgate.core.model import Finding, Plan, Version, worst
from headgate.ports import Permanent, PortError, Temporary

T = TypeVar("T")

STAMPED_LATER = 0.0
"""Answers get their time from the actor, when it takes them in."""


class Performer:
    """Carries out every effect but Observe. `keep` says why a version must not be stopped, or nothing."""

    def __init__(self, world: World, clock: SteadyClock, keep: Callable[[str, Version], str]) -> None:
        self._world = world
        self._clock = clock
        self._keep = keep

    async def perform(self, effect_id: EffectId, effect: Effect, plan: Plan) -> AnyEvent:
        """Carry out one effect and return the fact that answers it; EffectFailed when it could not be done."""
        try:
            return await self._act(effect_id, effect, plan)
        except PortError as error:
            return EffectFailed(at=STAMPED_LATER, effect=effect_id, reason=str(error))

    async def _act(self, id_: EffectId, effect: Effect, plan: Plan) -> AnyEvent:
        at, patience, target = STAMPED_LATER, self._world.patience, self._world.target
        match effect:
            case AskGates():
                return GatesAnswered(at=at, effect=id_, findings=await self._ask(effect, plan))
            case PrepareVersion(version, count):
                await self._try(lambda: target.prepare(id_, version, count), patience.prepare_s, f"prepare {version}")
                return VersionPrepared(at=at, effect=id_, version=version, instances=count)
            case SetRouting(routing):
                name = f"route {routing.unit}"
                await self._try(lambda: self._world.traffic.apply(id_, routing), patience.routing_s, name)
                return RoutingSet(at=at, effect=id_, routing=routing)
            case RunSmoke(version, names):
                return SmokeTested(at=at, effect=id_, version=version, findings=await self._check(version, names))
            case VerifyVersion(version):
                return VersionVerified(at=at, effect=id_, version=version, findings=await self._verify(version))
            case StopVersion(version, drain_s):
                return await self._stop(id_, version, drain_s)
            case WakeAt(_, due_at):
                await self._clock.sleep_until(due_at)
                return TimeCame(at=at, effect=id_)
            case _:
                message = f"{type(effect).__name__} is not for the performer"
                raise TypeError(message)

    async def _try(self, call: Callable[[], Awaitable[T]], limit_s: float, name: str) -> T:
        """Call within bounds; Temporary is tried again, with back-off, a bounded number of times."""
        patience = self._world.patience
        for attempt in range(1, patience.attempts + 1):
            try:
                async with asyncio.timeout(limit_s):
                    return await call()
            except TimeoutError:
                error = Temporary(f"{name}: not done within {limit_s:g} s")
            except Temporary as temporary:
                error = temporary
            if attempt < patience.attempts:
                await asyncio.sleep(_backoff_s(patience, attempt))
        raise Permanent(f"{error} (tried {patience.attempts} times)")

    async def _ask(self, effect: AskGates, plan: Plan) -> tuple[Finding, ...]:
        names = dict.fromkeys((*self._world.always_asked, *effect.gates))
        answers = await asyncio.gather(*(self._ask_one(name, plan) for name in names))
        return tuple(finding for findings in answers for finding in findings)

    async def _ask_one(self, name: str, plan: Plan) -> tuple[Finding, ...]:
        gate = self._world.gates.get(name)
        if gate is None:
            known = ", ".join(sorted(self._world.gates)) or "none"
            return (Finding(name, "fail", f"there is no gate of this name (known: {known})"),)
        try:
            async with asyncio.timeout(self._world.patience.gate_s):
                return await gate.ask(plan)
        except TimeoutError:
            return (Finding(name, "unknown", f"no answer within {self._world.patience.gate_s:g} s"),)
        except PortError as error:
            return (Finding(name, "unknown", str(error)),)

    async def _check(self, version: Version, smoke: tuple[str, ...] | None) -> tuple[Finding, ...]:
        name = "readiness" if smoke is None else "smoke test"
        try:
            async with asyncio.timeout(self._world.patience.check_s):
                return await self._world.target.check(version, smoke)
        except TimeoutError:
            return (Finding(name, "unknown", f"no answer within {self._world.patience.check_s:g} s"),)
        except PortError as error:
            return (Finding(name, "unknown", str(error)),)

    async def _verify(self, version: Version) -> tuple[Finding, ...]:
        """Is production really back on `version`, and does it work? A passing moment of weakness is asked again."""
        findings: tuple[Finding, ...] = ()
        for attempt in range(1, self._world.patience.attempts + 1):
            found = await asyncio.gather(self._seen(version), self._check(version, None), self._check(version, ()))
            findings = tuple(finding for part in found for finding in part)
            if worst(findings) in ("pass", "warn"):
                return findings
            await asyncio.sleep(_backoff_s(self._world.patience, attempt))
        return findings

    async def _seen(self, version: Version) -> tuple[Finding, ...]:
        """What the proxy itself says."""
        try:
            routing = await self._world.traffic.observed(version.unit)
        except PortError as error:
            return (Finding("proxy", "unknown", str(error)),)
        if routing is not None and routing.stable == version and not routing.exposed:
            return (Finding("proxy", "pass", f"all traffic of {version.unit} reaches {version}"),)
        return (Finding("proxy", "fail", f"the proxy does not send all traffic of {version.unit} to {version}"),)

    async def _stop(self, id_: EffectId, version: Version, drain_s: float) -> AnyEvent:
        kept = self._keep(id_.release, version)
        if not kept:
            await self._drained(version, drain_s)
            limit_s = self._world.patience.stop_s
            await self._try(lambda: self._world.target.stop(id_, version, 0.0), limit_s, f"stop {version}")
        return VersionStopped(at=STAMPED_LATER, effect=id_, version=version, kept=kept)

    async def _drained(self, version: Version, drain_s: float) -> None:
        """Wait until the proxy has no request under way to `version`, at most `drain_s`."""
        deadline = self._clock.now() + drain_s
        while self._clock.now() < deadline:
            try:
                if await self._world.traffic.idle(version.unit):
                    return
            except PortError:
                pass
            await asyncio.sleep(min(0.1, drain_s))


def _backoff_s(patience: Patience, attempt: int) -> float:
    return min(patience.last_retry_s, patience.first_retry_s * 2.0 ** (attempt - 1))
