"""Going back: legs in reverse order; in each, traffic at once, then size, proof, and the end of the bad version."""

from msgspec.structs import replace

from headgate.core.effects import SetRouting, StopVersion
from headgate.core.events import (
    EffectDelayed,
    EffectFailed,
    ReleaseAborted,
    ReleaseResumed,
    ReleaseTakenOver,
    RoutingSet,
    VersionPrepared,
    VersionStopped,
    VersionVerified,
)
from headgate.core.legality import objection_to_revert
from headgate.core.machine.illegal import Illegal, Stale
from headgate.core.model import Expose, Plan, Prepare, Promote, Shrink, Version, in_words, worst
from headgate.core.state import Hold, State
from headgate.core.summary import Outcome
from headgate.core.wanted import entered


def revert(state: State, at: float, plan: Plan, outcome: Outcome, reason: str) -> State:
    """Turn round; where going back is illegal, freeze and say why. Raises Illegal when a person asked for it."""
    objection = objection_to_revert(state, plan.legs)
    if objection is None:
        state = replace(state, stage="reverting", outcome=outcome, reason=reason, paused=False, hold=None)
        return _turn_back(replace(state, watch=None), at, plan, state.leg)
    if outcome == "aborted":
        message = f"{objection}; `promote` or the deploy of a fix goes forward"
        raise Illegal(message)
    return replace(state, hold=Hold("illegal", f"{reason}; {objection}"))


def taken_over(state: State, event: ReleaseTakenOver, plan: Plan) -> State:
    """Another release goes forward from here and has the traffic; what only this one ran is stopped."""
    if not any(at.one_way for at in state.legs) or state.hold is None:
        raise Illegal("only a release that is frozen is taken over")
    reason = f"taken over by {event.into}: {objection_to_revert(state, plan.legs)}"
    legs = tuple(replace(at, routing=None) for at in state.legs)
    state = replace(
        state, stage="reverting", outcome="aborted", reason=reason, taken_over=event.into, legs=legs
    )
    return _turn_back(replace(state, watch=None, paused=False, hold=None), event.at, plan, state.leg)


def _turn_back(state: State, at: float, plan: Plan, index: int) -> State:
    """Begin to undo one leg; what it never touched is undone already."""
    leg, here = plan.legs[index], state.legs[index]
    left = bool(state.taken_over)
    moved = not left and (entered(leg, here, Expose) or entered(leg, here, Promote))
    here = replace(
        here,
        back=not moved,
        full=left or leg.baseline is None or not entered(leg, here, Prepare if leg.adjusts else Shrink),
        verified=leg.baseline is None or not moved,
        stopped=leg.adjusts or not entered(leg, here, Prepare),
        fresh_stopped=leg.fresh is None or not entered(leg, here, Prepare),
    )
    return _next(replace(state, leg=index, entered_at=at).with_leg(here, index), at, plan)


def _next(state: State, at: float, plan: Plan) -> State:
    here = state.here()
    if not (here.back and here.full and here.verified and here.stopped and here.fresh_stopped):
        return state
    if state.leg > 0:
        return _turn_back(replace(state, hold=None), at, plan, state.leg - 1)
    return replace(state, stage="closed", ended_at=at, done=True)


def routed(state: State, event: RoutingSet, plan: Plan) -> State:
    """The proxy confirmed: everything reaches the baseline again."""
    here = replace(state.here(), routing=event.routing, back=True)
    return _next(replace(state, delayed="").with_leg(here), event.at, plan)


def resized(state: State, event: VersionPrepared, plan: Plan) -> State:
    """The baseline has its full size again."""
    return _next(replace(state, delayed="").with_leg(replace(state.here(), full=True)), event.at, plan)


def verified(state: State, event: VersionVerified, plan: Plan) -> State:
    """Back on stable is not enough: stable must be seen to work."""
    if worst(event.findings) in ("fail", "unknown"):
        reason = (
            f"traffic is back on {event.version}, which does not pass its checks: {in_words(event.findings)}"
        )
        return replace(state, hold=Hold("unverified", reason, blocks=("VerifyVersion",)))
    return _next(state.with_leg(replace(state.here(), verified=True)), event.at, plan)


def stopped(state: State, event: VersionStopped, plan: Plan) -> State:
    """The bad version is gone, or the one it was compared with."""
    return _gone(state, event.version, event.at, plan)


def _gone(state: State, version: Version, at: float, plan: Plan) -> State:
    fresh = version == plan.legs[state.leg].fresh
    here = replace(state.here(), fresh_stopped=True) if fresh else replace(state.here(), stopped=True)
    return _next(state.with_leg(here), at, plan)


def delayed(state: State, event: EffectDelayed, plan: Plan) -> State:
    """Going back is tried until it is done: people are told, and nobody need ask for it again."""
    if all(pending.id != event.effect for pending in state.pending):
        raise Stale(f"effect {event.effect} is not pending: it was done or abandoned meanwhile")
    return replace(state, delayed=event.reason)


def failed(state: State, event: EffectFailed, plan: Plan) -> State:
    """What concerns users becomes a hold; what is only left running becomes a warning.

    So does the proxy of a first release that it never confirmed, in ledgers whose controller gave that up.
    """
    leg, effect = plan.legs[state.leg], state.answered(event.effect)
    if isinstance(effect, StopVersion):
        return _gone(state.with_warning(event.reason), effect.version, event.at, plan)
    if isinstance(effect, SetRouting) and leg.baseline is None and state.here().routing is None:
        here = replace(state.here(), back=True)
        return _next(state.with_warning(event.reason).with_leg(here), event.at, plan)
    return replace(state, hold=_blocked(state.hold, event.reason, type(effect).__name__))


def _blocked(hold: Hold | None, reason: str, effect: str) -> Hold:
    """A second failure joins the first: neither is tried again before a person says so."""
    if hold is None:
        return Hold("failed", reason, blocks=(effect,))
    return replace(hold, reason=f"{hold.reason}; {reason}", blocks=(*hold.blocks, effect))


def resumed(state: State, event: ReleaseResumed, plan: Plan) -> State:
    """Try what failed again."""
    if not state.hold:
        raise Illegal("the release is being undone; there is nothing to resume")
    return _next(replace(state, hold=None), event.at, plan)


def accepted(state: State, event: ReleaseAborted, plan: Plan) -> State:
    """A person takes over: the doubt is recorded as a warning, and the proof is no longer asked for.

    Nor is the old size, once traffic is back and it cannot be had.
    """
    here = state.here()
    if state.delayed and here.back and not here.full:
        state = replace(state.with_warning(state.delayed), delayed="")
        return _next(state.with_leg(replace(here, full=True)), event.at, plan)
    if not state.hold or state.hold.kind != "unverified":
        raise Illegal("the release is being undone already")
    state = replace(state.with_warning(state.hold.reason), hold=None)
    return _next(state.with_leg(replace(state.here(), verified=True)), event.at, plan)
