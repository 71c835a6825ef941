"""Prepare: instances of the candidate run and are ready."""

import msgspec

from headgate.core.machine.answers import Answer, VersionPrepared
from headgate.core.machine.effects import Effect, PrepareVersion, StopVersion
from headgate.core.machine.state import State
from headgate.core.machine.steps.kind import Answered, Kind, Undo
from headgate.core.model import ServiceChange


class Prepare(msgspec.Struct, frozen=True, tag="prepare"):
    """Have `instances` instances of the candidate running and ready; no traffic moves."""

    instances: int


def _work(step: Prepare, change: ServiceChange, state: State) -> tuple[Effect, ...]:
    """The candidate and, at the same time, as many of the fresh baseline: whichever is not ready yet."""
    here = state.here()
    if change.fresh is None:
        return (PrepareVersion(change.candidate, step.instances),)
    both = ((change.candidate, here.instances), (change.fresh, here.fresh))
    return tuple(
        PrepareVersion(version, step.instances) for version, ready in both if ready != step.instances
    )


def _answered(_: Prepare, change: ServiceChange, state: State, event: Answer) -> Answered:
    here = state.here()
    if not isinstance(event, VersionPrepared):
        return Answered(here)
    if event.version == change.candidate:
        here = msgspec.structs.replace(here, instances=event.instances)
    elif event.version == change.fresh:
        here = msgspec.structs.replace(here, fresh=event.instances)
    halfway = change.fresh is not None and here.instances != here.fresh
    return Answered(here, "stay" if halfway else "done")


def _undo(_: Prepare, change: ServiceChange) -> tuple[Undo, ...]:
    """What was started is stopped; a version that stays has its old size again."""
    if change.adjusts and change.baseline is not None:
        return (Undo("size", PrepareVersion(change.baseline, change.size_before)),)
    started = (change.candidate, change.fresh) if change.fresh else (change.candidate,)
    return tuple(Undo("stop", StopVersion(version, change.drain_s)) for version in started)


def _name(step: Prepare) -> str:
    return f"prepare {step.instances} instance{'s' if step.instances != 1 else ''}"


PREPARE = Kind(Prepare, "preparing", _name, work=_work, answered=_answered, undo=_undo)
