"""Whole releases through the pure machine: every effect is answered at once, as if all went well."""

import time
from collections.abc import Callable

from headgate.core.machine.asking import initial
from headgate.core.machine.effects import (
    AskGates,
    Effect,
    Observe,
    PrepareVersion,
    RunSmoke,
    SetRouting,
    StopVersion,
    VerifyVersion,
)
from headgate.core.machine.events import (
    AnyEvent,
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
from headgate.core.machine.plan import Plan
from headgate.core.machine.state import State
from headgate.core.machine.step import step
from headgate.core.model import Intent, Listener, Rollout, Stage, Unit, Verdict, Version
from headgate.core.model.criteria import JudgeSpec
from headgate.core.release.planning import Policies, plan

UNIT = Unit("shop", "production", "web")
OLD, NEW = (Version(UNIT, digit * 64, digit * 64) for digit in "ab")
PASS, FAIL = Verdict("pass", "as it should be"), Verdict("fail", "it is worse")


def intent(bake_s: float) -> Intent:
    """A canary in four steps."""
    stages = tuple(Stage(weight=weight, bake_s=bake_s) for weight in (5, 25, 50, 100))
    return Intent(UNIT, NEW, Listener(8000), Rollout(stages=stages), JudgeSpec())


def request(bake_s: float) -> ReleaseRequested:
    """The request of a release with such bakes."""
    intents = (intent(bake_s),)
    drawn = plan(intents, {UNIT: OLD}, Policies(gates=("ready",)))
    return ReleaseRequested(at=0.0, release="r1", intents=intents, plan=drawn, author="ada")


def answer(effect_id: EffectId, effect: Effect, at: float, verdict: Verdict) -> AnyEvent:
    """The fact that answers an effect when all goes well."""
    match effect:
        case Observe(_, _, due_at):
            return Judged(at=max(at, due_at), effect=effect_id, verdict=verdict, sample="")
        case SetRouting(routing):
            return RoutingSet(at=at, effect=effect_id, routing=routing)
        case PrepareVersion(version, instances):
            return VersionPrepared(at=at, effect=effect_id, version=version, instances=instances)
        case StopVersion(version):
            return VersionStopped(at=at, effect=effect_id, version=version)
        case VerifyVersion(version):
            return VersionVerified(at=at, effect=effect_id, version=version, findings=())
        case RunSmoke(version):
            return SmokeTested(at=at, effect=effect_id, version=version, findings=())
        case AskGates():
            return GatesAnswered(at=at, effect=effect_id, findings=())
        case _:
            return TimeCame(at=at, effect=effect_id)


def play(asked: ReleaseRequested, verdict: Verdict) -> list[AnyEvent]:
    """One release from its request to its end: its events."""
    drawn = asked.plan
    state, _ = step(initial("r1", drawn), asked, drawn)
    events: list[AnyEvent] = [asked]
    while state.stage != "closed":
        pending = state.pending[0]
        events.append(answer(pending.id, pending.effect, state.at, verdict))
        state, _ = step(state, events[-1], drawn)
    return events


def fold(events: list[AnyEvent], plan: Plan) -> State:
    """What recovery does: the machine alone."""
    state = initial("r1", plan)
    for event in events:
        state, _ = step(state, event, plan)
    return state


def steps_per_s(bake_s: float, verdict: Verdict, least_s: float) -> tuple[int, float, float]:
    """The steps of one release of this kind; steps a second, and the same with the making of every event."""
    asked = request(bake_s)
    events = play(asked, verdict)
    assert fold(events, asked.plan).stage == "closed"
    alone = _rate(lambda: fold(events, asked.plan), least_s)
    whole = _rate(lambda: play(asked, verdict), least_s)
    return len(events), alone * len(events), whole * len(events)


def _rate(work: Callable[[], object], least_s: float) -> float:
    """How often a second of processor time something can be done."""
    times, began = 0, time.process_time()
    while (took_s := time.process_time() - began) < least_s:
        work()
        times += 1
    return times / took_s
