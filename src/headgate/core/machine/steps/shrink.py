"""Shrink: the baseline runs with fewer instances."""

import msgspec

from headgate.core.machine.answers import Answer, VersionPrepared
from headgate.core.machine.effects import Effect, PrepareVersion
from headgate.core.machine.state import State
from headgate.core.machine.steps.kind import Answered, Kind, Undo
from headgate.core.model import ServiceChange


class Shrink(msgspec.Struct, frozen=True, tag="shrink"):
    """Run the baseline with `instances` instances only (rolling): a revert brings it back to full size first thing."""

    instances: int


def _work(step: Shrink, change: ServiceChange, _: State) -> tuple[Effect, ...]:
    return (PrepareVersion(change.baseline, step.instances),) if change.baseline else ()


def _answered(_: Shrink, __: ServiceChange, state: State, event: Answer) -> Answered:
    return Answered(state.here(), "done" if isinstance(event, VersionPrepared) else "stay")


def _undo(_: Shrink, change: ServiceChange) -> tuple[Undo, ...]:
    if change.baseline is None:
        return ()
    return (Undo("size", PrepareVersion(change.baseline, change.size_before)),)


SHRINK = Kind(
    Shrink,
    "shrinking the old version",
    lambda step: f"keep {step.instances} of the old version",
    work=_work,
    answered=_answered,
    undo=_undo,
)
