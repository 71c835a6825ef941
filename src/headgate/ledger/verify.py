"""Verification of a ledger: the whole chain, and the samples it names, and where it first breaks.

The chain shows that nothing was changed, removed, added or swapped by somebody who could not rewrite all that follows.
Against somebody who could, keep the hashes of known entries where they cannot reach (`ledger.anchors`; every message
and mark has one) and give them as `anchors`.
"""

from collections.abc import Collection, Iterable, Iterator
from itertools import islice
from typing import Protocol, runtime_checkable

import msgspec

from headgate.ledger.chain import GENESIS, Record, link
from headgate.ledger.codec import CODEC, Codec, digest_of
from headgate.ledger.draft import sample_of
from headgate.ledger.errors import LedgerError
from headgate.ledger.store import HOME

_AT_ONCE = 250


class StoredSample(msgspec.Struct, frozen=True):
    """A sample as it is stored: the end of its interval (seconds since the epoch); `body` None when compacted."""

    at: float
    body: bytes | None


class Head(msgspec.Struct, frozen=True):
    """The place and hash of the newest entry, as written down beside the entries; 0 and GENESIS when there is none."""

    sequence: int
    hash: str


@runtime_checkable
class Auditable(Protocol):
    """What a ledger shows of itself, undecoded, so that it can be verified and exported."""

    def records(self, after: int = 0) -> Iterator[Record]:
        """The entries whose sequence is greater than `after`, in order, as they are stored; in bounded memory."""
        ...

    def stored_samples(self, digests: Collection[str]) -> dict[str, StoredSample]:
        """What is stored under each of these digests (at most a few hundred); those that are not there are left out."""
        ...

    def head(self) -> Head:
        """The newest entry, as written down beside the entries."""
        ...

    def summarised(self) -> dict[str, int]:
        """Of each release that has a summary, the number of entries that the summary covers."""
        ...


class Break(msgspec.Struct, frozen=True):
    """Where the ledger is not what was written. `entry` is a sequence; `expected` and `found` say what of `field`."""

    entry: int
    release: str
    field: str
    expected: str
    found: str
    meaning: str

    def __str__(self) -> str:
        """The break as a sentence."""
        place = f"entry {self.entry}" + (f" ({self.release})" if self.release else "")
        return f"{place}: {self.meaning}: {self.field} should be {self.expected} and is {self.found}"


class Audit(msgspec.Struct, frozen=True):
    """What a walk has found: `entries` and `samples` that are as they were written, `broken` None when all are.

    `compacted` samples were emptied on purpose. `head` is the hash of the last good entry.
    """

    entries: int
    samples: int
    compacted: int
    head: str
    broken: Break | None = None


class _Walk(msgspec.Struct):
    """Where the walk is. `numbers` holds how many entries each release had so far, `at_hand` the samples to come."""

    source: Auditable
    codec: Codec
    at_hand: dict[str, StoredSample] = msgspec.field(default_factory=dict[str, StoredSample])
    sequence: int = 0
    hash: str = GENESIS
    samples: int = 0
    compacted: int = 0
    numbers: dict[str, int] = msgspec.field(default_factory=dict[str, int])

    def advance(self, record: Record) -> Break | None:
        """Check the next entry; None when it is as it was written."""
        if record.sequence != self.sequence + 1:
            found = f"{record.sequence}"
            return Break(
                self.sequence + 1, "", "sequence", f"{self.sequence + 1}", found, "an entry is missing"
            )
        broken = self._check_hash(record) or self._check_number(record) or self._check_content(record)
        if broken is None:
            self.sequence, self.hash = record.sequence, record.hash
            self.numbers[record.release] = record.number
        return broken

    def _check_hash(self, record: Record) -> Break | None:
        expected = link(
            self.hash, record.sequence, record.release, record.number, record.version, record.body
        )
        if record.hash == expected:
            return None
        meaning = "it was changed after it was written, or does not follow the entry before it"
        return Break(record.sequence, record.release, "hash", expected, record.hash, meaning)

    def _check_number(self, record: Record) -> Break | None:
        expected = self.numbers.get(record.release, 0) + 1
        if record.number == expected:
            return None
        meaning = "an entry of this release is missing"
        return Break(record.sequence, record.release, "number", f"{expected}", f"{record.number}", meaning)

    def _check_content(self, record: Record) -> Break | None:
        try:
            named = sample_of(self.codec.decode(record.version, record.body))
        except LedgerError as error:
            return Break(
                record.sequence, record.release, "event", "readable", str(error), "it cannot be read"
            )
        if named != record.sample:
            meaning = "the sample noted beside the event is not the one the event names"
            return Break(record.sequence, record.release, "sample", f"{named}", f"{record.sample}", meaning)
        return self._check_sample(record, named) if named is not None else None

    def _check_sample(self, record: Record, digest: str) -> Break | None:
        stored = self.at_hand.get(digest)
        if stored is None:
            return Break(record.sequence, record.release, "sample", digest, "absent", "its sample is missing")
        if stored.body is None:
            self.compacted += 1
            return None
        if (found := digest_of(stored.body)) != digest:
            meaning = "its sample was changed after it was written"
            return Break(record.sequence, record.release, "sample", digest, found, meaning)
        self.samples += 1
        return None


def linked(records: Iterable[Record], before: Head) -> Break | None:
    """Check only that these entries follow one another, beginning after `before`. None when they do."""
    for record in records:
        expected = link(
            before.hash, before.sequence + 1, record.release, record.number, record.version, record.body
        )
        if (record.sequence, record.hash) != (before.sequence + 1, expected):
            meaning = "it does not follow the entry before it as it was written"
            found = f"{record.sequence}:{record.hash}"
            return Break(
                before.sequence + 1,
                record.release,
                "place",
                f"{before.sequence + 1}:{expected}",
                found,
                meaning,
            )
        before = Head(record.sequence, record.hash)
    return None


def verify(source: Auditable, *, anchors: Collection[Head] = (), codec: Codec = CODEC) -> Audit:
    """Walk everything up to the entry that is the newest when the walk begins; stops at the first break.

    `anchors`: entries that must be there with exactly these hashes. Never raises for what is broken in the content;
    LedgerError when the storage itself cannot be read.
    """
    head = source.head()
    walk = _Walk(source, codec)
    broken = _walk_entries(walk, head, anchors) or _check_end(walk, head) or _check_summaries(walk)
    return Audit(walk.sequence, walk.samples, walk.compacted, walk.hash, broken)


def _walk_entries(walk: _Walk, head: Head, anchors: Collection[Head]) -> Break | None:
    wanted: dict[int, set[str]] = {}
    for anchor in anchors:
        wanted.setdefault(anchor.sequence, set()).add(anchor.hash)
    for record in _with_samples(walk):
        if record.sequence > head.sequence and walk.sequence == head.sequence:
            # Written while we walk, or added behind our back: the head, read again, knows which.
            if record.sequence <= walk.source.head().sequence:
                break
            meaning = "an entry was added that the ledger's head does not know"
            return Break(
                record.sequence, record.release, "head", f"{head.sequence}", f"{record.sequence}", meaning
            )
        broken = walk.advance(record)
        if broken is not None:
            return broken
        for expected in wanted.pop(record.sequence, ()):
            if record.hash != expected:
                meaning = "it is not the entry that the anchor stands for"
                return Break(record.sequence, record.release, "hash", expected, record.hash, meaning)
    if wanted:
        meaning = "the ledger ends before the entry that the anchor stands for, or never had it"
        return Break(walk.sequence + 1, "", "last entry", f"{max(wanted)}", f"{walk.sequence}", meaning)
    return None


def _with_samples(walk: _Walk) -> Iterator[Record]:
    """The entries one by one, with the samples that they name at hand: fetched for many at once, for speed."""
    records = walk.source.records()
    while some := tuple(islice(records, _AT_ONCE)):
        walk.at_hand = walk.source.stored_samples(
            {record.sample for record in some if record.sample is not None}
        )
        yield from some


def _check_end(walk: _Walk, head: Head) -> Break | None:
    if (walk.sequence, walk.hash) == (head.sequence, head.hash):
        return None
    expected, found = f"{head.sequence}:{head.hash}", f"{walk.sequence}:{walk.hash}"
    meaning = "the newest entries are missing, or the note of the newest entry was changed"
    return Break(min(walk.sequence, head.sequence) + 1, "", "last entry", expected, found, meaning)


def _check_summaries(walk: _Walk) -> Break | None:
    covered = walk.source.summarised()
    for release, number in walk.numbers.items():
        if release == HOME:
            continue
        # A release may have gone on while we walked: its summary may cover more than we saw, never less.
        if covered.get(release, 0) < number:
            found = f"{covered[release]}" if release in covered else "absent"
            meaning = "the summary of this release does not cover its entries"
            return Break(walk.sequence, release, "summary", f"{number}", found, meaning)
    return None
