"""Results of a load, as data. Times are seconds since it began; latencies are milliseconds."""

import math
from typing import Literal

import msgspec

from headgate.lab.load.load import Load

# The names of versions that no answer gave.
UNNAMED = "(unnamed)"  # answered without the version header
UNANSWERED = "(unanswered)"
OTHERS = "(others)"  # there were too many names to count each


class Latency(msgspec.Struct, frozen=True):
    """How long requests took from when they were due: answers of any status, and timeouts.

    `buckets` are (upper bound in ms, count), rising, without empty ones; a bound is at most 4% above what it
    counts. Quantiles are None where there is nothing to tell.
    """

    count: int
    mean_ms: float | None
    p50_ms: float | None
    p90_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    max_ms: float | None
    buckets: tuple[tuple[float, int], ...]

    def quantile_ms(self, share: float) -> float | None:
        """The latency that `share` (0 to 1) of the requests did not exceed."""
        return quantile_ms(self.buckets, self.max_ms, share)

    def over(self, limit_ms: float) -> int:
        """How many took longer than `limit_ms`, to the precision of the buckets."""
        return sum(count for upper_ms, count in self.buckets if upper_ms > limit_ms)


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """Requests by how they ended: all of them, and those that were not answered below 400."""

    requests: int
    failed: int  # 5xx
    refused: int  # 4xx
    resets: int  # the connection broke, or what came was not HTTP
    connect_errors: int  # no connection was made
    timeouts: int
    latency: Latency

    @property
    def bad(self) -> int:
        """All that a customer would call broken: 5xx, resets, connect errors and timeouts."""
        return self.failed + self.resets + self.connect_errors + self.timeouts


class StepCounts(msgspec.Struct, frozen=True, kw_only=True):
    """One step of one journey. `met` counts the answers below 400 that had what the step wants, `unmet` the others."""

    counts: Counts
    met: int
    unmet: int


class JourneyCounts(msgspec.Struct, frozen=True, kw_only=True):
    """Journeys by how they ended, in the window in which they did (`started`: in which they began).

    `unmet` went to their end, but some answer did not have what it must; `broken` ended at a request without
    success.
    """

    started: int
    completed: int
    unmet: int
    broken: int


class Window(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="window"):
    """What ended between `from_s` and `to_s`. `versions` is by version header; `steps` is by "journey.step"."""

    from_s: float
    to_s: float
    counts: Counts
    versions: dict[str, Counts]
    steps: dict[str, StepCounts]
    journeys: dict[str, JourneyCounts]

    @property
    def requests_per_s(self) -> float:
        """Requests that ended, by the second."""
        return self.counts.requests / (self.to_s - self.from_s) if self.to_s > self.from_s else 0.0


class Results(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="results"):
    """A whole run. `started_at` is in seconds since the epoch.

    `not_started` journeys were due and found no room under `concurrency_max` in time; `unfinished` ones had
    steps left long after the end. `late_ms_max` is the most that a journey began after it was due, for any reason;
    `cpu_s` is what this thread used.
    """

    load: Load
    started_at: float
    ended: Literal["duration", "count", "stopped"]
    not_started: int
    unfinished: int
    late_ms_max: float
    cpu_s: float
    total: Window
    windows: tuple[Window, ...]


def quantile_ms(buckets: tuple[tuple[float, int], ...], max_ms: float | None, share: float) -> float | None:
    """The upper bound of the bucket in which `share` of everything is reached, and never above `max_ms`."""
    if max_ms is None:
        return None
    rank = max(1, math.ceil(share * sum(count for _, count in buckets)))
    seen = 0
    for upper_ms, count in buckets:
        seen += count
        if seen >= rank:
            return min(upper_ms, max_ms)
    return max_ms
