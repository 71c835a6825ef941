"""The routings of a change: what its steps ask the proxy for, and what undoes them."""

from msgspec.structs import replace

from headgate.core.machine.effects import SetRouting, VerifyVersion
from headgate.core.machine.steps.kind import Undo
from headgate.core.model import Routing, ServiceChange


def promoted(change: ServiceChange) -> Routing:
    """Everything to the candidate, as the new stable."""
    return Routing(change.unit, change.listener, stable=change.candidate)


def undone(change: ServiceChange) -> Routing:
    """Everything to the baseline, where it was reached before."""
    return Routing(change.unit, change.baseline_listener or change.listener, stable=change.baseline)


def users_back(change: ServiceChange) -> tuple[Undo, ...]:
    """Users go back to the baseline, which is then seen to work."""
    back = Undo("traffic", SetRouting(undone(change)))
    return (back, Undo("proof", VerifyVersion(change.baseline))) if change.baseline else (back,)


def where_users_are(change: ServiceChange) -> Routing:
    """Everything to the baseline where it is reached now, in the way in which the candidate will be."""
    before = change.baseline_listener or change.listener
    listener = replace(change.listener, host=before.host, port=before.port)
    return Routing(change.unit, listener, stable=change.baseline)
