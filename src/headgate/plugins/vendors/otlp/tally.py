"""The counters of one version by one measure: they only rise."""

from itertools import accumulate

from headgate.core.model import Arm, Counts, Histogram
from headgate.plugins.vendors.otlp.spread import Buckets

INSTANCES_MAX = 256
LAYOUTS_MAX = 4
OTHERS = "others"
"""Where instances over INSTANCES_MAX are counted together."""


class Tally:
    """Requests and errors in all and by instance, and latencies by the bounds they came with."""

    def __init__(self) -> None:
        self._instances: dict[str, Counts] = {}
        self._layouts: dict[tuple[float, ...], list[int]] = {}
        self._spread_all = True

    def add(self, instance: str, counts: Counts, buckets: Buckets | None = None) -> None:
        """Count what was added; without `buckets`, nothing can be said of the latency of these requests."""
        name = instance if instance in self._instances or len(self._instances) < INSTANCES_MAX else OTHERS
        before = self._instances.get(name, Counts(0, 0))
        self._instances[name] = Counts(before.requests + counts.requests, before.errors + counts.errors)
        known = buckets is not None and (buckets.le_ms in self._layouts or len(self._layouts) < LAYOUTS_MAX)
        if buckets is not None and known:
            layout = self._layouts.setdefault(buckets.le_ms, [0] * len(buckets.le_ms))
            for index, n in enumerate(buckets.count):
                layout[index] += n
        elif counts.requests:
            self._spread_all = False

    def arm(self) -> Arm:
        """The counters as they are now. Latency is told only where it is known of every request."""
        return Arm(
            requests=sum(counts.requests for counts in self._instances.values()),
            errors=sum(counts.errors for counts in self._instances.values()),
            latency_ms=self._latency() if self._spread_all else None,
            instances=dict(self._instances),
        )

    def _latency(self) -> Histogram | None:
        """All layouts over the bounds that they have in common: there, cumulative counts add up exactly."""
        layouts = {le: dict(zip(le, accumulate(count), strict=True)) for le, count in self._layouts.items()}
        if not layouts:
            return None
        shared = sorted(bound for bound in next(iter(layouts)) if all(bound in le for le in layouts))
        if not shared:
            return None
        return Histogram(
            tuple(shared), tuple(sum(one[bound] for one in layouts.values()) for bound in shared)
        )
