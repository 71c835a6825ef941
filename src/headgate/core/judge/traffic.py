"""Traffic of a service, as a planner knows it: how many cases it gets, and how many of them are bad on a good day."""

import msgspec

LEAST_BASE = 1e-6
"""A service that never failed yet is taken to fail this often."""


class Traffic(msgspec.Struct, frozen=True, cache_hash=True):
    """`rate` cases a second in all, of which the share `base` counts (errors, slow requests, orders).

    They come in bursts of dispersion `phi`.
    """

    rate: float
    base: float
    phi: float = 1.0

    @property
    def share(self) -> float:
        """The base, never quite 0 or 1."""
        return min(max(self.base, LEAST_BASE), 0.999)

    @property
    def factor_max(self) -> float:
        """The worst there is: every request of the canary fails."""
        return 1 / self.share

    def canary_errors(self, weight: float, factor: float) -> float:
        """The canary's counts a second, at a weight in percent and `factor` times stable's share."""
        return self.rate * weight / 100 * min(self.share * factor, 1.0)

    def stable_errors(self, weight: float) -> float:
        """Stable's counts a second."""
        return self.rate * (1 - weight / 100) * self.share


class Stretch(msgspec.Struct, frozen=True):
    """A time in which the canary has `weight` percent of the traffic."""

    weight: float
    seconds: float


class Workload(msgspec.Struct, frozen=True):
    """A service on a good day, as stable has it.

    `slow` is the share of requests over each latency bound (ms, rising); `signals` the cases and the share of each
    business signal that counts, by name. What is empty or missing there is not known. `fresh`: the canary is compared
    with a fresh baseline.
    """

    errors: Traffic
    slow: tuple[tuple[float, float], ...] = ()
    signals: tuple[tuple[str, Traffic], ...] = ()
    fresh: bool = False
