"""A release before its first step: requested, queued, checked. Nothing has changed in the world yet."""

from msgspec.structs import replace

from headgate.core.machine.events import (
    EffectFailed,
    GatesAnswered,
    ReleaseAborted,
    ReleaseDequeued,
    ReleaseRequested,
)
from headgate.core.machine.forward import enter
from headgate.core.machine.plan import Plan
from headgate.core.machine.state import LegState, Progress, State
from headgate.core.model import in_words, worst
from headgate.core.model.summary import Outcome


def untouched(plan: Plan) -> tuple[LegState, ...]:
    """The legs of a plan before anything was begun."""
    ahead: Progress = "ahead"
    return tuple(LegState(progress=(ahead,) * len(leg.steps)) for leg in plan.legs)


def initial(release: str, plan: Plan) -> State:
    """The state of `release` before its first event."""
    return State(release=release, legs=untouched(plan))


def requested(state: State, event: ReleaseRequested, plan: Plan) -> State:
    """A request with a failing objection is refused, one behind another waits, any other asks the gates."""
    state = replace(state, release=event.release)
    if worst(event.objections) == "fail":
        return _close(state, event.at, "refused", in_words(event.objections))
    return replace(state, stage="queued" if event.behind else "checking")


def dequeued(state: State, event: ReleaseDequeued, plan: Plan) -> State:
    """The way is free; the plan is made anew from what runs now. What has become wrong meanwhile is refused."""
    state = replace(state, legs=untouched(event.plan))
    if worst(event.objections) == "fail":
        return _close(state, event.at, "refused", in_words(event.objections))
    return replace(state, stage="checking")


def gates_answered(state: State, event: GatesAnswered, plan: Plan) -> State:
    """Unknown is not good news: like a failure, it refuses."""
    if worst(event.findings) in ("fail", "unknown"):
        return _close(state, event.at, "refused", in_words(event.findings))
    return enter(replace(state, stage="forward"), event.at, plan, leg=0, step=0)


def gates_failed(state: State, event: EffectFailed, plan: Plan) -> State:
    """The gates could not be asked."""
    return _close(state, event.at, "refused", event.reason)


def withdrawn(state: State, event: ReleaseAborted, plan: Plan) -> State:
    """A person changed their mind before anything changed."""
    return _close(state, event.at, "aborted", event.reason or f"withdrawn by {event.by}")


def _close(state: State, at: float, outcome: Outcome, reason: str) -> State:
    return replace(state, stage="closed", outcome=outcome, reason=reason, ended_at=at)
