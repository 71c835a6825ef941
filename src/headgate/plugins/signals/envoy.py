"""Envoy's counters as signals: what clients were answered, per version.

* A request counts when it is over: a response that came to its end, or a failure. A response that is still being sent
  is in no count yet. Retried attempts count once, as the client saw them.
* An error is an answer 5xx, the service's own or the proxy's on its behalf (no connection, reset, silence, no
  instance), or a response that broke off. A call of gRPC is judged by its own status, in whichever place it came: those
  of `GRPC_ERRORS` are errors, the others are answers to what the client asked. Failures that no response came from have
  no latency: they are in `requests` and in no bucket, that is, slower than every bound.
* `instances` are counted by address, from counters that are read a little later: together they are never more than the
  arm, over any interval, and what is held back for that comes with the next reading. A broken-off response counts as
  good there, and a failure without an instance is in none.
* The mean `answered` is the share of requests that clients waited for: a version that hangs makes clients give up long
  before the proxy calls it an error.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar
from urllib.parse import quote

import msgspec

from headgate.core.model import Arm, Counts, Histogram, Mean, Version
from headgate.ports.errors import UNREADABLE, Temporary, why

T = TypeVar("T")

Fetch = Callable[[str], Awaitable[bytes]]

ANSWERED = "answered"
FRESH_S = 0.05
"""A reading this young serves another arm too, so that both arms are read at the same time, and once."""

MERGE_WITHIN_S = 1.0
_PAUSE_FIRST_S, _PAUSE_MAX_S = 0.001, 0.05
_MERGED_AFTER = 3
_TOTAL_FROM_MS = 1e8  # a bucket as wide as this one counts everything
_BEGUN = ("rq_total", "rq_cancelled", "rq_pending_failure_eject", "rq_pending_overflow", "cx_none_healthy")
_ENDED = ("rq_completed", "rq_active", "rq_pending_active", "rq_retry")
_ERRORS = ("rq_5xx", "rq_502", "cx_protocol_error")
GRPC_ERRORS = ("2", "4", "12", "13", "14", "15")
"""UNKNOWN, DEADLINE_EXCEEDED, UNIMPLEMENTED, INTERNAL, UNAVAILABLE and DATA_LOSS: what OpenTelemetry's conventions for
RPC call an error of the server."""

_COUNTED = "|".join((*_BEGUN, *_ENDED, *_ERRORS, "rq_time"))
_GRPC = "grpc."
_FLUSHES = "server.dropped_stat_flushes"
_FILTER = quote(
    rf"^(cluster\.[^.]+\.(upstream_({_COUNTED})|grpc\.({'|'.join(GRPC_ERRORS)}))|{_FLUSHES})$".replace(
        "server.", r"server\."
    )
)
_STATS = f"/stats?format=json&histogram_buckets=cumulative&filter={_FILTER}"
_CLUSTERS = "/clusters?format=json"


class EnvoySignals:
    """Reads Envoy's admin interface: `fetch` gets one of its paths, `cluster` is the name of a version's cluster.

    `fetch` raises Temporary when Envoy does not answer.
    """

    def __init__(self, fetch: Fetch, cluster: Callable[[Version], str]) -> None:
        self._fetch = fetch
        self._cluster = cluster
        self._series: dict[str, _Series] = {}
        self._reading: asyncio.Task[dict[str, Arm]] | None = None
        self._read_at = 0.0

    async def read(self, version: Version) -> Arm:
        """Counters since the proxy started. Raises Temporary when it does not answer or does not know the version."""
        arms = await self._shared()
        arm = arms.get(self._cluster(version))
        if arm is None:
            raise Temporary(f"the proxy has no cluster for {version}, so nothing is known of it")
        return arm

    async def _shared(self) -> dict[str, Arm]:
        """The present reading of every version, or a new one."""
        task, loop = self._reading, asyncio.get_running_loop()
        if task is None or task.get_loop() is not loop or (task.done() and not self._fresh(task)):
            task = self._reading = loop.create_task(self._read_all())
        return await asyncio.shield(task)

    def _fresh(self, done: asyncio.Task[dict[str, Arm]]) -> bool:
        failed = done.cancelled() or done.exception() is not None
        return not failed and time.monotonic() - self._read_at <= FRESH_S

    async def _read_all(self) -> dict[str, Arm]:
        earlier, now = await self._merged()
        instances = _instances(await self._fetch(_CLUSTERS))
        self._read_at = time.monotonic()
        known = {name for name, counts in now.items() if "rq_total" in counts.values}
        self._series = {name: self._series.get(name, _Series()) for name in known}
        nothing = _Counts({}, None)
        return {
            name: self._series[name].arm(earlier.get(name, nothing), now[name], instances.get(name, {}))
            for name in sorted(known)
        }

    async def _merged(self) -> tuple["_Clusters", "_Clusters"]:
        """Two readings, the second of which has in its histograms all that the first one had counted.

        Worker threads keep histograms of their own. Each reading has them merged, but answers before that is done, so
        the third one shows what was merged after the first. It does if no merge was still under way when the second
        and the third asked for theirs (Envoy counts such a flush as dropped).
        """
        until, pause_s = time.monotonic() + MERGE_WITHIN_S, _PAUSE_FIRST_S
        readings: list[tuple[_Clusters, int]] = []
        while time.monotonic() < until:
            readings = [*readings, _clusters(await self._fetch(_STATS))][-_MERGED_AFTER:]
            if len(readings) == _MERGED_AFTER and len({dropped for _, dropped in readings}) == 1:
                return readings[0][0], readings[-1][0]
            await asyncio.sleep(pause_s)
            if len(readings) == _MERGED_AFTER:  # a merge takes longer than the pause: the workers are busy
                pause_s = min(pause_s * 2, _PAUSE_MAX_S)
        raise Temporary(f"Envoy has not merged its histograms in {MERGE_WITHIN_S:g} s: it is overloaded")


class _Counts(msgspec.Struct, frozen=True):
    """One cluster's counters, by name without `upstream_`, and its histogram with a last bucket for everything."""

    values: dict[str, int]
    latency: Histogram | None

    def total(self, *names: str) -> int:
        return sum(self.values.get(name, 0) for name in names)

    @property
    def finished(self) -> int:
        """Requests whose response came to its end."""
        return self.latency.count[-1] if self.latency is not None else 0

    @property
    def errors(self) -> int:
        """Answers 5xx, failed calls of gRPC, and broken-off responses: protocol errors that were not answered 502."""
        failed = self.total(*(f"{_GRPC}{status}" for status in GRPC_ERRORS))
        return self.total("rq_5xx") + failed + max(0, self.total("cx_protocol_error") - self.total("rq_502"))

    @property
    def abandoned(self) -> int:
        """Requests whose client left before an answer began: those that began, less those that ended or go on."""
        return self.total(*_BEGUN) - self.total(*_ENDED)


_Clusters = dict[str, _Counts]


class _Series:
    """What was read of one cluster until now: keeps its counts consistent from one reading to the next.

    Two counters are never read at the same instant. What is given out satisfies, over every interval:
    errors <= requests, latency observations <= requests, and the instances' sums <= the arm's.
    """

    def __init__(self) -> None:
        self._before: _Counts | None = None
        self._unanswered = 0
        self._abandoned = 0
        self._requests = 0
        self._errors = 0
        self._instances: dict[str, Counts] = {}

    def arm(self, earlier: _Counts, now: _Counts, instances: dict[str, Counts]) -> Arm:
        if self._before is not None and _fell(self._before, now):
            self.__init__()  # type: ignore[misc]  # Envoy started again: its counters did, too
        self._before = now
        # Whatever `earlier` had counted is finished in `now`, or has failed without a response.
        self._unanswered = max(self._unanswered, earlier.total("rq_completed") - now.finished)
        self._abandoned = max(self._abandoned, min(earlier.abandoned, now.abandoned))
        requests = now.finished + self._unanswered
        errors = min(max(self._errors, earlier.errors), self._errors + requests - self._requests)
        self._instances = _shared_out(
            self._instances, instances, Counts(requests - self._requests, errors - self._errors)
        )
        self._requests, self._errors = requests, errors
        answered = Mean(float(requests), requests + self._abandoned)
        return Arm(requests, errors, _without_total(now.latency), self._instances, {ANSWERED: answered})


def _fell(before: _Counts, now: _Counts) -> bool:
    counters = ("rq_completed", "rq_total", "rq_5xx", *(f"{_GRPC}{status}" for status in GRPC_ERRORS))
    return now.finished < before.finished or any(now.total(name) < before.total(name) for name in counters)


def _shared_out(before: dict[str, Counts], raw: dict[str, Counts], added: Counts) -> dict[str, Counts]:
    """What the instances have counted, as far as `added` (to all of them together since `before`) allows."""
    nothing = Counts(0, 0)
    known = {
        name: old if (old := before.get(name, nothing)).requests <= now.requests else nothing
        for name, now in raw.items()
    }
    requests = _at_most(
        added.requests, {name: now.requests - known[name].requests for name, now in raw.items()}
    )
    errors = {name: max(0, min(requests[name], now.errors - known[name].errors)) for name, now in raw.items()}
    errors = _at_most(added.errors, errors)
    return {
        name: Counts(old.requests + requests[name], old.errors + errors[name]) for name, old in known.items()
    }


def _at_most(limit: int, shares: dict[str, int]) -> dict[str, int]:
    """`shares`, made smaller in proportion, by whole numbers, until their sum is at most `limit`."""
    total = sum(shares.values())
    if total <= limit:
        return shares
    cut: dict[str, int] = {}
    for name, share in shares.items():
        cut[name] = share * limit // total if total else 0
        limit, total = limit - cut[name], total - share
    return cut


def _without_total(latency: Histogram | None) -> Histogram | None:
    if latency is None or latency.le[-1] < _TOTAL_FROM_MS:
        return latency
    return Histogram(latency.le[:-1], latency.count[:-1])


# --- Envoy's answers: what is not of this shape is no answer ---


class _Bucket(msgspec.Struct, frozen=True):
    upper_bound: float
    cumulative: float


class _Buckets(msgspec.Struct, frozen=True):
    name: str
    buckets: list[_Bucket] = []


class _Stat(msgspec.Struct, frozen=True):
    """A counter with its name, or all histograms without one."""

    name: str = ""
    value: int = 0
    histograms: list[_Buckets] = []


class _Stats(msgspec.Struct, frozen=True):
    stats: list[_Stat]


class _Socket(msgspec.Struct, frozen=True):
    address: str = ""
    port_value: int = 0


class _Address(msgspec.Struct, frozen=True):
    socket_address: _Socket = _Socket()


class _HostStat(msgspec.Struct, frozen=True):
    name: str
    value: int = 0


class _Host(msgspec.Struct, frozen=True):
    address: _Address
    stats: list[_HostStat] = []


class _Cluster(msgspec.Struct, frozen=True):
    name: str
    host_statuses: list[_Host] = []


class _ClusterStatuses(msgspec.Struct, frozen=True):
    cluster_statuses: list[_Cluster] = []


def _decoded(body: bytes, kind: type[T]) -> T:
    """An answer of this kind; whole numbers of 64 bits come as text. Raises Temporary."""
    try:
        return msgspec.json.decode(body, type=kind, strict=False)
    except UNREADABLE as error:
        raise Temporary(f"Envoy's admin interface answered in another shape: {why(error)}") from None


def _clusters(body: bytes) -> tuple[_Clusters, int]:
    """The clusters in an answer of `/stats`, and how many flushes had been dropped. Raises Temporary."""
    values: dict[str, dict[str, int]] = {}
    latencies: dict[str, Histogram] = {}
    dropped = 0
    for stat in _decoded(body, _Stats).stats:
        if stat.name == _FLUSHES:
            dropped = stat.value
        elif stat.name:
            cluster, name = _named(stat.name)
            values.setdefault(cluster, {})[name.removeprefix("upstream_")] = stat.value
        for found in (one for one in stat.histograms if one.buckets):
            latencies[_named(found.name)[0]] = _histogram(found.buckets)
    return {name: _Counts(counts, latencies.get(name)) for name, counts in values.items()}, dropped


def _named(name: str) -> tuple[str, str]:
    """The cluster in a statistic's name, and what follows it. Raises Temporary."""
    parts = name.split(".", maxsplit=2)
    if len(parts) != 3:  # noqa: PLR2004 - `cluster`, its name, and what is counted
        raise Temporary(f"Envoy answered a statistic that was not asked for: {name[:100]!r}")
    return parts[1], parts[2]


def _histogram(buckets: list[_Bucket]) -> Histogram:
    le = tuple(bucket.upper_bound for bucket in buckets)
    return Histogram(le, tuple(int(bucket.cumulative) for bucket in buckets))


def _instances(body: bytes) -> dict[str, dict[str, Counts]]:
    """Requests and errors by cluster and address. Hosts that answered nothing yet are there, with zeros."""
    found: dict[str, dict[str, Counts]] = {}
    for cluster in _decoded(body, _ClusterStatuses).cluster_statuses:
        hosts = found.setdefault(cluster.name, {})
        for host in cluster.host_statuses:
            place = host.address.socket_address
            stats = {stat.name: stat.value for stat in host.stats}
            errors = stats.get("rq_error", 0)
            hosts[f"{place.address}:{place.port_value}"] = Counts(stats.get("rq_success", 0) + errors, errors)
    return found
