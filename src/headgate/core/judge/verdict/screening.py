"""Screening of a sample as a whole. Defects of one metric's numbers are that metric's business."""

import math

import msgspec
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


# Whether the split that arrived is the split that was set (a sample-ratio mismatch): a warning, never a failure.
#
# Sticky clients, header matches and keep-alive connections make any split uneven, so it is only said of large samples,
# where the canary's share is off by more than a declared factor and by far more than chance and clustering explain.

SAMPLE_MIN = 1000
"""Requests in the step before anything is said."""
SAMPLE_MAX = 4000
"""With so many, half of them are forgotten: what matters is the split of late."""
CLUSTER = 10.0
"""Requests of one client come together: the variance of a split is taken to be this many times the binomial one."""
DEVIATIONS = 5.0


class Split(msgspec.Struct, frozen=True, array_like=True):
    """What arrived in the present step while the canary's weight was `weight` percent."""

    weight: int = 0
    canary_n: int = 0
    n: int = 0


def observe_split(split: Split, weight: int, canary_n: int, stable_n: int) -> Split:
    """One more interval; another weight starts the count again."""
    if weight != split.weight:
        return Split(weight, canary_n, canary_n + stable_n)
    known = split if split.n < SAMPLE_MAX else Split(weight, split.canary_n // 2, split.n // 2)
    return Split(weight, known.canary_n + canary_n, known.n + canary_n + stable_n)


def split_warning(split: Split, factor_max: float | None) -> str:
    """What is odd about the split, or nothing; a canary without any request is silent, which is said elsewhere."""
    if factor_max is None or not 0 < split.weight < 100 or split.n < SAMPLE_MIN or not split.canary_n:  # noqa: PLR2004
        return ""
    share, due = split.canary_n / split.n, split.weight / 100
    noise = DEVIATIONS * math.sqrt(CLUSTER * due * (1 - due) / split.n)
    if abs(share - due) <= noise or due / factor_max <= share <= due * factor_max:
        return ""
    return f"{100 * share:.2g}% of the requests reached the canary, {split.weight}% was set"
