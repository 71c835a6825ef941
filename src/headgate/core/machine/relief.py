"""The canary's traffic taken away for a while, where stable got worse right after it had more of it.

Then its traffic is taken away, once under each exposure, and stable is watched without it. Where stable recovers, the
canary gets its traffic back and the step begins again; where it does not, or gets worse again, a person decides.
"""

from msgspec.structs import replace

from headgate.core.machine.events import (
    Judged,
    RoutingSet,
)
from headgate.core.machine.one_way import objection_to_revert
from headgate.core.machine.plan import Leg, Plan
from headgate.core.machine.state import UNEXPOSED, Hold, State, Watch
from headgate.core.machine.steps import Bake, Expose, Promote, Shrink

RECOVERY_S = 60.0
"""How long stable may take to recover once the canary's traffic is away."""


def suspected(state: State, event: Judged, plan: Plan) -> bool:
    """True when the canary's traffic should be taken away, and may be: stable is there, whole, and can run.

    A stable that was shrunk could not carry everything; and what a person forced, or ordered without a judge, stands.
    """
    leg, here = plan.legs[state.leg], state.here()
    if (
        not event.verdict.shared
        or here.overridden
        or here.exposure == UNEXPOSED
        or leg.change.baseline is None
    ):
        return False
    step, exposed = leg.steps[state.step], leg.steps[here.exposure]
    judged = any(isinstance(one, Promote) and one.judged for one in leg.steps)
    users = isinstance(exposed, Expose) and bool(exposed.answers_users or exposed.mirror)
    whole = not any(isinstance(one, Shrink) for one in leg.steps[: here.reached + 1])
    free = objection_to_revert(state, plan.legs) is None
    return judged and users and whole and free and not isinstance(step, Promote)


def relieve(state: State, event: Judged) -> State:
    """Take the canary's traffic away; the second time under one exposure, for a person to look at."""
    here = state.here()
    again = here.relieved
    here = replace(here, relief="leaving", relieved=True, passed=False, accepted=False)
    state = replace(state.with_leg(here), entered_at=event.at, frozen_s=0.0)
    if not again:
        return state
    reason = f"it had recovered without the canary's traffic, and with it {event.verdict.reason}"
    return replace(state, hold=state.hold or Hold("external", reason))


def moved(state: State, event: RoutingSet) -> State:
    """The proxy confirmed that the canary's traffic is away, or back: the clock of the step begins again."""
    here, watch = state.here(), state.watch
    here = replace(here, routing=event.routing, relief="away" if here.relief == "leaving" else "")
    closing = watch and replace(watch, due_at=event.at)
    return replace(state.with_leg(here), entered_at=event.at, frozen_s=0.0, watch=closing)


def looked(state: State, event: Judged, closed: Watch) -> State:
    """One more look at stable without the canary: back when it has recovered, a person's when it does not in time.

    Unknown is not recovered. What is held waits for the person in any case.
    """
    here, verdict = state.here(), event.verdict
    if here.relief != "away" or closed.exposure != UNEXPOSED or state.hold:
        return state
    if verdict.kind == "watch":
        return state.with_leg(replace(here, relief="returning"))
    if event.at - state.entered_at - state.frozen_s < RECOVERY_S:
        return state
    reason = f"not recovered {RECOVERY_S:g} s after the canary's traffic was taken away: {verdict.reason}"
    return replace(state, hold=Hold("external", reason))


def given_back(state: State) -> State:
    """A person lets the canary have its traffic again."""
    here = state.here()
    return state.with_leg(replace(here, relief="returning")) if here.relief else state


def patience_s(leg: Leg, step: int) -> float:
    """How long the step may wait for stable, in seconds: as long as the bake that it leads to."""
    return next((s.deadline_s for s in leg.steps[step:] if isinstance(s, Bake)), RECOVERY_S)
