"""The ledger's twin in memory: the same bytes, chain and refusals, for tests and the simulation."""

from bisect import bisect_right
from collections.abc import Collection, Iterator
from operator import attrgetter

import msgspec

from headgate.core.home.facts import AnyHomeEvent
from headgate.core.machine.events import AnyEvent
from headgate.core.model import Sample
from headgate.core.model.summary import Summary
from headgate.ledger.chain import GENESIS, Record, link
from headgate.ledger.codec import CODEC, Codec, decode_sample
from headgate.ledger.draft import Draft, drafted, missing_sample, noted, ordinal
from headgate.ledger.errors import Conflict, LedgerError
from headgate.ledger.store import HOME, Entry, Note
from headgate.ledger.verify import Head, StoredSample


class _Release(msgspec.Struct):
    """A release's entries and its summary. `opened` is the sequence of its first entry."""

    opened: int
    entries: list[Entry]
    summary: Summary


class MemoryLedger:
    """Implements `Ledger` in dictionaries. Nothing is durable; `append` finishes without giving way."""

    def __init__(self, codec: Codec = CODEC) -> None:
        self._codec = codec
        self._records: list[Record] = []
        self._entries: list[Entry] = []
        self._notes: list[Note] = []
        self._releases: dict[str, _Release] = {}
        self._samples: dict[str, StoredSample] = {}
        self._ordinal = 0
        self._closed = False

    async def append(
        self, release: str, expected: int, event: AnyEvent, summary: Summary, sample: Sample | None = None
    ) -> Entry:
        """See Ledger."""
        self._check_open()
        draft = drafted(self._codec, release, expected, event, summary, sample)
        known = self._releases.get(release)
        found = len(known.entries) if known else 0
        if found != expected:
            raise Conflict(release, expected, found)
        self._keep_sample(draft)
        record = self._next(draft)
        entry = Entry(record.sequence, release, record.number, event, record.hash)
        self._records.append(record)
        self._entries.append(entry)
        if known:
            known.entries.append(entry)
            known.summary = summary
        else:
            self._releases[release] = _Release(entry.sequence, [entry], summary)
            self._ordinal = max(self._ordinal, ordinal(release))
        return entry

    async def note(self, expected: int, event: AnyHomeEvent) -> Note:
        """See Ledger."""
        self._check_open()
        draft = noted(self._codec, expected, event)
        if len(self._notes) != expected:
            raise Conflict(HOME, expected, len(self._notes))
        record = self._next(draft)
        note = Note(record.sequence, record.number, event, record.hash)
        self._records.append(record)
        self._notes.append(note)
        return note

    def notes(self, after: int = 0) -> list[Note]:
        """See Ledger."""
        return self._notes[max(0, after) :]

    def _check_open(self) -> None:
        if self._closed:
            raise LedgerError("the ledger in memory is closed: nothing more can be written")

    def _keep_sample(self, draft: Draft) -> None:
        if draft.sample is None or draft.sample in self._samples:
            return
        if draft.sample_body is None:
            raise missing_sample(draft)
        self._samples[draft.sample] = StoredSample(draft.sample_at, draft.sample_body)

    def _next(self, draft: Draft) -> Record:
        sequence, number = len(self._records) + 1, draft.expected + 1
        previous = self._records[-1].hash if self._records else GENESIS
        digest = link(previous, sequence, draft.release, number, draft.version, draft.body)
        return Record(sequence, draft.release, number, draft.version, draft.body, draft.sample, digest)

    def read(self, release: str, after: int = 0) -> list[Entry]:
        """See Ledger."""
        known = self._releases.get(release)
        return known.entries[max(0, after) :] if known else []

    def since(self, sequence: int, limit: int = 1000) -> list[Entry]:
        """See Ledger."""
        start = bisect_right(self._entries, max(0, sequence), key=attrgetter("sequence"))
        return self._entries[start : start + limit]

    def links(self, sequence: int, limit: int = 1000) -> list[Entry | Note]:
        """See Ledger."""
        start = bisect_right(self._notes, max(0, sequence), key=attrgetter("sequence"))
        notes = self._notes[start : start + limit]
        found: list[Entry | Note] = [*self.since(sequence, limit), *notes]
        return sorted(found, key=attrgetter("sequence"))[: max(0, limit)]

    def summary(self, release: str) -> Summary | None:
        """See Ledger."""
        known = self._releases.get(release)
        return known.summary if known else None

    def summaries(
        self,
        *,
        open_only: bool = False,
        environment: str | None = None,
        project: str | None = None,
        service: str | None = None,
        limit: int = 100,
        before: str | None = None,
    ) -> list[Summary]:
        """See Ledger."""
        edge = self._releases.get(before) if before is not None else None
        if before is not None and edge is None:
            return []
        chosen: list[Summary] = []
        # Releases enter the dictionary in the order of their first entries.
        for known in reversed(self._releases.values()):
            summary = known.summary
            if len(chosen) >= limit:
                break
            if edge is not None and known.opened >= edge.opened:
                continue
            if open_only and summary.closed:
                continue
            if environment not in (None, summary.environment) or project not in (None, summary.project):
                continue
            if service is None or any(move.unit.service == service for move in summary.moves):
                chosen.append(summary)
        return chosen

    def sample(self, digest: str) -> Sample | None:
        """See Ledger."""
        stored = self._samples.get(digest)
        return decode_sample(digest, stored.body) if stored and stored.body is not None else None

    def samples(self, release: str) -> list[Sample]:
        """See Ledger."""
        named = (self._records[entry.sequence - 1].sample for entry in self.read(release))
        found = (self.sample(digest) for digest in named if digest is not None)
        return [sample for sample in found if sample is not None]

    async def compact_samples(self, before: float) -> int:
        """See Ledger."""
        old = [d for d, stored in self._samples.items() if stored.body is not None and stored.at < before]
        for digest in old:
            self._samples[digest] = StoredSample(self._samples[digest].at, None)
        return len(old)

    def last_sequence(self) -> int:
        """See Ledger."""
        return len(self._records)

    def next_release(self) -> str:
        """See Ledger."""
        return f"r{self._ordinal + 1}"

    def close(self) -> None:
        """See Ledger."""
        self._closed = True

    # --- what `verify` and `export` walk ---------------------------------------------------------------------------

    def records(self, after: int = 0) -> Iterator[Record]:
        """See verify.Auditable."""
        yield from self._records[after:]

    def stored_samples(self, digests: Collection[str]) -> dict[str, StoredSample]:
        """See verify.Auditable."""
        return {digest: self._samples[digest] for digest in digests if digest in self._samples}

    def head(self) -> Head:
        """See verify.Auditable."""
        return Head(len(self._records), self._records[-1].hash if self._records else GENESIS)

    def summarised(self) -> dict[str, int]:
        """See verify.Auditable."""
        return {name: len(known.entries) for name, known in self._releases.items()}
