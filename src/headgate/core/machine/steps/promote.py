"""Promote: the candidate becomes stable."""

import msgspec

from headgate.core.machine.answers import Answer, RoutingSet, VersionPrepared
from headgate.core.machine.effects import Effect, PrepareVersion, SetRouting
from headgate.core.machine.state import Hold, LegState, State
from headgate.core.machine.steps.expose import promoted, users_back
from headgate.core.machine.steps.kind import Answered, Kind, Undo
from headgate.core.model import ServiceChange


class Promote(msgspec.Struct, frozen=True, tag="promote"):
    """The candidate becomes stable and receives everything; the baseline stays warm.

    `judged` False promotes without a verdict: a first release, which nothing could be compared with; a rollback or a
    break-glass, which a person has ordered with a reason; an environment that is not production and says so.
    """

    judged: bool = True


def _enter(step: Promote, here: LegState) -> Hold | None:
    """A promotion without a verdict is not begun but held."""
    if here.promotable or not step.judged:
        return None
    return Hold("unproven", "no verdict has passed since the last change of traffic")


def _work(_: Promote, change: ServiceChange, state: State) -> tuple[Effect, ...]:
    if state.here().instances < change.instances:
        return (PrepareVersion(change.candidate, change.instances),)
    return (SetRouting(promoted(change)),)


def _answered(_: Promote, change: ServiceChange, state: State, event: Answer) -> Answered:
    here = state.here()
    if isinstance(event, VersionPrepared) and event.version == change.candidate:
        return Answered(msgspec.structs.replace(here, instances=event.instances))
    if isinstance(event, RoutingSet):
        return Answered(msgspec.structs.replace(here, routing=event.routing), "done")
    return Answered(here)


def _undo(_: Promote, change: ServiceChange) -> tuple[Undo, ...]:
    return users_back(change)


PROMOTE = Kind(
    Promote,
    "promoting",
    lambda _: "promote",
    enter=_enter,
    work=_work,
    answered=_answered,
    undo=_undo,
    moves_traffic=True,
)
