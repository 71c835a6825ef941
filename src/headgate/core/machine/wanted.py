"""Effects wanted now, as a pure function of the state: the machine issues those that are not yet pending.

Nothing here decides where a release goes; it only says what the place it has come to calls for. That makes recovery
trivial (perform what is pending) and lets an effect that is no longer wanted be dropped in one place.
"""

from collections.abc import Iterator
from typing import assert_never

from headgate.core.machine.effects import AskGates, Effect, Observe, SetRouting, StopVersion, WakeAt
from headgate.core.machine.plan import Plan
from headgate.core.machine.state import LegState, State
from headgate.core.machine.steps import Bake, Expose, kind_of
from headgate.core.machine.steps.expose import aside, exposed
from headgate.core.machine.undoing import at_once, due
from headgate.core.model import ServiceChange


def wanted(state: State, plan: Plan) -> tuple[Effect, ...]:
    """The effects that belong to `state`, in the order in which they are issued."""
    match state.stage:
        case "checking":
            return (AskGates(plan.gates),)
        case "forward":
            return _relief(state, plan) + _work(state, plan) + _watch(state, plan)
        case "reverting":
            blocked = state.hold.blocks if state.hold else ()
            return tuple(effect for effect in _undo(state, plan) if effect not in blocked)
        case "warm":
            return tuple(effect for i in range(len(plan.legs)) for effect in _retire(state, plan, i))
        case "new" | "queued" | "closed":
            return ()
    assert_never(state.stage)


def _work(state: State, plan: Plan) -> tuple[Effect, ...]:
    """The present step's own effects; none while it is held, for then nothing moves until a person decides."""
    if state.done or state.hold:
        return ()
    leg = plan.legs[state.leg]
    step = leg.steps[state.step]
    return kind_of(step).work(step, leg.change, state)


def _undo(state: State, plan: Plan) -> Iterator[Effect]:
    """What undoes the leg under the cursor, and what the users of the legs before it need."""
    yield from due(plan.legs[state.leg], state.here())
    for index in reversed(range(state.leg if plan.users_first else 0)):
        yield from at_once(plan.legs[index], state.legs[index])


def _relief(state: State, plan: Plan) -> tuple[Effect, ...]:
    """The canary's traffic taken away, also when that is held, or given back."""
    leg, here = plan.legs[state.leg], state.here()
    step = leg.steps[here.exposure] if here.relief else None
    if here.relief == "leaving":
        return (SetRouting(aside(leg.change)),)
    if here.relief == "returning" and not state.hold and isinstance(step, Expose):
        return (SetRouting(exposed(leg.change, step)),)
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


def _retire(state: State, plan: Plan, index: int) -> tuple[Effect, ...]:
    """The fresh baseline stops at once; the baseline stays warm for the rollback window, then stops."""
    change, at = plan.legs[index].change, state.legs[index]
    gone = _dismiss(change, at)
    if change.baseline is None or change.adjusts or at.retired:
        return gone
    if at.cooled:
        return (*gone, StopVersion(change.baseline, change.drain_s))
    return (*gone, WakeAt(index, (state.ended_at or 0.0) + change.warm_s + state.unwatched_s))


def _dismiss(change: ServiceChange, at: LegState) -> tuple[Effect, ...]:
    """The fresh baseline has nothing to be compared with any more."""
    return (StopVersion(change.fresh, change.drain_s),) if change.fresh and not at.fresh_stopped else ()
