"""One interval as people write it down: what each arm did since the interval before, in counts."""

import msgspec

from headgate.core.model.identity import Unit
from headgate.core.model.sample import Arm, Counts, Histogram, Mean, Sample

NOWHERE = Unit("", "", "")
"""The unit of samples that no release of Headgate's took."""


class Buckets(msgspec.Struct, frozen=True):
    """Cumulative counts: `count[i]` requests were answered within `le[i]` milliseconds."""

    le: tuple[float, ...]
    count: tuple[int, ...]


class InstanceCounts(msgspec.Struct, frozen=True):
    """One instance's part of its arm."""

    requests: int
    errors: int = 0


class MeanSum(msgspec.Struct, frozen=True):
    """The sum of a quantity between 0 and 1 over `n` cases: completed orders over checkouts."""

    sum: float
    n: int


class ArmCounts(msgspec.Struct, frozen=True):
    """What one arm did in the interval: differences of its counters. No `errors` beside `requests` are none."""

    requests: int
    errors: int = 0
    latency_ms: Buckets | None = None
    instances: tuple[InstanceCounts, ...] = ()
    means: dict[str, MeanSum] = {}


class Interval(msgspec.Struct, frozen=True):
    """One interval that ends `at` (seconds; any clock that rises). An arm that is None could not be measured.

    `weight` is the canary's share of the traffic in percent, as set. A change of it begins a new step, unless steps are
    numbered by `step`. `interval_s` None: the time since the interval before.
    """

    at: float
    stable: ArmCounts | None = None
    canary: ArmCounts | None = None
    weight: float = 0.0
    step: int | None = None
    interval_s: float | None = None

    def sample(self, interval_s: float) -> Sample:
        """The interval as the core knows it, with the length that it has come to."""
        stable, canary = _arm(self.stable), _arm(self.canary)
        problems: tuple[str, ...] = ()
        if stable is None or canary is None:
            pairs = (("stable", stable), ("canary", canary))
            problems = tuple([f"{name} was not measured" for name, arm in pairs if arm is None])
        return Sample(NOWHERE, self.at, interval_s, round(self.weight), stable, canary, problems)


def _arm(arm: ArmCounts | None) -> Arm | None:
    if arm is None:
        return None
    latency = arm.latency_ms
    return Arm(
        arm.requests,
        arm.errors,
        Histogram(latency.le, latency.count) if latency is not None else None,
        {f"{k:04}": Counts(one.requests, one.errors) for k, one in enumerate(arm.instances)},
        {name: Mean(mean.sum, mean.n) for name, mean in arm.means.items()},
    )
