"""What is wrong with a sample as a whole. Defects of one metric's numbers are that metric's business."""

import math

from msgspec.structs import replace

from headgate.core.model.sample import Arm, Sample


def _arm_defect(name: str, arm: Arm | None) -> str:
    if arm is not None and (arm.requests < 0 or arm.errors < 0):
        return f"{name} has negative counts"
    return ""


def sample_defect(sample: Sample) -> str:
    """Why nothing in this sample can be counted, or nothing."""
    if sample.problems and (sample.stable is None or sample.canary is None):
        return sample_gap(sample)
    if not math.isfinite(sample.interval_s) or sample.interval_s <= 0:
        return "an interval without a length"
    arms = ("stable", sample.stable), ("the canary", sample.canary), ("the fresh baseline", sample.fresh)
    return next((defect for name, arm in arms if (defect := _arm_defect(name, arm))), "")


def sample_gap(sample: Sample) -> str:
    """What could not be read, or nothing."""
    return "; ".join(sample.problems)


def whole(arm: Arm | None) -> Arm:
    """The arm with every error counted as a request too (a scrape may fall between the two counters)."""
    if arm is None:
        return Arm()
    if arm.errors <= arm.requests:
        return arm
    return replace(arm, requests=arm.errors)
