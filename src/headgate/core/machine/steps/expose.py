"""Expose: what reaches the candidate is set."""

import msgspec
from msgspec.structs import replace

from headgate.core.machine.answers import Answer, RoutingSet
from headgate.core.machine.effects import Effect, SetRouting, VerifyVersion
from headgate.core.machine.state import Hold, State
from headgate.core.machine.steps.kind import Answered, Decision, Kind, Look, Undo
from headgate.core.model import Match, Routing, ServiceChange, Version
from headgate.core.model.routing import beside


class Expose(msgspec.Struct, frozen=True, tag="expose"):
    """Set what reaches the candidate: a percentage, exact header or cookie matches, a percentage of mirrored copies.

    With none of them it is a preview: only the preview port and header reach it. `one_way`: nobody whom it brings there
    may go back.
    """

    weight: int = 0
    matches: tuple[Match, ...] = ()
    mirror: int = 0
    one_way: bool = False

    @property
    def answers_users(self) -> bool:
        """True when users are answered by the candidate, not a preview or a copy."""
        return bool(self.weight or self.matches)


def exposed(change: ServiceChange, step: Expose) -> Routing:
    """The routing that an Expose step asks for: users stay where they are, the preview is the candidate's."""
    return msgspec.structs.replace(
        where_users_are(change),
        canary=change.candidate,
        weight=step.weight,
        matches=step.matches,
        mirror=step.mirror,
        sticky=change.sticky,
        fresh=compared(change, step),
        one_way=step.one_way,
    )


def compared(change: ServiceChange, step: Expose) -> Version | None:
    """The fresh baseline, under a step that has a share of the traffic for it."""
    return change.fresh if beside(step.weight) else None


def aside(change: ServiceChange) -> Routing:
    """Everything to the baseline, and the candidate within reach of its preview alone, for a while."""
    return exposed(change, Expose())


def _work(step: Expose, change: ServiceChange, state: State) -> tuple[Effect, ...]:
    """No weight rises while stable is in trouble; an order that is with the proxy already is not taken back."""
    here, order = state.here(), SetRouting(exposed(change, step))
    ordered = not here.relief and any(pending.effect == order for pending in state.pending)
    rises = order.routing.exposed and not ordered
    return () if here.frozen and rises else (order,)


def _answered(_: Expose, __: ServiceChange, state: State, event: Answer) -> Answered:
    """Whatever was proven was proven of another share of the traffic."""
    here = state.here()
    if not isinstance(event, RoutingSet):
        return Answered(here)
    here = msgspec.structs.replace(
        here, routing=event.routing, exposure=state.step, passed=False, accepted=False, relieved=False
    )
    return Answered(here, "done", exposed=True)


def _judged(_: Expose, look: Look) -> Decision:
    """More traffic waits until stable is well again, as long as the bake after it may last; then a person decides."""
    overdue = look.elapsed_s >= look.patience_s
    if look.verdict.kind != "hold_external" or look.ordered or not overdue:
        return "stay"
    return Hold("external", look.verdict.reason)


def _undo(_: Expose, change: ServiceChange) -> tuple[Undo, ...]:
    return users_back(change)


def _name(step: Expose) -> str:
    parts = [f"canary {step.weight}%"] if step.weight else []
    parts += [f"{match.kind} {match.name}={match.value}" for match in step.matches]
    parts += [f"mirror {step.mirror}%"] if step.mirror else []
    return ", ".join(parts) or "preview"


EXPOSE = Kind(
    Expose,
    "shifting traffic",
    _name,
    work=_work,
    answered=_answered,
    judged=_judged,
    undo=_undo,
    calm=True,
    moves_traffic=True,
)


# The routings of a change: what its steps ask the proxy for, and what undoes them.


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
