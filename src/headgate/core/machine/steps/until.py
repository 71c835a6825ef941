"""Until: the release waits for a time of day."""

import msgspec

from headgate.core.machine.answers import Answer, TimeCame
from headgate.core.machine.effects import Effect, WakeAt
from headgate.core.machine.state import State
from headgate.core.machine.steps.kind import Answered, Kind
from headgate.core.model import Hours, ServiceChange
from headgate.core.model.hours import holds, next_start


class Until(msgspec.Struct, frozen=True, tag="until"):
    """Wait until the hours begin, or go on at once within them; the watch goes on and still rolls back."""

    hours: Hours


def _work(step: Until, _: ServiceChange, state: State) -> tuple[Effect, ...]:
    now = state.entered_at
    return (WakeAt(state.leg, now if holds(step.hours, now) else next_start(step.hours, now)),)


def _answered(step: Until, _: ServiceChange, state: State, event: Answer) -> Answered:
    """Hours that are over by the time somebody looks, as after a night without a controller, are waited for again."""
    if not isinstance(event, TimeCame):
        return Answered(state.here())
    in_time = step.hours.end is None or holds(step.hours, event.at)
    return Answered(state.here(), "done" if in_time else "again")


UNTIL = Kind(
    Until, "waiting for its time", lambda step: f"wait until {step.hours}", work=_work, answered=_answered
)
