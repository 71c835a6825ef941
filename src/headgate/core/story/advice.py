"""Advice: what to do now, as sentences with commands, for every state of a release."""

import shlex

from headgate.core.machine.plan import Plan
from headgate.core.machine.state import State
from headgate.core.machine.steps import Pause
from headgate.core.model.places import named
from headgate.core.story.report import Fold
from headgate.core.story.view import waits_for_person

Advice = tuple[str, str]
"""What a command is for, and the command."""


def question(fold: Fold) -> str:
    """What a person is asked, in a sentence; empty when nothing is."""
    asked = waits_for_person(fold.state, fold.plan)
    if not asked:
        return ""
    if fold.state.hold is not None:
        return f"It is held: {asked}."
    if waits_for_approval(fold.state, fold.plan):
        return (
            f"It waits for your approval: {asked}." if asked != "approval" else "It waits for your approval."
        )
    return "It is paused by a person."


def waits_for_approval(state: State, plan: Plan) -> bool:
    """True when the present step is one that a person must say yes to."""
    if state.stage != "forward" or state.done or state.hold is not None:
        return False
    return isinstance(plan.legs[state.leg].steps[state.step], Pause)


def answers(fold: Fold) -> tuple[Advice, ...]:
    """The commands that answer what the release waits for."""
    release, state = fold.request.release, fold.state
    undo = ("undo it", f"headgate abort {release}")
    force = ("promote all the same", f'headgate promote {release} --reason "..."')
    if state.hold is None:
        if waits_for_approval(state, fold.plan):
            return (("go on", f"headgate approve {release}"), undo)
        return (("go on", f"headgate resume {release}"), undo) if state.paused else ()
    if state.stage == "reverting":
        again = ("try it again", f"headgate resume {release}")
        accept = ("take it as it is", f"headgate abort {release}")
        return (again, accept) if state.hold.kind == "unverified" else (again,)
    if state.hold.kind == "illegal":
        unit = fold.plan.legs[state.leg].unit
        fix = ("deploy a fix, which takes its traffic over", roll_forward(state, fold.plan))
        lift = (
            "let it be undone, where going back works again",
            f'headgate barrier lift {named(unit)} --reason "..."',
        )
        return (fix, ("begin the step again", f"headgate resume {release}"), force, lift)
    return (("begin the step again", f"headgate resume {release}"), force, undo)


def roll_forward(state: State, plan: Plan) -> str:
    """The command that deploys a fix over a frozen release; empty where the release is not frozen."""
    frozen = state.hold is not None and state.hold.kind == "illegal"
    return f"headgate deploy {named(plan.legs[state.leg].unit)}" if frozen else ""


def afterwards(fold: Fold, *, undoable: bool) -> tuple[Advice, ...]:
    """What makes sense once the release has ended; `undoable`: there is a way back from what it has promoted."""
    release, state = fold.request.release, fold.state
    story = ("the whole story", f"headgate explain {release}")
    if state.outcome == "promoted":
        unit = fold.plan.legs[0].unit
        one = named(unit) if len(fold.plan.legs) == 1 else shlex.join(("-e", unit.environment))
        undo = "go further back" if fold.request.rollback_to else "undo it"
        return ((undo, f"headgate rollback {one}"), story) if undoable else (story,)
    if state.outcome in ("rolled_back", "aborted"):
        return (story, ("try the same once more", f'headgate retry {release} --reason "..."'))
    return (story,)
