"""The undo of a leg's steps that were begun, in the order of how urgent each is."""

from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from headgate.core.machine.effects import Effect
from headgate.core.machine.plan import Leg
from headgate.core.machine.state import LegState, Progress
from headgate.core.machine.steps import kind_of
from headgate.core.machine.steps.kind import WAITS_FOR, Undo, Urgency

ORDER: tuple[Urgency, ...] = tuple(WAITS_FOR)


def undos(leg: Leg, here: LegState) -> tuple[Undo, ...]:
    """Everything that undoes the steps of a leg that were begun: the most urgent first, then the last step's."""
    begun = [step for step, how in zip(leg.steps, here.progress, strict=True) if how != "ahead"]
    found = [undo for step in reversed(begun) for undo in kind_of(step).undo(step, leg.change)]
    return tuple(dict.fromkeys(sorted(found, key=lambda undo: ORDER.index(undo.urgency))))


def left(leg: Leg, here: LegState) -> tuple[Undo, ...]:
    """What of it is not done yet."""
    return tuple(undo for undo in undos(leg, here) if undo.effect not in here.undone)


def due(leg: Leg, here: LegState) -> tuple[Effect, ...]:
    """What of it is to be under way now: all that waits for nothing else.

    What changes data goes one by one, the last change first; the rest goes side by side.
    """
    rest = left(leg, here)
    missing = {undo.urgency for undo in rest}
    return tuple(_one_by_one(undo for undo in rest if missing.isdisjoint(WAITS_FOR[undo.urgency])))


def at_once(leg: Leg, here: LegState) -> tuple[Effect, ...]:
    """What of it waits for nothing, not for another leg either: users go back, to a version that is large enough."""
    return tuple(undo.effect for undo in left(leg, here) if not WAITS_FOR[undo.urgency])


def _one_by_one(ready: Iterable[Undo]) -> Iterator[Effect]:
    changed = False
    for undo in ready:
        if undo.urgency != "schema" or not changed:
            yield undo.effect
        changed = changed or undo.urgency == "schema"


def traffic_is_back(leg: Leg, here: LegState) -> bool:
    """True when no traffic is left to be taken back."""
    return all(undo.urgency != "traffic" for undo in left(leg, here))


def settled(leg: Leg, here: LegState, *effects: Effect) -> LegState:
    """The leg once these effects of going back are answered, or done without."""
    here = replace(here, undone=(*here.undone, *effects))
    steps = zip(leg.steps, here.progress, strict=True)
    progress: list[Progress] = []
    for step, how in steps:
        done = how != "ahead" and all(
            undo.effect in here.undone for undo in kind_of(step).undo(step, leg.change)
        )
        progress.append("undone" if done else how)
    return replace(here, progress=tuple(progress))


def without(leg: Leg, here: LegState, urgency: Urgency) -> LegState:
    """The leg, with what has this urgency done without."""
    return settled(leg, here, *(undo.effect for undo in left(leg, here) if undo.urgency == urgency))
