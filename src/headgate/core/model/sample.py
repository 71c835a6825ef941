"""A sample: what was measured in one interval, per arm, as integer counts, so that any verdict can be replayed."""

import msgspec
from msgspec.structs import replace

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
    """One arm's counts: over an interval in a `Sample`, or since the beginning when a source is read.

    `gauges` are no counts: what each instance showed last (memory in bytes, threads), by the gauge's name.
    """

    requests: int = 0
    errors: int = 0
    latency_ms: Histogram | None = None
    instances: dict[str, Counts] = {}
    means: dict[str, Mean] = {}
    gauges: dict[str, dict[str, float]] = {}


class Sample(msgspec.Struct, frozen=True):
    """One interval of one unit. `at` is its end (seconds since the epoch), `interval_s` its length in seconds.

    An arm that could not be read is None and `problems` says why: unknown, which is neither zero nor good.
    `weight` is the canary's percentage during the interval: a change of weight closes one sample and opens the next.
    `readings` are the counters themselves at `at` (stable, canary): where the next sample starts, also after a crash.
    `fresh` is the part of `stable` that was started with the canary and is compared with it (None: there is none), and
    `fresh_reading` its counters; `readings` has those of the rest of stable then.
    """

    unit: Unit
    at: float
    interval_s: float
    weight: int
    stable: Arm | None
    canary: Arm | None
    problems: tuple[str, ...] = ()
    readings: tuple[Arm | None, Arm | None] = (None, None)
    fresh: Arm | None = None
    fresh_reading: Arm | None = None


def _counts_since(before: Counts | None, after: Counts) -> Counts:
    """A process restarts with all of its counters: one that went down means both count from zero."""
    if before is None or after.requests < before.requests or after.errors < before.errors:
        return after
    return Counts(after.requests - before.requests, after.errors - before.errors)


def _instances_since(before: Arm, after: Arm) -> dict[str, Counts]:
    if before.requests and not before.instances:
        return {}  # nothing to compare them with
    return {name: _counts_since(before.instances.get(name), now) for name, now in after.instances.items()}


def _summed(arm: Arm) -> bool:
    counts = arm.instances.values()
    return sum(c.requests for c in counts) == arm.requests and sum(c.errors for c in counts) == arm.errors


def _by_instance(before: Arm, after: Arm) -> bool:
    """Whether the totals are, before and after, the sums of the instances: then each of them has its own counter.

    A source may read totals and instances a moment apart; such a reading is compared by its totals.
    """
    return bool(after.instances) and _summed(before) and _summed(after)


def _total_since(before: Arm, after: Arm, instances: dict[str, Counts]) -> Counts:
    if not _by_instance(before, after):
        return _counts_since(Counts(before.requests, before.errors), Counts(after.requests, after.errors))
    return Counts(sum(c.requests for c in instances.values()), sum(c.errors for c in instances.values()))


def _histogram_since(before: Histogram | None, after: Histogram | None, requests: int) -> Histogram | None:
    if after is None:
        return None
    if before is not None and before.le == after.le:
        count = tuple(new - old for old, new in zip(before.count, after.count, strict=True))
        if all(n >= 0 for n in count):
            return Histogram(after.le, count)
    return after if not after.count or after.count[-1] <= requests else None


def _mean_since(before: Mean | None, after: Mean) -> Mean:
    if before is None or after.n < before.n or after.sum < before.sum:
        return after
    return Mean(after.sum - before.sum, after.n - before.n)


def since(before: Arm, after: Arm) -> Arm:
    """What happened between two readings of the same counters.

    A counter that went down was reset (its process or the proxy restarted): it then counts from zero, as Prometheus'
    `increase` has it, series by series before anything is summed. Where the totals are the sums of the instances, an
    instance that went away takes nothing with it, and one that restarted or is new counts from zero. A histogram that
    was reset, is new or has other bounds counts from zero only where no more is in it than the interval's requests;
    otherwise it is unknown (None). Errors missing beside requests are zero. A gauge stays as it was read last.
    """
    instances = _instances_since(before, after)
    total = _total_since(before, after, instances)
    return replace(
        after,
        requests=total.requests,
        errors=total.errors,
        latency_ms=_histogram_since(before.latency_ms, after.latency_ms, total.requests),
        instances=instances,
        means={name: _mean_since(before.means.get(name), now) for name, now in after.means.items()},
    )


def carried(before: Arm, after: Arm) -> Arm:
    """The newest of every series: `after`, with what it lacks (a source that did not answer) as it was `before`.

    It is what the next reading is to be compared with: a series that was away and comes back is not a new one. Totals
    that are the sums of the instances stay so. An old gauge is of no use to anybody: those of `after` alone are kept.
    """
    away = {name: counts for name, counts in before.instances.items() if name not in after.instances}
    kept = away if after.instances and _summed(after) else {}
    return replace(
        after,
        requests=after.requests + sum(c.requests for c in kept.values()),
        errors=after.errors + sum(c.errors for c in kept.values()),
        latency_ms=after.latency_ms or before.latency_ms,
        instances=after.instances | kept,
        means=before.means | after.means,
    )


def together(one: Arm, other: Arm) -> Arm:
    """Two parts of one arm as a whole. Latencies are unknown where only one of them has any, or bounds differ."""
    return Arm(
        requests=one.requests + other.requests,
        errors=one.errors + other.errors,
        latency_ms=_latencies(one, other),
        instances={
            name: _added(one.instances.get(name), other.instances.get(name))
            for name in one.instances | other.instances
        },
        means={
            name: _mean_of(one.means.get(name), other.means.get(name)) for name in one.means | other.means
        },
        gauges={
            name: one.gauges.get(name, {}) | other.gauges.get(name, {}) for name in one.gauges | other.gauges
        },
    )


def _latencies(one: Arm, other: Arm) -> Histogram | None:
    mine, theirs = one.latency_ms, other.latency_ms
    if mine is None or theirs is None:
        silent = other if theirs is None else one
        return None if silent.requests else mine or theirs
    if mine.le != theirs.le:
        return None
    return Histogram(mine.le, tuple(a + b for a, b in zip(mine.count, theirs.count, strict=True)))


def _added(one: Counts | None, other: Counts | None) -> Counts:
    nothing = Counts(0, 0)
    a, b = one or nothing, other or nothing
    return Counts(a.requests + b.requests, a.errors + b.errors)


def _mean_of(one: Mean | None, other: Mean | None) -> Mean:
    nothing = Mean(0.0, 0)
    a, b = one or nothing, other or nothing
    return Mean(a.sum + b.sum, a.n + b.n)
