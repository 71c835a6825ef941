"""Going back: the users of every leg first, then leg by leg in reverse order what else undoes its steps.

The order within a leg is that of `core.machine.undoing`.
"""

from msgspec.structs import replace

from headgate.core.machine.answers import (
    Answer,
    CommandRan,
    EffectFailed,
    RoutingSet,
    VersionVerified,
)
from headgate.core.machine.effects import Effect, RunCommand, SetRouting, StopVersion
from headgate.core.machine.events import EffectDelayed, ReleaseAborted, ReleaseResumed, ReleaseTakenOver
from headgate.core.machine.names import Illegal, Stale
from headgate.core.machine.one_way import objection_to_revert
from headgate.core.machine.plan import Leg, Plan
from headgate.core.machine.state import Delay, Hold, LegState, State
from headgate.core.machine.steps.kind import Urgency
from headgate.core.machine.undoing import left, settled, traffic_is_back, without
from headgate.core.model import in_words, worst
from headgate.core.model.summary import Outcome

LEFT_TO_OTHERS: tuple[Urgency, ...] = ("traffic", "size", "proof", "schema")
"""What a release that was taken over leaves as it is; it only stops what it has started."""


def revert(state: State, at: float, plan: Plan, outcome: Outcome, reason: str) -> State:
    """Turn round; where going back is illegal, freeze and say why. Raises Illegal when a person asked for it."""
    objection = objection_to_revert(state, plan.legs)
    if objection is None:
        return _turn_back(replace(state, stage="reverting", outcome=outcome, reason=reason), at, plan)
    if outcome == "aborted":
        message = f"{objection}; `promote` or the deploy of a fix goes forward"
        raise Illegal(message)
    return replace(state, hold=Hold("illegal", f"{reason}; {objection}"))


def with_what_runs_on(state: State) -> State:
    """The state with a warning for a command that is under way and that nothing undoes: it is not cut off."""
    for pending in state.pending:
        effect = pending.effect
        if isinstance(effect, RunCommand) and not effect.command.undo:
            warning = (
                f"the command {effect.command.name} was under way: it runs to its end, and nothing undoes it"
            )
            state = state.with_warning(warning)
    return state


def taken_over(state: State, event: ReleaseTakenOver, plan: Plan) -> State:
    """Another release goes forward from here and has the traffic; what only this one ran is stopped."""
    if not any(at.one_way for at in state.legs) or state.hold is None:
        raise Illegal("only a release that is frozen is taken over")
    reason = f"taken over by {event.into}: {objection_to_revert(state, plan.legs)}"
    legs = tuple(replace(at, routing=None) for at in state.legs)
    state = replace(
        state, stage="reverting", outcome="aborted", reason=reason, taken_over=event.into, legs=legs
    )
    return _turn_back(state, event.at, plan)


def _turn_back(state: State, at: float, plan: Plan) -> State:
    """Begin to undo; what has nothing to be undone is undone already, and so is what another has taken over."""
    state = replace(state, entered_at=at, watch=None, paused=False, hold=None)
    for index, leg in enumerate(plan.legs):
        here = state.legs[index]
        for urgency in LEFT_TO_OTHERS if state.taken_over else ():
            here = without(leg, here, urgency)
        state = state.with_leg(settled(leg, here), index)
    return _next(state, at, plan)


def _next(state: State, at: float, plan: Plan) -> State:
    """Go on to the leg before, as soon as all of a leg is undone."""
    while not left(plan.legs[state.leg], state.here()):
        if state.leg == 0:
            return replace(state, stage="closed", ended_at=at, done=True)
        state = replace(state, leg=state.leg - 1, entered_at=at, hold=_of_the_rest(state, plan))
    return state


def _of_the_rest(state: State, plan: Plan) -> Hold | None:
    """The hold, where it is about a leg that is not undone yet."""
    legs = zip(plan.legs, state.legs, strict=True)
    rest = [undo.effect for leg, here in legs for undo in left(leg, here)]
    return state.hold if state.hold and any(effect in rest for effect in state.hold.blocks) else None


def _place(state: State, effect: Effect, plan: Plan) -> int:
    """The index of the leg that an effect of going back undoes: the one under the cursor, or one before it."""
    indices = reversed(range(state.leg + 1))
    return next(
        at for at in indices if any(effect == one.effect for one in left(plan.legs[at], state.legs[at]))
    )


def answered(state: State, event: Answer, plan: Plan) -> State:
    """One thing is undone: the proxy confirmed, the old size is there, or what was started is gone."""
    effect = state.answered(event.effect)
    if isinstance(event, RoutingSet):
        index = _place(state, effect, plan)
        state = state.with_leg(replace(state.legs[index], routing=event.routing), index)
    return _settle(state, effect, event.at, plan)


def _settle(state: State, effect: Effect, at: float, plan: Plan) -> State:
    index = _place(state, effect, plan)
    here = settled(plan.legs[index], state.legs[index], effect)
    return _next(_undelayed(state, effect).with_leg(here, index), at, plan)


def _undelayed(state: State, effect: Effect) -> State:
    return replace(state, delays=tuple(one for one in state.delays if one.effect != effect))


def verified(state: State, event: VersionVerified, plan: Plan) -> State:
    """Back on stable is not enough: stable must be seen to work."""
    if worst(event.findings) in ("fail", "unknown"):
        reason = (
            f"traffic is back on {event.version}, which does not pass its checks: {in_words(event.findings)}"
        )
        return replace(state, hold=Hold("unverified", reason, blocks=(state.answered(event.effect),)))
    return answered(state, event, plan)


def executed(state: State, event: CommandRan, plan: Plan) -> State:
    """A change that a command had made is undone, or a person must see to it."""
    if event.outcome == "applied":
        return answered(state, event, plan)
    said = f": {event.note}" if event.note else ""
    reason = f"what the command {event.command} had changed is not undone{said}"
    return replace(state, hold=_blocked(state.hold, reason, state.answered(event.effect)))


def delayed(state: State, event: EffectDelayed, plan: Plan) -> State:
    """Going back is tried until it is done: people are told, and nobody need ask for it again."""
    try:
        effect = state.answered(event.effect)
    except KeyError:
        message = f"effect {event.effect} is not pending: it was done or abandoned meanwhile"
        raise Stale(message) from None
    state = _undelayed(state, effect)
    return replace(state, delays=(*state.delays, Delay(effect, event.reason)))


def failed(state: State, event: EffectFailed, plan: Plan) -> State:
    """What concerns users becomes a hold; what is only left running becomes a warning.

    So does the proxy of a first release that it never confirmed, in ledgers whose controller gave that up.
    """
    effect = state.answered(event.effect)
    index = _place(state, effect, plan)
    first = plan.legs[index].change.baseline is None
    never_routed = isinstance(effect, SetRouting) and first and state.legs[index].routing is None
    if isinstance(effect, StopVersion) or never_routed:
        return _settle(state.with_warning(event.reason), effect, event.at, plan)
    return replace(state, hold=_blocked(state.hold, event.reason, effect))


def _blocked(hold: Hold | None, reason: str, effect: Effect) -> Hold:
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

    Nor is the old size, once traffic is back and it cannot be had; nor what a command has changed and cannot undo.
    """
    leg, here = plan.legs[state.leg], state.here()
    small = _too_small(state, leg, here)
    if small is not None and traffic_is_back(leg, here):
        state = _undelayed(state.with_warning(small.reason), small.effect)
        return _next(state.with_leg(without(leg, here, "size")), event.at, plan)
    given_up = _given_up(state.hold)
    if state.hold is None or given_up is None:
        raise Illegal("the release is being undone already")
    state = replace(state.with_warning(state.hold.reason), hold=None)
    return _next(state.with_leg(without(leg, here, given_up)), event.at, plan)


def _too_small(state: State, leg: Leg, here: LegState) -> Delay | None:
    """Why the old size is not there yet, where that is known."""
    size = [undo.effect for undo in left(leg, here) if undo.urgency == "size"]
    return next((one for one in state.delays if one.effect in size), None)


def _given_up(hold: Hold | None) -> Urgency | None:
    """What a person may do without: the proof of the old version, or what a command cannot undo."""
    if hold is None:
        return None
    if hold.kind == "unverified":
        return "proof"
    commands = all(isinstance(effect, RunCommand) for effect in hold.blocks)
    return "schema" if hold.kind == "failed" and commands else None
