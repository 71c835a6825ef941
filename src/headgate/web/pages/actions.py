"""What can be done with a release now, in the words of its buttons; the first one is the next thing to do."""

from dataclasses import dataclass
from typing import Literal

from headgate.core.summary import Summary
from headgate.web.api.reading import Release
from headgate.web.who import Permission, Who


@dataclass(frozen=True)
class Action:
    """A button. `kind` is how it looks: the next thing, a way back, or neither."""

    verb: str
    name: str
    meaning: str
    confirm: str
    permission: Permission
    kind: Literal["main", "back", "plain"] = "plain"
    needs_reason: bool = False


APPROVE = Action("approve", "Approve", "The step goes on.", "Yes, go on", "approve", "main")
RESUME = Action("resume", "Resume", "The present step begins again.", "Yes, resume", "operate", "main")
PAUSE = Action("pause", "Pause", "It moves no further; the watch goes on.", "Yes, pause", "operate")
PROMOTE = Action(
    "promote",
    "Promote anyway",
    "All traffic goes to the new version, whatever the judge says. Your reason is on record.",
    "Yes, promote over the judge",
    "approve",
    needs_reason=True,
)
ABORT = Action(
    "abort", "Roll back", "All traffic goes back to the old version.", "Yes, roll back", "operate", "back"
)
UNDO = Action(
    "rollback",
    "Roll back",
    "A new release goes back to what ran before this one.",
    "Yes, roll back",
    "operate",
    "back",
)

MOVING = frozenset({"queued", "checking", "forward"})


def actions(found: Release, stage: str, who: Who, runs: bool) -> list[Action]:  # noqa: FBT001 - a fact, not a switch
    """The buttons for `who`. `runs`: what it promoted is what runs now, and something ran before it."""
    summary = found.summary
    offered = _possible(found, stage, summary, runs)
    return [action for action in offered if who.may(action.permission, summary.environment)]


def _possible(found: Release, stage: str, summary: Summary, runs: bool) -> list[Action]:  # noqa: FBT001 - see actions
    if summary.outcome == "promoted" and runs:
        return [UNDO]
    if summary.outcome is not None or stage not in MOVING:
        return []
    if summary.phase == "waiting for approval":
        return [APPROVE, ABORT]
    if summary.phase in ("held", "paused"):
        return [RESUME, ABORT, *([PROMOTE] if stage == "forward" else [])]
    return [
        ABORT,
        *([PAUSE] if stage == "forward" else []),
        *([PROMOTE] if found.legs and stage == "forward" else []),
    ]
