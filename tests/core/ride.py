"""A release in hand: step it, answer what is pending, and look."""

from collections.abc import Iterable
from typing import Literal, TypeVar

from headgate.core.machine.asking import initial
from headgate.core.machine.effects import (
    AskGates,
    Effect,
    Observe,
    PrepareVersion,
    RunCommand,
    RunSmoke,
    SetRouting,
    StopVersion,
    VerifyVersion,
    WakeAt,
)
from headgate.core.machine.events import (
    AnyEvent,
    CommandRan,
    EffectFailed,
    EffectId,
    GatesAnswered,
    Judged,
    ReleaseRequested,
    RoutingSet,
    SmokeTested,
    TimeCame,
    VersionPrepared,
    VersionStopped,
    VersionVerified,
)
from headgate.core.machine.plan import Leg, Plan
from headgate.core.machine.state import LegState, Pending, Progress, State
from headgate.core.machine.step import step
from headgate.core.machine.steps import Bake, Expose, Prepare, Promote, Shrink, Step
from headgate.core.machine.transitions import LEAVES
from headgate.core.model import Finding, Listener, ServiceChange, Unit, Verdict, VerdictKind, Version
from headgate.core.model.criteria import JudgeSpec

WEB, API = (Unit("shop", "production", name) for name in ("web", "api"))
E = TypeVar("E", bound=Effect)
Kind = VerdictKind | Literal["shared", "learnt"]
"""A kind of verdict; `shared` is the `hold_external` that suspects the canary of harming what both depend on, `learnt`
the `watch` that knows enough of stable."""

BAD = (Finding("order", "fail", "no order was completed"),)
UNKNOWN = (Finding("order", "unknown", "no answer"),)
GOOD = (Finding("order", "pass", "an order was completed"),)

CANARY: tuple[Step, ...] = (Prepare(2), Expose(10), Bake(2.0, 10.0), Expose(100), Bake(0.0, 10.0), Promote())
ROLLING: tuple[Step, ...] = (
    Prepare(1),
    Expose(50),
    Bake(0.0, 9.0),
    Shrink(1),
    Prepare(2),
    Expose(100),
    Bake(0.0, 9.0),
    Promote(),
)


def version(name: str, unit: Unit = WEB) -> Version:
    return Version(unit, name * 64, name * 64)


OLD, NEW = version("a"), version("b")
OLD_API, NEW_API = version("c", API), version("d", API)


def leg(
    steps: Iterable[Step] = CANARY,
    baseline: Version | None = OLD,
    candidate: Version = NEW,
    instances: int = 2,
) -> Leg:
    change = ServiceChange(candidate.unit, candidate, baseline, Listener(8000), instances, warm_s=60.0)
    return Leg(change, tuple(steps), JudgeSpec(interval_s=1.0))


def begun(reached: int, of: Leg) -> LegState:
    """A leg whose steps have begun up to this index."""
    progress: list[Progress] = ["begun" if at <= reached else "ahead" for at in range(len(of.steps))]
    return LegState(progress=tuple(progress))


def plan_of(*legs: Leg, **policies: object) -> Plan:
    return Plan(legs or (leg(),), ("ready",), **{"users_first": True, **policies})  # type: ignore[arg-type]


def verdict_of(kind: Kind) -> Verdict:
    if kind == "shared":
        return Verdict("hold_external", "stable got worse", shared=True)
    if kind == "learnt":
        return Verdict("watch", "stable alone is watched", learnt=True)
    return Verdict(kind, f"it is {kind}")


def answer(
    pending: Pending, at: float, kind: Kind = "pass", findings: tuple[Finding, ...] = GOOD
) -> AnyEvent:
    """The fact that answers an effect."""
    effect, id_ = pending.effect, pending.id
    match effect:
        case Observe(_, _, due_at, deadline):
            verdict = verdict_of(kind)
            return Judged(at=max(at, due_at), effect=id_, verdict=verdict, sample="", deadline=deadline)
        case SetRouting(routing):
            return RoutingSet(at=at, effect=id_, routing=routing)
        case PrepareVersion(which, instances):
            return VersionPrepared(at=at, effect=id_, version=which, instances=instances)
        case StopVersion(which):
            return VersionStopped(at=at, effect=id_, version=which)
        case VerifyVersion(which) | RunSmoke(which):
            kind_of_fact = VersionVerified if isinstance(effect, VerifyVersion) else SmokeTested
            return kind_of_fact(at=at, effect=id_, version=which, findings=findings)
        case AskGates():
            return GatesAnswered(at=at, effect=id_, findings=findings)
        case RunCommand(which, command, undo):
            return CommandRan(
                at=at, effect=id_, version=which, command=command.name, outcome="applied", undo=undo
            )
        case WakeAt(_, due_at):
            return TimeCame(at=max(at, due_at), effect=id_)


def request(plan: Plan, **more: object) -> ReleaseRequested:
    return ReleaseRequested(at=0.0, release="r1", intents=(), plan=plan, author="ada", **more)  # type: ignore[arg-type]


def _unit(effect: Effect) -> Unit | None:
    match effect:
        case SetRouting(routing):
            return routing.unit
        case (
            PrepareVersion(version)
            | RunSmoke(version)
            | VerifyVersion(version)
            | StopVersion(version)
            | RunCommand(version)
        ):
            return version.unit
        case _:
            return None


class Ride:
    """A state and its plan; every method that moves it returns the ride itself."""

    def __init__(self, plan: Plan | None = None, **asked: object) -> None:
        self.plan = plan or plan_of()
        self.state: State = initial("r1", self.plan)
        self.issued: list[Pending] = []
        self.told: list[AnyEvent] = []
        self.tell(request(self.plan, **asked))

    def tell(self, event: AnyEvent) -> "Ride":
        before = self.state.stage
        self.state, self.issued_now = step(self.state, event, self.plan)
        assert self.state.stage in (before, *LEAVES.get((before, type(event)), ()))
        self.issued += self.issued_now
        self.told.append(event)
        return self

    def pending(self, kind: type[E], unit: Unit | None = None) -> tuple[EffectId, E]:
        """The one pending effect of this kind; with `unit`, of those of this unit."""
        found = [(p.id, p.effect) for p in self.state.pending if isinstance(p.effect, kind)]
        found = [one for one in found if unit in (None, _unit(one[1]))]
        assert len(found) == 1, f"{kind.__name__} among {self.effects()}"
        return found[0]

    def effects(self) -> list[str]:
        return [type(p.effect).__name__ for p in self.state.pending]

    def succeed(
        self,
        kind: type[Effect],
        verdict: Kind = "pass",
        findings: tuple[Finding, ...] = GOOD,
        unit: Unit | None = None,
    ) -> "Ride":
        id_, effect = self.pending(kind, unit)
        return self.tell(answer(Pending(id_, effect), self.state.at, verdict, findings))

    def succeed_first(self, name: str) -> "Ride":
        """Answer the first pending effect with this name."""
        first = next(one for one in self.state.pending if type(one.effect).__name__ == name)
        return self.tell(answer(first, self.state.at))

    def fail(self, kind: type[Effect], reason: str = "it cannot be done", unit: Unit | None = None) -> "Ride":
        id_, _ = self.pending(kind, unit)
        return self.tell(EffectFailed(at=self.state.at, effect=id_, reason=reason))

    def judge(self, *kinds: Kind, times: int = 1) -> "Ride":
        for kind in kinds * times:
            self.succeed(Observe, kind)
        return self

    def to_exposed(self) -> "Ride":
        """Up to the first bake, where the sample under way is the first one."""
        return self.succeed(AskGates).succeed(PrepareVersion).succeed(SetRouting)

    def to_warm(self) -> "Ride":
        """All the way."""
        self.to_exposed()
        while self.state.stage == "forward":
            kind = next(
                iter({type(p.effect): None for p in self.state.pending if not isinstance(p.effect, Observe)}),
                Observe,
            )
            self.succeed(kind)
        assert self.state.stage == "warm", self.state
        return self

    def to_reverting(self) -> "Ride":
        return self.to_exposed().judge("fail")
