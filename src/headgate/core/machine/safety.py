"""The direction of safety: what is tried until it is done, and what need not wait for the ledger.

Everything else is appended first and performed then. To take users off a canary is the exception: it begins without the
ledger where that cannot be written, under the identity that the ledger will know it by, and it never gives up.
"""

from headgate.core.machine.effects import Effect, Observe, PrepareVersion, RunCommand, SetRouting
from headgate.core.machine.plan import Leg, Plan
from headgate.core.machine.state import Pending, State
from headgate.core.model import Routing


def tried_until_done(state: State, effect: Effect) -> bool:
    """True for what brings users back on the way back: their traffic, the old version's size, and their data."""
    return state.stage == "reverting" and isinstance(effect, (SetRouting, PrepareVersion, RunCommand))


def needs_no_ledger(pending: Pending, state: State, plan: Plan) -> bool:
    """True for what may begin while the ledger has not got it: looking on, and taking users to the safe side."""
    effect = pending.effect
    if isinstance(effect, Observe):
        return True
    leaving = state.stage == "reverting" or (state.stage == "forward" and state.here().relief == "leaving")
    if not leaving or not isinstance(effect, SetRouting):
        return False
    return any(leg.unit == effect.routing.unit and is_safe(effect.routing, leg) for leg in plan.legs)


def whole(state: State, effect: Effect, plan: Plan) -> int:
    """How many instances must be ready before a verdict promotes their version with `effect`; 0: nothing is asked.

    Users who go back, and what a person has promoted, wait for nobody.
    """
    leg = plan.legs[state.leg]
    if state.stage != "forward" or not isinstance(effect, SetRouting) or not leg.learn:
        return 0
    becomes_stable = effect.routing.stable == leg.change.candidate and not effect.routing.exposed
    return leg.change.instances if becomes_stable and not state.here().overridden else 0


def is_safe(routing: Routing, leg: Leg) -> bool:
    """True when nobody meets the candidate, and stable is what it was. A first release has no safe side."""
    return leg.change.baseline is not None and routing.stable == leg.change.baseline and not routing.exposed
