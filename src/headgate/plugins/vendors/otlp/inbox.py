"""Everything that was sent to one address: deliveries in, counters per version out."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Literal

from headgate.core.model import Arm, Counts
from headgate.core.traces import Party, RequestOutcome
from headgate.plugins.vendors.otlp import metrics, protocol, spans
from headgate.plugins.vendors.otlp.book import Book
from headgate.plugins.vendors.otlp.resource import Batch, Point
from headgate.plugins.vendors.otlp.spread import single
from headgate.plugins.vendors.otlp.streams import Refused, Streams, Tally
from headgate.ports.errors import Permanent
from headgate.ports.receiver import Delivery, Reply

VERSIONS_MAX = 256
"""A version over it is refused until another one was silent for VERSION_IDLE_S."""

VERSION_IDLE_S = 600.0
WAITING_MAX = 32
"""So many deliveries may wait to be decoded; one is decoded at a time, beside the event loop."""

METRICS_MAX = 8
"""So many metrics are counted, over all sources."""

SLICE = 500
"""So many facts are counted before others have their turn."""

_MS_NS = 1e6

Measure = Literal["metrics", "traces", "logs"]
TRACES, BOUNDARY, LOGS = "traces", "traces, where errors began", "logs"
"""What is counted beside the metrics, which are called by their names."""

_MEASURES: dict[str, Measure] = {
    protocol.METRICS: "metrics",
    protocol.TRACES: "traces",
    protocol.LOGS: "logs",
}


@dataclass(frozen=True, order=True)
class Name:
    """A version as senders name it."""

    service: str
    version: str
    environment: str


@dataclass(frozen=True)
class Loss:
    """Something of a version could not be counted. `at` is in seconds since the epoch."""

    at: float
    why: str


@dataclass
class Known:
    """What has come of one version, and by measure and metric what was lost. Times are in seconds since the epoch."""

    heard_at: dict[Measure, float] = field(default_factory=dict[Measure, float])
    tallies: dict[str, Tally] = field(default_factory=dict[str, Tally])
    incomplete: dict[tuple[Measure, str], Loss] = field(default_factory=dict[tuple[Measure, str], Loss])

    def arm(self, column: str) -> Arm:
        """The counters of one column: zeros where nothing was counted."""
        return self.tallies[column].arm() if column in self.tallies else Arm()

    def tally(self, column: str) -> Tally:
        """The counters of one column, to be added to."""
        return self.tallies.setdefault(column, Tally())

    @property
    def last_at(self) -> float:
        """When anything was heard last."""
        return max(self.heard_at.values(), default=0.0)


class Inbox:
    """A receiver of OTLP, shared by every source that names its address."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._wait_s = 0.0
        self._known: dict[Name, Known] = {}
        self._streams: dict[str, Streams] = {}
        self._book = Book()
        self._decoding = asyncio.Lock()
        self._waiting = 0

    # --- for sources -------------------------------------------------------------------------------------------------

    def attend(self, metric: str, wait_s: float) -> None:
        """Count this metric from now on, and give traces at least so long to be complete. Raises Permanent."""
        if metric not in self._streams:
            if len(self._streams) >= METRICS_MAX:
                raise Permanent(f"{metric}: {METRICS_MAX} other metrics are counted at this address already")
            self._streams[metric] = Streams(self._now())
        self._wait_s = max(self._wait_s, wait_s)

    async def known(self, name: Name) -> Known | None:
        """What has come of a version until now."""
        await self._settle()
        return self._known.get(name)

    def names(self) -> list[Name]:
        """Every version that something has come of."""
        return sorted(self._known)

    # --- for senders -------------------------------------------------------------------------------------------------

    @property
    def paths(self) -> tuple[str, ...]:
        """See ports.receiver.Receiver."""
        return protocol.PATHS

    def refuse(self, delivery: Delivery, status: int, reason: str) -> Reply:
        """See ports.receiver.Receiver."""
        return protocol.refused(delivery.content_type, status, reason)

    async def receive(self, delivery: Delivery) -> Reply:
        """See ports.receiver.Receiver."""
        kind = delivery.content_type
        if kind not in (protocol.PROTOBUF, protocol.JSON):
            return self.refuse(delivery, 415, f"send {protocol.PROTOBUF} or {protocol.JSON}")
        if self._waiting >= WAITING_MAX:
            return self.refuse(
                delivery, 429, "more comes than can be worked off: send larger batches, less often"
            )
        self._waiting += 1
        try:
            async with self._decoding:
                batch = await asyncio.to_thread(_read, delivery, frozenset(self._streams))
                await self._count(batch, _MEASURES[delivery.path])
        except protocol.Malformed as malformed:
            return self.refuse(delivery, 400, str(malformed))
        finally:
            self._waiting -= 1
        return protocol.accepted(delivery.path, kind, batch.rejected, batch.why)

    async def _count(self, batch: Batch, measure: Measure) -> None:
        now = self._now()
        for sender in batch.heard:
            self._heard(batch, sender, measure, now)
        for party, counts in batch.logged.items():
            if (known := self._of(party)) is not None:
                known.tally(LOGS).add(party.instance, counts)
        for number, point in enumerate(batch.points):
            self._count_point(batch, point, now)
            if number % SLICE == SLICE - 1:
                await asyncio.sleep(0)
        for number, span in enumerate(batch.spans):
            for outcomes in self._book.add(span, now):
                self._count_requests(outcomes)
            if number % SLICE == SLICE - 1:
                await asyncio.sleep(0)
        await self._settle()
        for (sender, metric), why in batch.incomplete.items():
            if (known := self._of(sender)) is not None:
                known.incomplete[measure, metric] = Loss(now, why)

    async def _settle(self) -> None:
        """Count the requests of every trace that is over, letting others have their turn between traces."""
        counted = 0
        for outcomes in self._book.over(self._now(), self._wait_s):
            self._count_requests(outcomes)
            counted += len(outcomes)
            if counted >= SLICE:
                counted = 0
                await asyncio.sleep(0)

    def _heard(self, batch: Batch, sender: Party, measure: Measure, now: float) -> None:
        known = self._of(sender)
        if known is None:
            self._make_room(now)
            if len(self._known) >= VERSIONS_MAX:
                batch.reject(1, f"more than {VERSIONS_MAX} versions at once")
                return
            known = self._known[_name(sender)] = Known()
        known.heard_at[measure] = now

    def _make_room(self, now: float) -> None:
        if len(self._known) >= VERSIONS_MAX:
            silent = [one for one, known in self._known.items() if now - known.last_at > VERSION_IDLE_S]
            for name in silent:
                del self._known[name]

    def _count_point(self, batch: Batch, point: Point, now: float) -> None:
        known = self._of(point.party)
        if known is None:
            return
        try:
            added = self._streams[point.metric].take(point, now)
        except Refused as refused:
            batch.reject(1, str(refused), point.party, point.metric)
            return
        if added is not None:
            counts = Counts(added.count, added.count if point.bad else 0)
            buckets = added.spread.buckets() if added.spread is not None else None
            known.tally(point.metric).add(point.party.instance, counts, buckets)

    def _count_requests(self, outcomes: Iterable[RequestOutcome]) -> None:
        for outcome in outcomes:
            span = outcome.span
            known = self._of(span.party)
            if known is not None:
                took = single(span.duration_ns / _MS_NS)
                known.tally(TRACES).add(span.party.instance, Counts(1, int(span.failed)), took)
                known.tally(BOUNDARY).add(span.party.instance, Counts(1, int(outcome.fate == "began")), took)

    def _of(self, party: Party) -> Known | None:
        return self._known.get(_name(party))


def _name(party: Party) -> Name:
    return Name(party.service, party.version, party.environment)


def _read(delivery: Delivery, wanted: frozenset[str]) -> Batch:
    """The facts in a delivery. Raises Malformed. Runs in a thread of its own: it touches nothing but its arguments."""
    request = protocol.decoded(delivery.path, delivery.content_type, delivery.body)
    match delivery.path:
        case protocol.METRICS:
            return metrics.read(request, wanted)
        case protocol.TRACES:
            return spans.read(request, delivery.content_type)
        case _:
            return spans.logged(request)
