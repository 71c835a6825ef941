"""A small world to run controllers in: ports that do what they are told, in virtual time."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, TypeVar

from headgate.controller.lease import MemoryLease
from headgate.controller.supervisor import Means, Supervisor
from headgate.controller.world import Patience, World
from headgate.core.machine.events import AnyEvent, EffectId
from headgate.core.machine.plan import ConcurrencyPolicy, Plan
from headgate.core.model import (
    HOST,
    Arm,
    Command,
    Counts,
    Finding,
    Intent,
    Listener,
    Rollout,
    Routing,
    Stage,
    Unit,
    Version,
)
from headgate.core.model.criteria import ErrorRatio, JudgeSpec
from headgate.core.release.admission import Words
from headgate.core.release.planning import Policies
from headgate.core.release.submission import Submission
from headgate.lab.simulation.loop import VirtualLoop, bury
from headgate.ledger import Ledger, MemoryLedger
from headgate.ledger.spool import MemorySpool, Spool
from headgate.ports import Instance, Ran
from headgate.ports.platform import Made, Platforms

PLATFORM = HOST
"""Where the house stands: `conftest` has every story told on another platform, too."""

WEB = Unit("shop", "production", "web")
ONE, TWO, THREE = (Version(WEB, digit * 64, digit * 64) for digit in "123")
PATIENCE = Patience(
    prepare_s=10.0,
    routing_s=2.0,
    check_s=3.0,
    stop_s=5.0,
    signal_s=0.5,
    gate_s=2.0,
    abandon_s=1.0,
    attempts=3,
)
RATE = 100
JUDGE = JudgeSpec((ErrorRatio(max=0.2),), requests_min=20)
T = TypeVar("T")
Behaviour = Exception | str | None
"""What befalls a call: an exception is raised, "hang" never returns, a number of seconds as text takes as long."""


async def befall(behaviours: list[Behaviour]) -> None:
    behaviour = behaviours.pop(0) if behaviours else None
    if isinstance(behaviour, Exception):
        raise behaviour
    if behaviour == "hang":
        await asyncio.get_running_loop().create_future()
    elif behaviour is not None:
        await asyncio.sleep(float(behaviour))


@dataclass
class House:
    """All ports in one. `does` holds what befalls the next calls of each kind, `calls` what was called, in order."""

    does: dict[str, list[Behaviour]] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    running: dict[Version, int] = field(default_factory=dict)
    routing: Routing | None = None
    failing: dict[Version, float] = field(default_factory=dict)
    findings: dict[Version, tuple[Finding, ...]] = field(default_factory=dict)
    gates: tuple[Finding, ...] = (Finding("gate", "pass", "ready"),)
    busy: bool = False
    counters: dict[Version, Counts] = field(default_factory=dict)
    flowed_at: float = 0.0
    ran: dict[str, Ran] = field(default_factory=dict)
    applied_effects: list[EffectId] = field(default_factory=list)

    async def _call(self, name: str, detail: object = "") -> None:
        self.calls.append(f"{name} {detail}".strip())
        await befall(self.does.setdefault(name, []))

    # Target

    async def prepare(self, effect: EffectId, version: Version, instances: int) -> None:
        await self._call("prepare", f"{version.artifact[0]}x{instances}")
        self.running[version] = instances

    async def stop(self, effect: EffectId, version: Version, drain_s: float) -> None:
        await self._call("stop", version.artifact[0])
        self.running.pop(version, None)

    async def execute(
        self, effect: EffectId, version: Version, command: Command, *, undo: bool = False
    ) -> Ran:
        await self._call("undo" if undo else "execute", command.name)
        return self.ran.get(command.name, Ran("applied"))

    async def inspect(self, version: Version) -> tuple[Instance, ...]:
        await befall(self.does.setdefault("inspect", []))
        return tuple(Instance(f"{n}", "127.0.0.1:1", ready=True) for n in range(self.running.get(version, 0)))

    async def check(self, version: Version, smoke: tuple[str, ...] | None = None) -> tuple[Finding, ...]:
        await self._call("check", version.artifact[0])
        return self.findings.get(version, (Finding("smoke", "pass", "as it should be"),))

    # Traffic

    async def apply(self, effect: EffectId, routing: Routing) -> None:
        stable = routing.stable.artifact[0] if routing.stable else "-"
        await self._call("apply", f"{stable}/{routing.weight}")
        self.flow()
        self.routing = routing
        self.applied_effects[:] = [one for one in self.applied_effects if one.release != effect.release]
        self.applied_effects.append(effect)

    async def observed(self, unit: Unit) -> Routing | None:
        await befall(self.does.setdefault("observed", []))
        return self.routing

    async def remembered(self) -> tuple[EffectId, ...]:
        await befall(self.does.setdefault("remembered", []))
        return tuple(self.applied_effects)

    async def withdraw(self, unit: Unit) -> None:
        await self._call("withdraw", unit.service)
        self.routing = None

    async def idle(self, unit: Unit) -> bool:
        await befall(self.does.setdefault("idle", []))
        return not self.busy

    # Signals

    async def read(self, version: Version) -> Arm:
        await befall(self.does.setdefault("read", []))
        self.flow()
        counts = self.counters.get(version, Counts(0, 0))
        return Arm(counts.requests, counts.errors)

    def flow(self) -> None:
        """Requests arrive, evenly."""
        now = asyncio.get_running_loop().time()
        arrived, self.flowed_at = RATE * (now - self.flowed_at), now
        if self.routing is None:
            return
        weight = self.routing.weight / 100 if self.routing.canary else 0.0
        for version, share in ((self.routing.stable, 1 - weight), (self.routing.canary, weight)):
            if version is not None:
                known = self.counters.get(version, Counts(0, 0))
                fresh = round(arrived * share)
                failed = round(fresh * self.failing.get(version, 0.0))
                self.counters[version] = Counts(known.requests + fresh, known.errors + failed)

    # Gate

    async def ask(self, plan: Plan) -> tuple[Finding, ...]:
        await self._call("ask")
        return self.gates

    def world(self, patience: Patience = PATIENCE) -> World:
        here = {PLATFORM: Made(self, self, (self,))}
        others = {} if PLATFORM == HOST else {HOST: Made(NOBODY, NOBODY, ())}
        return World(Platforms.of(here | others), {"ready": self}, (), patience)


class Nobody:
    """The host, while nothing runs on it: it remembers nothing, and is asked nothing else."""

    async def remembered(self) -> tuple[EffectId, ...]:
        return ()


NOBODY: Any = Nobody()


def play(story: Callable[[], Coroutine[Any, Any, T]], seed: int = 0) -> T:
    """Run a story in virtual time."""
    loop = VirtualLoop(seed, shuffle=0.3 if seed else 0.0)
    try:
        return loop.run_until_complete(story())
    finally:
        loop.run_until_complete(bury())
        loop.close()
        assert loop.problems == []


async def wait_for(fact: Callable[[], bool], within_s: float = 300.0) -> None:
    """Look again and again, in virtual time."""
    async with asyncio.timeout(within_s):
        while not fact():  # noqa: ASYNC110 - what is waited for knows nothing of us
            await asyncio.sleep(0.01)


def port_of(unit: Unit) -> int:
    """A port of its own for each unit; 8000 for WEB."""
    return 8000 + sum(unit.service.encode()) - sum(WEB.service.encode())


def intent(version: Version, rollout: Rollout | None = None) -> Intent:
    rollout = rollout or Rollout(stages=(Stage(weight=20, bake_s=2.0),), warm_s=5.0, drain_s=0.5)
    place = Listener(port_of(version.unit))
    return Intent(version.unit, version, place, rollout, JUDGE, platform=PLATFORM)


def wish(
    version: Version,
    rollout: Rollout | None = None,
    concurrency: ConcurrencyPolicy = "refuse",
    *,
    retry: str = "",
    rollback_to: str | None = None,
) -> Submission:
    policies = Policies(gates=("ready",), concurrency=concurrency)
    wanted = (intent(version, rollout),)
    return Submission(wanted, policies, "ada", words=Words(retry), rollback_to=rollback_to)


class Home:
    """A ledger, a lease and a house; controllers come and go."""

    def __init__(self, house: House | None = None, ledger: Ledger | None = None) -> None:
        self.house = house or House()
        self.ledger = ledger or MemoryLedger()
        self.slot: list[object] = []
        self.spool: Spool = MemorySpool()
        self.wall = 1000.0

    def controller(self) -> Supervisor:
        lease = MemoryLease(self.slot)
        return Supervisor(self.ledger, self.house.world(), lease, lambda: self.wall, Means(spool=self.spool))

    async def start(self) -> Supervisor:
        supervisor = self.controller()
        await supervisor.start()
        return supervisor

    def events(self, release: str, kind: type[AnyEvent] | None = None) -> list[AnyEvent]:
        found = [entry.event for entry in self.ledger.read(release)]
        return [event for event in found if kind is None or isinstance(event, kind)]

    def phase(self, release: str) -> str:
        summary = self.ledger.summary(release)
        return summary.phase if summary else "unknown"

    async def until(self, release: str, *phases: str, within_s: float = 300.0) -> None:
        """Wait until the ledger says so."""
        await wait_for(lambda: self.phase(release) in phases, within_s)

    async def until_closed(self, *releases: str, within_s: float = 300.0) -> None:
        summary = self.ledger.summary
        await wait_for(lambda: all((s := summary(r)) and s.closed for r in releases), within_s)

    async def with_one(self) -> Supervisor:
        """A running controller and version one released."""
        supervisor = await self.start()
        await supervisor.submit(wish(ONE))
        await self.until_closed("r1")
        self.house.calls.clear()
        return supervisor
