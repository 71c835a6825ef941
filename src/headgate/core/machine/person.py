"""Actions of a person on a release under way: pause, resume, approve, promote, abort, lift."""

from msgspec.structs import replace

from headgate.core.machine.back import revert, with_what_runs_on
from headgate.core.machine.events import (
    PromotionForced,
    ReleaseAborted,
    ReleasePaused,
    ReleaseResumed,
    StepApproved,
    WayBackOpened,
)
from headgate.core.machine.forward import complete, enter
from headgate.core.machine.names import Illegal
from headgate.core.machine.one_way import opened
from headgate.core.machine.plan import Plan
from headgate.core.machine.relief import given_back
from headgate.core.machine.state import State
from headgate.core.machine.steps import Promote, kind_of


def paused(state: State, event: ReleasePaused, plan: Plan) -> State:
    """Move no further; the step under way may finish, and the watch goes on."""
    if state.paused:
        raise Illegal("the release is paused already; `resume` lets it go on")
    return replace(state, paused=True)


def resumed(state: State, event: ReleaseResumed, plan: Plan) -> State:
    """Lift what stops the release; a step that was held begins its clock again."""
    if not (state.paused or state.hold):
        raise Illegal("the release is neither paused nor held; there is nothing to resume")
    held = state.hold
    state = given_back(replace(state, paused=False, hold=None)) if held else replace(state, paused=False)
    if state.done:
        return complete(replace(state, done=False), event.at, plan)
    return enter(state, event.at, plan, leg=state.leg, step=state.step) if held else state


def approved(state: State, event: StepApproved, plan: Plan) -> State:
    """Yes to the step that waits for a person."""
    step = plan.legs[state.leg].steps[state.step]
    if not kind_of(step).asks(step) or state.done:
        raise Illegal("no step waits for an approval")
    return complete(state, event.at, plan)


def forced(state: State, event: PromotionForced, plan: Plan) -> State:
    """Skip to the promotion, against or without the judge; the reason goes into the ledger."""
    leg, here = plan.legs[state.leg], state.here()
    if not event.reason.strip():
        raise Illegal("an override is recorded with its reason; give one")
    if here.exposure < 0:
        raise Illegal("the new version has had no traffic yet; it cannot be promoted")
    target = next(index for index, step in enumerate(leg.steps) if isinstance(step, Promote))
    if state.step == target and not state.hold:
        raise Illegal("the release is being promoted already")
    state = replace(state, paused=False, hold=None).with_leg(replace(here, overridden=True, relief=""))
    return enter(state, event.at, plan, leg=state.leg, step=target)


def aborted(state: State, event: ReleaseAborted, plan: Plan) -> State:
    """Undo the release because a person says so."""
    reason = event.reason or f"aborted by {event.by}"
    return revert(with_what_runs_on(state), event.at, plan, "aborted", reason)


def way_back_opened(state: State, event: WayBackOpened, plan: Plan) -> State:
    """The release can be undone again, because a person says so; what holds it stays, and theirs is the next word."""
    if not event.reason.strip():
        raise Illegal("a barrier is lifted with a reason, which goes on record; give one")
    if not any(at.one_way for at in state.legs):
        raise Illegal("no step has begun that cannot be undone; there is nothing to lift")
    return opened(state)
