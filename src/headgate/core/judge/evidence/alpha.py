"""What a false rollback may cost: alpha, shared between watching and deadlines, and less of it for every retry."""

from functools import lru_cache

from headgate.core.model.criteria import JudgeSpec


@lru_cache(maxsize=256)
def needed(spec: JudgeSpec) -> float:
    """The evidence that makes a verdict `fail`: 1 over what this attempt may spend of alpha while it watches."""
    return (spec.retry + 1) ** 2 / (spec.alpha * (1 - spec.deadline_share))


def deadline_alpha(spec: JudgeSpec, spent: int) -> float:
    """What the next step's deadline may spend, after `spent` of them."""
    if spent >= spec.deadlines:
        return 0.0
    return spec.alpha * spec.deadline_share / ((spec.retry + 1) ** 2 * spec.deadlines)
