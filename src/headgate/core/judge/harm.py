"""How many users a version has failed: what a rollback could not undo."""

from headgate.core.criteria import JudgeSpec, Latency
from headgate.core.model.sample import Arm


def harmed(spec: JudgeSpec, arm: Arm | None) -> int:
    """How many requests of one arm in one interval went badly, at least.

    Errors, answers slower than the declared limit, and business cases that did not come to their good end are counted
    apart, and one request may be all of these: the largest of the counts is certain. An arm that could not be read
    counts none: they are unknown.
    """
    if arm is None:
        return 0
    slow = [_slow(arm, latency) for latency in spec.latency]
    lost = [_lost(arm, mean.name) for mean in spec.means if mean.higher_is_better]
    return max(arm.errors, *slow, *lost, 0)


def _slow(arm: Arm, latency: Latency) -> int:
    """Requests over the first bucket bound that is not below the limit; the last bound may be below it."""
    if latency.max_ms is None or arm.latency_ms is None:
        return 0
    pairs = zip(arm.latency_ms.le, arm.latency_ms.count, strict=True)
    within = next((count for le, count in pairs if le >= latency.max_ms), arm.requests)
    return max(0, arm.requests - within)


def _lost(arm: Arm, name: str) -> int:
    mean = arm.means.get(name)
    return max(0, round(mean.n - mean.sum)) if mean is not None else 0
