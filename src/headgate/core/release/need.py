"""Versions that a release needs running, so that no other release stops them."""

from headgate.core.machine.plan import Plan
from headgate.core.machine.state import LegState, State
from headgate.core.machine.undoing import traffic_is_back
from headgate.core.model import ServiceChange, Version


def need(state: State, plan: Plan, version: Version) -> str:
    """What a release needs `version` for; an empty string when it does not.

    A release needs nothing for a leg that it has not begun: the leg's first step starts what it needs. It does not need
    a version that it is about to stop: otherwise two releases that both want to stop it would wait for each other.
    """
    for leg, at in zip(plan.legs, state.legs, strict=True):
        if state.stage == "warm" and leg.change.baseline == version and not at.cooled:
            return f"{state.release} keeps {version} warm"
        back = state.stage == "reverting" and traffic_is_back(leg, at)
        if state.stage in ("forward", "reverting") and _moves(leg.change, at, version, back=back):
            return f"{state.release} is moving {version}"
    return ""


def _moves(change: ServiceChange, at: LegState, version: Version, *, back: bool) -> bool:
    if at.reached < 0:
        return False
    return version == change.baseline or (version in (change.candidate, change.fresh) and not back)
