"""Which versions a release needs running, so that no other release stops them."""

from headgate.core.model import Leg, Plan, Version
from headgate.core.state import LegState, State


def need(state: State, plan: Plan, version: Version) -> str:
    """What a release needs `version` for; an empty string when it does not.

    What it has not begun with it does not need yet: it will have it started when it does. What it is about to stop
    itself it does not need any more, so that two releases that are done with a version do not wait for each other.
    """
    for leg, at in zip(plan.legs, state.legs, strict=True):
        if state.stage == "warm" and leg.baseline == version and not at.cooled:
            return f"{state.release} keeps {version} warm"
        if state.stage in ("forward", "reverting") and _moves(leg, at, version):
            return f"{state.release} is moving {version}"
    return ""


def _moves(leg: Leg, at: LegState, version: Version) -> bool:
    if at.reached < 0:
        return False
    return version == leg.baseline or (version in (leg.candidate, leg.fresh) and not at.back)
