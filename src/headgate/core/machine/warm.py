"""The rollback window: the release has succeeded, the old versions stay warm, then stop."""

from msgspec.structs import replace

from headgate.core.machine.effects import Effect, StopVersion, WakeAt
from headgate.core.machine.events import EffectFailed, TimeCame, VersionStopped, WatchResumed
from headgate.core.machine.names import Illegal
from headgate.core.machine.plan import Plan
from headgate.core.machine.state import State


def cooled(state: State, event: TimeCame, plan: Plan) -> State:
    """The rollback window of one leg is over."""
    effect = state.answered(event.effect)
    if not isinstance(effect, WakeAt):
        raise Illegal("only a wake-up is answered by time")
    return state.with_leg(replace(state.legs[effect.leg], cooled=True), effect.leg)


def watch_resumed(state: State, event: WatchResumed, plan: Plan) -> State:
    """The rollback window lasts as long as it is declared while somebody could make use of it."""
    return replace(state, unwatched_s=state.unwatched_s + event.unwatched_s)


def stopped(state: State, event: VersionStopped, plan: Plan) -> State:
    """An old version is stopped, or kept because something else needs it now; or the fresh baseline is."""
    return _retire(state, state.answered(event.effect), plan)


def failed(state: State, event: EffectFailed, plan: Plan) -> State:
    """An old version that cannot be stopped harms nobody: a warning."""
    return _retire(state.with_warning(event.reason), state.answered(event.effect), plan)


def _retire(state: State, effect: Effect, plan: Plan) -> State:
    for index, leg in enumerate(plan.legs):
        if isinstance(effect, StopVersion) and leg.change.baseline == effect.version:
            state = state.with_leg(replace(state.legs[index], retired=True), index)
        elif isinstance(effect, StopVersion) and leg.change.fresh == effect.version:
            state = state.with_leg(replace(state.legs[index], fresh_stopped=True), index)
    return close_when_retired(state, plan)


def close_when_retired(state: State, plan: Plan) -> State:
    """Nothing more will happen once every old version is retired, and every fresh baseline gone."""
    legs = tuple(zip(plan.legs, state.legs, strict=True))
    done = all(leg.change.baseline is None or leg.change.adjusts or at.retired for leg, at in legs)
    done = done and all(leg.change.fresh is None or at.fresh_stopped for leg, at in legs)
    return replace(state, stage="closed") if done else state
