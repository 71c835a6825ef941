"""The direction of safety: what is tried until it is done, and what need not wait for the ledger.

Everything else is appended first and performed then. To take users off a canary is the exception: it begins without the
ledger where that cannot be written, under the identity that the ledger will know it by, and it never gives up.
"""

from headgate.core.effects import Effect, Observe, PrepareVersion, SetRouting
from headgate.core.model import Leg, Plan, Routing
from headgate.core.state import Pending, State


def tried_until_done(state: State, effect: Effect, plan: Plan) -> bool:
    """True for what brings users back on the way back: their traffic, and the old version's size.

    Not for the proxy of a first release that it never confirmed: nobody was served before, and nobody is now.
    """
    if state.stage != "reverting":
        return False
    served = plan.legs[state.leg].baseline is not None or state.here().routing is not None
    return isinstance(effect, PrepareVersion) or (isinstance(effect, SetRouting) and served)


def needs_no_ledger(pending: Pending, state: State, plan: Plan) -> bool:
    """True for what may begin while the ledger has not got it: looking on, and taking users to the safe side."""
    effect = pending.effect
    if isinstance(effect, Observe):
        return True
    leaving = state.stage == "reverting" or (state.stage == "forward" and state.here().relief == "leaving")
    return leaving and isinstance(effect, SetRouting) and is_safe(effect.routing, plan.legs[state.leg])


def is_safe(routing: Routing, leg: Leg) -> bool:
    """True when nobody meets the candidate, and stable is what it was. A first release has no safe side."""
    return leg.baseline is not None and routing.stable == leg.baseline and not routing.exposed
