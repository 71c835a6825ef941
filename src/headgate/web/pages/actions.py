"""Actions on a release as buttons: what can be done now; the first one is the next thing to do."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from headgate.core.model.summary import Summary
from headgate.web.api.reading import Release
from headgate.web.http.who import Permission, Who


@dataclass(frozen=True)
class Action:
    """A button. `kind` is how it looks: the next thing, a way back, or neither; `disabled` why it cannot be pressed."""

    verb: str
    name: str
    meaning: str
    confirm: str
    permission: Permission
    kind: Literal["main", "back", "plain"] = "plain"
    needs_reason: bool = False
    disabled: str = ""


APPROVE = Action("approve", "Approve", "The step goes on.", "Yes, go on", "approve", "main")
RESUME = Action("resume", "Resume", "The present step begins again.", "Yes, resume", "operate", "main")
AGAIN = Action(
    "resume", "Try again", "What failed on the way back is tried again.", "Yes, try again", "operate", "main"
)
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
LIFT = Action(
    "lift",
    "Let it be undone",
    "Its barrier is lifted, and nothing moves; it can be rolled back from then on. Your reason is on record.",
    "Yes, going back works again",
    "approve",
    needs_reason=True,
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
    offered = [_legal(action, found) for action in _possible(found, stage, summary, runs)]
    offered += [LIFT] if found.barred and summary.outcome is None else []
    return [action for action in offered if who.may(action.permission, summary.environment)]


def _legal(action: Action, found: Release) -> Action:
    """A way back that is illegal is shown with its reason, and cannot be gone."""
    return replace(action, disabled=found.barred) if action.kind == "back" and found.barred else action


def _possible(found: Release, stage: str, summary: Summary, runs: bool) -> list[Action]:  # noqa: FBT001 - see actions
    if summary.outcome == "promoted" and runs:
        return [UNDO]
    if summary.outcome is None and stage == "reverting" and found.waits_for:
        return [AGAIN]
    if summary.outcome is not None or stage not in MOVING:
        return []
    if summary.phase == "waiting for approval":
        return [APPROVE, ABORT]
    if summary.phase in ("held", "paused"):
        return [RESUME, ABORT, *([PROMOTE] if _exposed(found) else [])]
    return [
        ABORT,
        *([PAUSE] if stage == "forward" else []),
        *([PROMOTE] if _exposed(found) and summary.phase != "promoting" else []),
    ]


def _exposed(found: Release) -> bool:
    """Whether the service that moves now has had traffic on its new version: before that none is promoted by hand."""
    here = next((leg.service for leg in found.legs if any(step.state == "now" for step in leg.steps)), None)
    return found.stage == "forward" and any(step.service == here for step in found.report.steps)


def next_to_do(found: Release, who: Who, offered: Sequence[Action]) -> str:
    """A sentence for somebody who looks for what to do: who acts next, and whether it is them."""
    summary = found.summary
    if summary.outcome is not None:
        return _over(found, who, offered)
    if found.waits_for:
        if any(action.kind == "main" for action in offered):
            return ""  # the buttons say it
        needed = APPROVE if summary.phase == "waiting for approval" else RESUME
        return f"It waits for a person who may {needed.permission} here: {_may_not(who, summary)}."
    watch = "" if offered else f" {_may_not(who, summary, capital=True)}."
    if found.stage == "queued":
        return f"It waits for its turn behind the release before it.{watch}"
    if found.stage == "checking":
        return f"It is being checked, and begins by itself when nothing objects.{watch}"
    if found.stage == "reverting":
        return "It is on its way back, by itself; nothing needs to be done."
    if summary.phase == "waiting for stable":
        return f"It waits until the old version is well again, and goes on by itself then.{watch}"
    return "" if offered else f"It moves by itself.{watch}"


def _over(found: Release, who: Who, offered: Sequence[Action]) -> str:
    if not found.undoable:
        return "It is over; there is nothing to do."
    return (
        "" if offered else f"It is over, and is what runs now. {_may_not(who, found.summary, capital=True)}."
    )


def _may_not(who: Who, summary: Summary, *, capital: bool = False) -> str:
    elsewhere = who.environments and summary.environment not in who.environments
    where = f" in {', '.join(who.environments)}, not in {summary.environment}" if elsewhere else ""
    may = "watch" if elsewhere or not who.may("operate") else "operate and watch"
    said = f"with the role {who.role}{where} you can {may}"
    return said[:1].upper() + said[1:] if capital else said
