"""Both ledgers do the same, whatever is asked of them in whatever order."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from headgate.core.model import Unit
from headgate.ledger import Conflict, Ledger, MemoryLedger, SqliteLedger
from headgate.ledger.verify import verify
from headgate.testing.ledger import a_summary, paused, write

RELEASES = st.sampled_from(["r1", "r2", "r3", "drill-1"])
UNITS = st.builds(
    Unit, st.just("shop"), st.sampled_from(["test", "production"]), st.sampled_from(["web", "pay"])
)


class Twins(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="headgate-test-"))
        self.stored = SqliteLedger(self.folder / "ledger.db")
        self.memory = MemoryLedger()

    def teardown(self) -> None:
        assert verify(self.stored) == verify(self.memory)
        assert verify(self.stored).broken is None
        self.stored.close()
        shutil.rmtree(self.folder)

    @property
    def both(self) -> tuple[Ledger, Ledger]:
        return self.stored, self.memory

    @rule(release=RELEASES, unit=UNITS, closed=st.booleans())
    def append(self, release: str, unit: Unit, *, closed: bool) -> None:
        number = len(self.memory.read(release)) + 1
        known = self.memory.summary(release)
        unit = known.moves[0].unit if known else unit
        one, other = (
            asyncio.run(write(ledger, release, number, closed=closed, unit=unit)) for ledger in self.both
        )
        assert one == other

    @rule(release=RELEASES, off_by=st.integers(1, 3))
    def conflict(self, release: str, off_by: int) -> None:
        expected = len(self.memory.read(release)) + off_by
        for ledger in self.both:
            with pytest.raises(Conflict) as caught:
                asyncio.run(ledger.append(release, expected, paused(1), a_summary(release, 1)))
            assert (caught.value.expected, caught.value.found) == (expected, expected - off_by)

    @rule(before=st.integers(0, 8))
    def compact(self, before: int) -> None:
        one, other = (asyncio.run(ledger.compact_samples(float(before))) for ledger in self.both)
        assert one == other

    @rule()
    def open_again(self) -> None:
        self.stored.close()
        self.stored = SqliteLedger(self.folder / "ledger.db")

    @rule(
        open_only=st.booleans(),
        environment=st.sampled_from([None, "test", "production"]),
        service=st.sampled_from([None, "web", "pay", "none"]),
        before=st.none() | RELEASES,
        limit=st.integers(0, 5),
    )
    def summaries(
        self, *, open_only: bool, environment: str | None, service: str | None, before: str | None, limit: int
    ) -> None:
        one, other = (
            ledger.summaries(
                open_only=open_only, environment=environment, service=service, before=before, limit=limit
            )
            for ledger in self.both
        )
        assert one == other

    @rule(release=RELEASES, after=st.integers(0, 5))
    def read(self, release: str, after: int) -> None:
        assert self.stored.read(release, after) == self.memory.read(release, after)
        assert self.stored.samples(release) == self.memory.samples(release)
        assert self.stored.summary(release) == self.memory.summary(release)

    @invariant()
    def they_agree(self) -> None:
        assert self.stored.since(0) == self.memory.since(0)
        assert self.stored.last_sequence() == self.memory.last_sequence()
        assert self.stored.next_release() == self.memory.next_release()


TestTwins = Twins.TestCase
TestTwins.settings = settings(max_examples=20, stateful_step_count=25, deadline=None)
