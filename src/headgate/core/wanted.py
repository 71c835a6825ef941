"""What should be under way now, as a pure function of the state: the machine issues what is wanted and not yet pending.

Nothing here decides where a release goes; it only says what the place it has come to calls for. That makes recovery
trivial (perform what is pending) and lets an effect that is no longer wanted be dropped in one place.
"""

from msgspec.structs import replace

from headgate.core.effects import (
    AskGates,
    Effect,
    Observe,
    PrepareVersion,
    RunSmoke,
    SetRouting,
    StopVersion,
    VerifyVersion,
    WakeAt,
)
from headgate.core.model import (
    Bake,
    Expose,
    Learn,
    Leg,
    Pause,
    Plan,
    Prepare,
    Promote,
    Routing,
    Shrink,
    Smoke,
    Step,
    Version,
)
from headgate.core.model.routing import beside
from headgate.core.state import LegState, State


def wanted(state: State, plan: Plan) -> tuple[Effect, ...]:
    """The effects that belong to `state`, in the order in which they are issued."""
    match state.stage:
        case "checking":
            return (AskGates(plan.gates),)
        case "forward":
            return _relief(state, plan) + _work(state, plan) + _watch(state, plan)
        case "reverting":
            blocked = state.hold.blocks if state.hold else ()
            undo = _undo(plan.legs[state.leg], state.here())
            return tuple(effect for effect in undo if type(effect).__name__ not in blocked)
        case "warm":
            return tuple(effect for i in range(len(plan.legs)) for effect in _retire(state, plan, i))
        case _:
            return ()


def exposed(leg: Leg, step: Expose) -> Routing:
    """The routing that an Expose step asks for: users stay where they are, the preview is the candidate's."""
    before = leg.baseline_listener or leg.listener
    return Routing(
        leg.unit,
        replace(leg.listener, host=before.host, port=before.port),
        stable=leg.baseline,
        canary=leg.candidate,
        weight=step.weight,
        matches=step.matches,
        mirror=step.mirror,
        sticky=leg.sticky,
        fresh=compared(leg, step),
        one_way=any(step in leg.steps[one.step :] for one in leg.one_way),
    )


def compared(leg: Leg, step: Expose) -> Version | None:
    """The fresh baseline, under a step that has a share of the traffic for it."""
    return leg.fresh if beside(step.weight) else None


def aside(leg: Leg) -> Routing:
    """Everything to the baseline, and the candidate within reach of its preview alone, for a while."""
    return exposed(leg, Expose())


def promoted(leg: Leg) -> Routing:
    """Everything to the candidate, as the new stable."""
    return Routing(leg.unit, leg.listener, stable=leg.candidate)


def undone(leg: Leg) -> Routing:
    """Everything to the baseline, where it was reached before."""
    return Routing(leg.unit, leg.baseline_listener or leg.listener, stable=leg.baseline)


def entered(leg: Leg, state: LegState, kind: type[Step]) -> bool:
    """True when a step of this kind has begun: its effect may have touched the world."""
    return any(isinstance(step, kind) for step in leg.steps[: state.reached + 1])


def _work(state: State, plan: Plan) -> tuple[Effect, ...]:
    """The present step's own effect; none while it is held, for then nothing moves until a person decides."""
    leg, here = plan.legs[state.leg], state.here()
    step = leg.steps[state.step]
    if state.done or state.hold or isinstance(step, (Bake, Learn, Pause)):
        return ()
    match step:
        case Prepare(instances):
            return _prepare(leg, here, instances)
        case Shrink(instances) if leg.baseline:
            return (PrepareVersion(leg.baseline, instances),)
        case Expose():
            return _more(state, SetRouting(exposed(leg, step)))
        case Smoke(names):
            return (RunSmoke(leg.candidate, names),)
        case Promote() if here.instances < leg.instances:
            return (PrepareVersion(leg.candidate, leg.instances),)
        case Promote():
            return (SetRouting(promoted(leg)),)
        case _:
            return ()


def _prepare(leg: Leg, here: LegState, instances: int) -> tuple[Effect, ...]:
    """The candidate and, at the same time, as many of the fresh baseline: whichever is not ready yet."""
    if leg.fresh is None:
        return (PrepareVersion(leg.candidate, instances),)
    both = ((leg.candidate, here.instances), (leg.fresh, here.fresh))
    return tuple(PrepareVersion(version, instances) for version, ready in both if ready != instances)


def _more(state: State, change: SetRouting) -> tuple[Effect, ...]:
    """No weight rises while stable is in trouble; an order that is with the proxy already is not taken back."""
    here = state.here()
    ordered = not here.relief and any(pending.effect == change for pending in state.pending)
    rises = change.routing.exposed and not ordered
    return () if here.frozen and rises else (change,)


def _relief(state: State, plan: Plan) -> tuple[Effect, ...]:
    """The canary's traffic taken away, also when that is held, or given back."""
    leg, here = plan.legs[state.leg], state.here()
    step = leg.steps[here.exposure] if here.relief else None
    if here.relief == "leaving":
        return (SetRouting(aside(leg)),)
    if here.relief == "returning" and not state.hold and isinstance(step, Expose):
        return (SetRouting(exposed(leg, step)),)
    return ()


def _watch(state: State, plan: Plan) -> tuple[Effect, ...]:
    """From the first exposure on, the canary is never out of sight: also while paused, held or smoke-tested."""
    watch = state.watch
    if watch is None:
        return ()
    deadline_at = _deadline_at(state, plan)
    if deadline_at is None or watch.due_at < deadline_at:
        return (Observe(state.leg, watch.exposure, watch.due_at),)
    return (Observe(state.leg, watch.exposure, deadline_at, deadline=True),)


def _deadline_at(state: State, plan: Plan) -> float | None:
    """When the exact test of the exposure in force is due; None: none is, or it has been made."""
    leg, here = plan.legs[state.leg], state.here()
    step = leg.steps[state.step]
    if not isinstance(step, Bake) or state.done or state.hold or here.relief:
        return None
    made = here.tested == here.exposure or state.watch is None or state.watch.exposure != here.exposure
    if made or leg.judge.deadline_share <= 0:
        return None
    return state.entered_at + step.deadline_s + state.frozen_s


def _undo(leg: Leg, state: LegState) -> tuple[Effect, ...]:
    """Traffic first, at once; then size, proof, and the end of the bad version."""
    effects: list[Effect] = []
    if not state.back:
        effects.append(SetRouting(undone(leg)))
    if leg.baseline and not state.full:
        effects.append(PrepareVersion(leg.baseline, leg.size_before))
    if state.back and state.full and leg.baseline and not state.verified:
        effects.append(VerifyVersion(leg.baseline))
    if state.back and not state.stopped:
        effects.append(StopVersion(leg.candidate, leg.drain_s))
    return (*effects, *_dismiss(leg, state)) if state.back else tuple(effects)


def _dismiss(leg: Leg, state: LegState) -> tuple[Effect, ...]:
    """The fresh baseline has nothing to be compared with any more."""
    return (StopVersion(leg.fresh, leg.drain_s),) if leg.fresh and not state.fresh_stopped else ()


def _retire(state: State, plan: Plan, index: int) -> tuple[Effect, ...]:
    """The fresh baseline stops at once; the baseline stays warm for the rollback window, then stops."""
    leg, at = plan.legs[index], state.legs[index]
    gone = _dismiss(leg, at)
    if leg.baseline is None or leg.adjusts or at.retired:
        return gone
    if at.cooled:
        return (*gone, StopVersion(leg.baseline, leg.drain_s))
    return (*gone, WakeAt(index, (state.ended_at or 0.0) + leg.warm_s + state.unwatched_s))
