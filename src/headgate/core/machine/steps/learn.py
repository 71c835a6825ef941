"""Learn: stable is watched alone until its ways are known."""

import msgspec

from headgate.core.machine.steps.kind import Decision, Kind, Limit, Look


class Learn(msgspec.Struct, frozen=True, tag="learn"):
    """Watch stable alone until its ways are known, before the candidate takes all of its traffic.

    After `deadline_s` seconds without enough of it the plan's policy decides, as in a bake.
    """

    deadline_s: float


def _judged(step: Learn, look: Look) -> Decision:
    if look.verdict.learnt:
        return "done"
    return "unproven" if look.elapsed_s - look.frozen_s >= step.deadline_s else "stay"


LEARN = Kind(
    Learn,
    "watching the old version",
    lambda _: "watch the old version alone",
    judged=_judged,
    limit=lambda step: Limit("until its ways are known, {} at the latest", step.deadline_s),
    finished="The old version had been watched alone for long enough to be compared with.",
)
