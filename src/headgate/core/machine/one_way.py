"""One-way steps: when each has begun, and why a release can not be undone since.

A step is one-way from when its order is on record, until the order is answered with "not applied". In between it may
have happened, and so it counts as happened.
"""

from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from headgate.core.machine.effects import Effect, Observe, SetRouting
from headgate.core.machine.events import CommandRan, EffectFailed
from headgate.core.machine.plan import Leg, OneWayStep, Plan
from headgate.core.machine.state import Begun, LegState, State
from headgate.core.machine.steps import Expose, Step, kind_of, step_name


def objection(leg: Leg, at: LegState) -> str | None:
    """Why this leg can not be undone any more; None while it can. A first release has nothing older to go back to."""
    if leg.change.baseline is None or not at.one_way:
        return None
    begun_first = at.one_way[0].step
    return next(one.reason for one in leg.one_way if one.step == begun_first)


def objection_to_revert(state: State, legs: tuple[Leg, ...]) -> str | None:
    """Why a release under way can not be undone, in a sentence: the first leg's that has moved; None while it can."""
    moved = zip(legs[: state.leg + 1], state.legs, strict=False)
    reasons = (objection(leg, at) for leg, at in moved)
    return next((sentence(state.release, reason) for reason in reasons if reason is not None), None)


def sentence(release: str, reason: str) -> str:
    """The sentence that everybody reads who would go back."""
    return f"going back to before {release} is illegal: {reason}"


def beyond_return(steps: tuple[Step, ...], one_way: tuple[OneWayStep, ...]) -> Iterator[Step]:
    """The steps, each exposure with whether those whom it brings to the candidate may not go back."""
    begins = min((one.step for one in one_way), default=len(steps))
    for index, step in enumerate(steps):
        yield replace(step, one_way=True) if isinstance(step, Expose) and index >= begins else step


def forecast(leg: Leg) -> str:
    """When going back will end, in a sentence; empty where it is possible to the end."""
    if leg.change.baseline is None or not leg.one_way:
        return ""
    first = leg.one_way[0]
    name = step_name(leg.steps[first.step])
    return f"going back ends when step {first.step + 1} ({name}) begins: {first.reason}"


def begun(state: State, issued: Iterable[Effect], plan: Plan, at: float) -> State:
    """The state with the one-way steps that begin with these orders, which are on record `at` this time.

    A step that orders nothing begins as soon as it is entered. A one-way step that was passed over begins with the
    orders of the step that is reached instead.
    """
    if state.stage != "forward":
        return state
    leg, here = plan.legs[state.leg], state.here()
    known = {one.step for one in here.one_way}
    due = [one.step for one in leg.one_way if one.step <= state.step and one.step not in known]
    step = leg.steps[state.step]
    ordered = any(_orders(step, effect, here) for effect in issued)
    entered = not kind_of(step).orders and state.hold is None
    if not due or not (ordered or entered):
        return state
    return state.with_leg(replace(here, one_way=(*here.one_way, *(Begun(index, at) for index in due))))


def refused(state: State, event: EffectFailed | CommandRan, plan: Plan) -> State:
    """The state after an order of the present step failed: where nothing was changed, its step has not begun."""
    leg, here = plan.legs[state.leg], state.here()
    applied = event.outcome != "not_applied" if isinstance(event, CommandRan) else not event.not_applied
    if applied or not _orders(leg.steps[state.step], state.answered(event.effect), here):
        return state
    return state.with_leg(replace(here, one_way=tuple(one for one in here.one_way if one.step < state.step)))


def opened(state: State) -> State:
    """The state in which every leg can be undone again: a person has said so."""
    return replace(state, legs=tuple(replace(at, one_way=()) for at in state.legs))


def _orders(step: Step, effect: Effect, here: LegState) -> bool:
    """Whether this effect is what the step is there for: traffic, for those that move it; never the watch."""
    if kind_of(step).moves_traffic:
        return isinstance(effect, SetRouting) and not here.relief
    return not isinstance(effect, (Observe, SetRouting))
