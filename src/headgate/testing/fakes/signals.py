"""Signals in memory: what was recorded is what is read. For tests and the simulation."""

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from itertools import accumulate

from headgate.core.model import Arm, Counts, Histogram, Mean, Version
from headgate.ports.errors import Temporary

LE_MS = (1.0, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1000.0, 2500.0, 5000.0, 10000.0)


class MemorySignals:
    """Counters by version. A version is unknown until something, be it nothing, was recorded of it."""

    def __init__(self, le_ms: tuple[float, ...] = LE_MS) -> None:
        self._le_ms = le_ms
        self._arms: dict[Version, Arm] = {}

    def record(  # the counts of an arm, and who they are of
        self,
        version: Version,
        *,
        requests: int = 0,
        errors: int = 0,
        latency_ms: Iterable[float] = (),
        instance: str = "",
        means: Mapping[str, Mean] | None = None,
    ) -> None:
        """Add to the counters. `latency_ms` are single observations, at most one per request."""
        before = self._arms.get(version, Arm(latency_ms=Histogram(self._le_ms, (0,) * len(self._le_ms))))
        instances = dict(before.instances)
        if instance:
            known = instances.get(instance, Counts(0, 0))
            instances[instance] = Counts(known.requests + requests, known.errors + errors)
        self._arms[version] = Arm(
            requests=before.requests + requests,
            errors=before.errors + errors,
            latency_ms=_observed(before.latency_ms, latency_ms),
            instances=instances,
            means=_added(before.means, means or {}),
        )

    def forget(self, version: Version) -> None:
        """Lose the counters, as a proxy that starts again does."""
        self._arms.pop(version, None)

    async def read(self, version: Version) -> Arm:
        """See ports.Signals. Raises Temporary for a version nothing was recorded of."""
        if version not in self._arms:
            raise Temporary(f"nothing is known of {version}")
        return self._arms[version]


def _observed(before: Histogram | None, latency_ms: Iterable[float]) -> Histogram | None:
    if before is None:
        return None
    added = [0] * (len(before.le) + 1)
    for observation in latency_ms:
        added[bisect_left(before.le, observation)] += 1
    cumulative = accumulate(added[:-1])
    return Histogram(before.le, tuple(old + new for old, new in zip(before.count, cumulative, strict=True)))


def _added(before: Mapping[str, Mean], means: Mapping[str, Mean]) -> dict[str, Mean]:
    nothing = Mean(0.0, 0)
    return {
        name: Mean(
            before.get(name, nothing).sum + means.get(name, nothing).sum,
            before.get(name, nothing).n + means.get(name, nothing).n,
        )
        for name in {**before, **means}
    }
