"""What was measured in one interval, per arm: integer counts, never rates, so that any verdict can be replayed."""

import msgspec

from headgate.core.model.identity import Unit


class Histogram(msgspec.Struct, frozen=True):
    """Cumulative counts: `count[i]` observations were at most `le[i]` (milliseconds, rising).

    Observations over the last bound are in the arm's `requests` and in no bucket.
    """

    le: tuple[float, ...]
    count: tuple[int, ...]


class Counts(msgspec.Struct, frozen=True):
    """Requests and errors of one instance."""

    requests: int
    errors: int


class Mean(msgspec.Struct, frozen=True):
    """A business signal: the sum of a bounded quantity over `n` cases (completed orders over checkouts)."""

    sum: float
    n: int


class Arm(msgspec.Struct, frozen=True):
    """One arm's counts: over an interval in a `Sample`, or since the beginning when a source is read."""

    requests: int = 0
    errors: int = 0
    latency_ms: Histogram | None = None
    instances: dict[str, Counts] = {}
    means: dict[str, Mean] = {}


class Sample(msgspec.Struct, frozen=True):
    """One interval of one unit. `at` is its end (seconds since the epoch), `interval_s` its length in seconds.

    An arm that could not be read is None and `problems` says why: unknown, which is neither zero nor good.
    `weight` is the canary's percentage during the interval: a change of weight closes one sample and opens the next.
    `readings` are the counters themselves at `at` (stable, canary): where the next sample starts, also after a crash.
    """

    unit: Unit
    at: float
    interval_s: float
    weight: int
    stable: Arm | None
    canary: Arm | None
    problems: tuple[str, ...] = ()
    readings: tuple[Arm | None, Arm | None] = (None, None)


def _histogram_since(before: Histogram | None, after: Histogram | None) -> Histogram | None:
    if after is None or before is None or before.le != after.le:
        return after
    count = tuple(new - old for old, new in zip(before.count, after.count, strict=True))
    return after if any(n < 0 for n in count) else Histogram(after.le, count)


def _counts_since(before: Counts | None, after: Counts) -> Counts:
    if before is None or after.requests < before.requests or after.errors < before.errors:
        return after
    return Counts(after.requests - before.requests, after.errors - before.errors)


def _mean_since(before: Mean | None, after: Mean) -> Mean:
    if before is None or after.n < before.n:
        return after
    return Mean(after.sum - before.sum, after.n - before.n)


def since(before: Arm, after: Arm) -> Arm:
    """What happened between two readings of the same counters.

    A counter that went down was reset (its process or the proxy restarted): it then counts from zero, as Prometheus'
    `increase` has it, series by series; errors missing beside requests are zero.
    """
    total = _counts_since(Counts(before.requests, before.errors), Counts(after.requests, after.errors))
    return Arm(
        requests=total.requests,
        errors=total.errors,
        latency_ms=_histogram_since(before.latency_ms, after.latency_ms),
        instances={name: _counts_since(before.instances.get(name), now) for name, now in after.instances.items()},
        means={name: _mean_since(before.means.get(name), now) for name, now in after.means.items()},
    )
