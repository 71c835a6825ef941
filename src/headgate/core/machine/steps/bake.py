"""Bake: time passes under watch."""

import msgspec

from headgate.core.machine.state import UNEXPOSED, Hold, LegState
from headgate.core.machine.steps.kind import Decision, Kind, Limit, Look


class Bake(msgspec.Struct, frozen=True, tag="bake"):
    """Let time pass under watch: go on after `bake_s` with a passing verdict, decide by policy after `deadline_s`."""

    bake_s: float
    deadline_s: float


def _enter(_: Bake, here: LegState) -> Hold | None:
    if here.exposure != UNEXPOSED:
        return None
    return Hold("no_data", "nothing has reached the new version yet: nothing can be judged")


def _judged(step: Bake, look: Look) -> Decision:
    """While stable is in trouble of its own, nothing counts towards the bake; at the deadline it becomes a hold."""
    if not look.current:
        return "stay"
    verdict = look.verdict
    if verdict.kind == "hold_external":
        overdue = look.deadline or look.elapsed_s >= step.deadline_s
        return Hold("external", verdict.reason) if overdue else "stay"
    counted_s = look.elapsed_s - look.frozen_s
    if verdict.kind == "pass" and counted_s >= step.bake_s:
        return "done"
    return "unproven" if look.deadline or counted_s >= step.deadline_s else "stay"


BAKE = Kind(
    Bake,
    "baking",
    lambda step: f"bake {step.bake_s:g} s",
    enter=_enter,
    judged=_judged,
    least_s=lambda step: step.bake_s,
    limit=lambda step: Limit("decided after {} at the latest", step.deadline_s),
    calm=True,
)
