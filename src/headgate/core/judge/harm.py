"""How many users a version has failed: what a rollback could not undo."""

from headgate.core.judge.metrics import kind_of
from headgate.core.model.criteria import JudgeSpec
from headgate.core.model.sample import Arm


def harmed(spec: JudgeSpec, arm: Arm | None) -> int:
    """How many requests of one arm in one interval went badly, at least.

    Errors (judged or not), answers slower than the declared limit, and business cases that did not come to their good
    end are counted apart, and one request may be all of these: the largest of the counts is certain. An arm that could
    not be read counts none: they are unknown.
    """
    if arm is None:
        return 0
    return max(arm.errors, *[kind_of(criterion).harmed(criterion, arm) for criterion in spec.criteria], 0)
