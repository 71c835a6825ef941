"""The ledger as everybody sees it: append with a fence, read in order, summaries for the eye."""

from typing import Protocol

import msgspec

from headgate.core.home.facts import AnyHomeEvent
from headgate.core.machine.events import AnyEvent
from headgate.core.model import Sample
from headgate.core.model.summary import Summary


class Entry(msgspec.Struct, frozen=True):
    """A fact in its place.

    `sequence` counts all entries of the ledger from 1, `number` those of `release` from 1; neither has gaps.
    `hash` (64 hex digits) covers everything here, the event's bytes and the hash of the entry before.
    """

    sequence: int
    release: str
    number: int
    event: AnyEvent
    hash: str


HOME = "home"
"""What stands in the place of a release's name in an entry about the home itself; no release is called so."""


class Note(msgspec.Struct, frozen=True):
    """A fact about the home in its place; `number` counts such facts from 1. See Entry."""

    sequence: int
    number: int
    event: AnyHomeEvent
    hash: str


class Ledger(Protocol):
    """Append-only and durable. Every method may raise LedgerError; reading never waits for a writer."""

    async def append(
        self, release: str, expected: int, event: AnyEvent, summary: Summary, sample: Sample | None = None
    ) -> Entry:
        """Write an event, the sample it names and the release's new summary: all or nothing, durable on return.

        `expected` is the number of entries `release` has now; raises Conflict when that is not so. Raises ValueError
        when the event cannot be read back as it is, when the summary is another release's, or when the event names a
        sample that is neither `sample` nor already stored. A call that is cancelled may or may not have written.
        """
        ...

    async def note(self, expected: int, event: AnyHomeEvent) -> Note:
        """Write a fact about the home, into the same chain; durable on return.

        `expected` is the number of such facts there are; raises Conflict when that is not so. Raises ValueError when
        the event cannot be read back as it is.
        """
        ...

    def notes(self, after: int = 0) -> list[Note]:
        """The facts about the home whose `number` is greater than `after`, in order."""
        ...

    def read(self, release: str, after: int = 0) -> list[Entry]:
        """The entries of a release whose `number` is greater than `after`, in order; none for an unknown release."""
        ...

    def since(self, sequence: int, limit: int = 1000) -> list[Entry]:
        """The first `limit` entries of all releases after the one with this `sequence`, in order; no notes."""
        ...

    def links(self, sequence: int, limit: int = 1000) -> list[Entry | Note]:
        """The first `limit` links of the chain after this `sequence`, in order: entries of releases, and notes."""
        ...

    def summary(self, release: str) -> Summary | None:
        """The release after its last entry; None when there is none of this name."""
        ...

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
        """Up to `limit` releases, newest first by their first entry.

        `open_only` leaves out closed ones; `service` keeps those that move a service of this name; `before` is a
        release: only those that began before it are given (for paging; an unknown one gives none).
        """
        ...

    def sample(self, digest: str) -> Sample | None:
        """The sample with this SHA-256; None when it was compacted or never there. Raises LedgerCorrupt if changed."""
        ...

    def samples(self, release: str) -> list[Sample]:
        """The samples that the entries of a release name, in their order, without those that were compacted."""
        ...

    async def compact_samples(self, before: float) -> int:
        """Empty the samples that end before `before` (seconds since the epoch); returns how many.

        Events, their hashes and the samples' digests stay: what was decided can be read for ever, if not replayed.
        """
        ...

    def last_sequence(self) -> int:
        """The `sequence` of the newest entry; 0 when there is none."""
        ...

    def next_release(self) -> str:
        """A free name for a release: `r1`, `r2`, ... Two askers may get the same; append's Conflict settles it."""
        ...

    def close(self) -> None:
        """Finish what was asked for and let go of the files. May be called again."""
        ...
