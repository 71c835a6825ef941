"""What every ledger must do. Subclass `LedgerContract` in a test file, and say how yours is opened."""

import asyncio
from abc import ABC, abstractmethod
from pathlib import Path

import pytest

from headgate.core.home.facts import FreezeLifted, FreezeSet
from headgate.core.machine.events import AnyEvent, EffectId, Judged, ReleasePaused
from headgate.core.model import Arm, Counts, Histogram, Mean, Sample, Unit, Verdict, Version
from headgate.core.model.summary import Move, Summary
from headgate.ledger.codec import sample_digest
from headgate.ledger.errors import Conflict, LedgerError
from headgate.ledger.store import Entry, Ledger
from headgate.ledger.verify import Auditable, verify

UNIT = Unit("shop", "production", "web")


def a_version(letter: str = "a", unit: Unit = UNIT) -> Version:
    """A version whose digests are this hex digit, many times."""
    return Version(unit, letter * 64, letter * 64)


def a_sample(at: float, unit: Unit = UNIT) -> Sample:
    """A sample with everything in it."""
    histogram = Histogram((5.0, 50.0, 500.0), (10, 90, 99))
    stable = Arm(100, 1, histogram, {"web-1": Counts(100, 1)}, {"orders": Mean(12.5, 20)})
    return Sample(unit, at, 1.0, 10, stable, None, ("the canary could not be read",))


def a_summary(release: str, sequence: int, *, closed: bool = False, unit: Unit = UNIT) -> Summary:
    """A summary of a release that moves one unit."""
    return Summary(
        release=release,
        sequence=sequence,
        project=unit.project,
        environment=unit.environment,
        moves=(Move(unit, None, a_version("a", unit)),),
        author="ada",
        requested_at=1.0,
        changed_at=float(sequence),
        phase="closed" if closed else "baking",
        closed=closed,
    )


def judged(release: str, number: int, sample: Sample | None = None) -> Judged:
    """The event that names `sample`."""
    digest = sample_digest(sample) if sample is not None else ""
    return Judged(
        at=float(number), effect=EffectId(release, number, 0), verdict=Verdict("watch", "."), sample=digest
    )


def paused(number: int) -> ReleasePaused:
    """An event that says little."""
    return ReleasePaused(at=float(number), by="ada", reason=f"look at {number}\n\u2028☃")


async def write(
    ledger: Ledger, release: str, number: int, *, closed: bool = False, unit: Unit = UNIT
) -> Entry:
    """Append the entry that makes `number` of them: every second one is a verdict, with its sample."""
    summary = a_summary(release, number, closed=closed, unit=unit)
    event: AnyEvent = paused(number)
    if number % 2:
        return await ledger.append(release, number - 1, event, summary)
    sample = a_sample(float(number), unit)
    return await ledger.append(release, number - 1, judged(release, number, sample), summary, sample)


async def write_all(ledger: Ledger, release: str, count: int, *, unit: Unit = UNIT) -> list[Entry]:
    """Append the first `count` entries of a release."""
    return [await write(ledger, release, number, unit=unit) for number in range(1, count + 1)]


class LedgerContract(ABC):
    """The conformance suite of `Ledger`. Set `durable` to False for one that ends with its process."""

    durable = True

    @abstractmethod
    def open(self, place: Path) -> Ledger:
        """A ledger that is kept under the folder `place`: the same one for the same place, when durable."""

    @pytest.fixture
    def ledger(self, tmp_path: Path) -> Ledger:
        """An empty ledger."""
        return self.open(tmp_path)

    def test_it_begins_empty(self, ledger: Ledger) -> None:
        assert ledger.last_sequence() == 0
        assert ledger.next_release() == "r1"
        for nothing in (ledger.read("r1"), ledger.since(0), ledger.summaries(), ledger.samples("r1")):
            assert not nothing
        assert ledger.summary("r1") is None
        assert ledger.sample("0" * 64) is None

    def test_it_gives_back_what_was_written_in_order(self, ledger: Ledger) -> None:
        first = asyncio.run(write_all(ledger, "r1", 4))
        second = asyncio.run(write_all(ledger, "r2", 2))
        assert ledger.read("r1") == first
        assert ledger.read("r1", after=3) == first[3:]
        assert ledger.read("r2", after=9) == []
        assert ledger.since(0) == first + second
        assert ledger.since(3, limit=2) == [first[3], second[0]]
        assert [entry.sequence for entry in first + second] == [1, 2, 3, 4, 5, 6]
        assert [entry.number for entry in second] == [1, 2]
        assert len({entry.hash for entry in first + second}) == 6
        assert ledger.last_sequence() == 6

    def test_a_note_is_a_link_of_the_same_chain(self, ledger: Ledger) -> None:
        first = asyncio.run(write_all(ledger, "r1", 2))
        set_ = FreezeSet(at=3.0, by="ada", freeze="f1", reason="holidays", begins_at=4.0)
        lifted = FreezeLifted(at=5.0, by="ada", freeze="f1")
        notes = [asyncio.run(ledger.note(0, set_))]
        last = asyncio.run(write(ledger, "r1", 3))
        notes.append(asyncio.run(ledger.note(1, lifted)))
        assert [(note.sequence, note.number) for note in notes] == [(3, 1), (5, 2)]
        assert ledger.notes() == notes
        assert ledger.notes(after=1) == notes[1:]
        assert ledger.since(0) == [*first, last]
        assert ledger.since(2, limit=1) == [last]
        assert ledger.links(0) == [*first, notes[0], last, notes[1]]
        assert ledger.links(2, limit=2) == [notes[0], last]
        assert not ledger.links(5)
        assert not ledger.read("home")
        assert [summary.release for summary in ledger.summaries()] == ["r1"]
        assert isinstance(ledger, Auditable)
        audit = verify(ledger)
        assert (audit.broken, audit.entries) == (None, 5)

    def test_who_knows_too_little_may_not_note(self, ledger: Ledger) -> None:
        note = FreezeLifted(at=1.0, by="ada", freeze="f1")
        with pytest.raises(Conflict):
            asyncio.run(ledger.note(1, note))
        with pytest.raises(ValueError, match="home"):
            asyncio.run(ledger.append("home", 0, paused(1), a_summary("home", 1)))
        assert ledger.last_sequence() == 0

    def test_who_knows_too_little_may_not_write(self, ledger: Ledger) -> None:
        asyncio.run(write_all(ledger, "r1", 2))
        for expected in (0, 1, 3):
            with pytest.raises(Conflict, match="r1 has 2 entries") as caught:
                asyncio.run(ledger.append("r1", expected, paused(9), a_summary("r1", 9, closed=True)))
            assert (caught.value.expected, caught.value.found) == (expected, 2)
        assert ledger.last_sequence() == 2
        assert ledger.summary("r1") == a_summary("r1", 2)

    def test_of_many_at_once_one_wins(self, ledger: Ledger) -> None:
        async def race() -> list[Entry | BaseException]:
            tries = (ledger.append("r1", 0, paused(n), a_summary("r1", 1)) for n in range(20))
            return await asyncio.gather(*tries, return_exceptions=True)

        outcomes = asyncio.run(race())
        won = [outcome for outcome in outcomes if isinstance(outcome, Entry)]
        assert ledger.read("r1") == won
        assert len(won) == 1
        assert all(isinstance(outcome, Entry | Conflict) for outcome in outcomes)

    def test_many_releases_are_written_at_once(self, ledger: Ledger) -> None:
        async def all_at_once() -> None:
            await asyncio.gather(*(write_all(ledger, f"r{n}", 6) for n in range(1, 21)))

        asyncio.run(all_at_once())
        assert [entry.sequence for entry in ledger.since(0)] == list(range(1, 121))
        for n in range(1, 21):
            assert [entry.number for entry in ledger.read(f"r{n}")] == [1, 2, 3, 4, 5, 6]
            assert [sample.at for sample in ledger.samples(f"r{n}")] == [2.0, 4.0, 6.0]

    def test_the_summary_is_that_of_the_last_entry(self, ledger: Ledger) -> None:
        asyncio.run(write_all(ledger, "r1", 3))
        assert ledger.summary("r1") == a_summary("r1", 3)

    def test_summaries_are_newest_first_and_filtered(self, ledger: Ledger) -> None:
        async def fill() -> None:
            for n in range(1, 13):
                unit = Unit(f"p{n % 2}", f"e{n % 3}", f"s{n % 4}")
                await write(ledger, f"r{n}", 1, unit=unit)
                if n % 5:
                    await write(ledger, f"r{n}", 2, unit=unit, closed=True)
            await write(ledger, "r5", 2, unit=Unit("p1", "e2", "s1"))  # its place is that of its first entry

        asyncio.run(fill())

        def names(summaries: list[Summary]) -> list[int]:
            return [int(summary.release[1:]) for summary in summaries]

        assert names(ledger.summaries()) == list(range(12, 0, -1))
        assert names(ledger.summaries(limit=3)) == [12, 11, 10]
        assert names(ledger.summaries(limit=3, before="r10")) == [9, 8, 7]
        assert (
            ledger.summaries(before="r1") == ledger.summaries(before="r99") == ledger.summaries(limit=0) == []
        )
        assert names(ledger.summaries(open_only=True)) == [10, 5]
        assert names(ledger.summaries(project="p1")) == [11, 9, 7, 5, 3, 1]
        assert names(ledger.summaries(environment="e0")) == [12, 9, 6, 3]
        assert names(ledger.summaries(service="s1")) == [9, 5, 1]
        assert names(ledger.summaries(project="p1", environment="e2", service="s1")) == [5]
        assert names(ledger.summaries(project="p1", service="s1", before="r9", limit=1)) == [5]
        assert names(ledger.summaries(open_only=True, environment="e1")) == [10]
        assert ledger.summaries(service="nobody's") == []

    def test_samples_are_kept_beside_the_events_that_name_them(self, ledger: Ledger) -> None:
        sample = a_sample(2.0)
        asyncio.run(write_all(ledger, "r1", 4))
        assert ledger.samples("r1") == [sample, a_sample(4.0)]
        assert ledger.sample(sample_digest(sample)) == sample
        # The same content again needs no second copy, and no second sending.
        asyncio.run(ledger.append("r2", 0, judged("r2", 1, sample), a_summary("r2", 1)))
        assert ledger.samples("r2") == [sample]

    def test_an_event_without_its_sample_is_refused(self, ledger: Ledger) -> None:
        sample, other = a_sample(1.0), a_sample(2.0)
        for event, given in (
            (judged("r1", 1, sample), None),
            (judged("r1", 1, sample), other),
            (paused(1), sample),
        ):
            with pytest.raises(ValueError, match="sample"):
                asyncio.run(ledger.append("r1", 0, event, a_summary("r1", 1), given))
        assert ledger.last_sequence() == 0
        assert ledger.sample(sample_digest(other)) is None

    def test_what_would_not_be_read_back_is_refused(self, ledger: Ledger) -> None:
        infinite = Judged(
            at=1.0, effect=EffectId("r1", 1, 0), verdict=Verdict("fail", ".", float("inf")), sample=""
        )
        with pytest.raises(ValueError, match="Judged"):
            asyncio.run(ledger.append("r1", 0, infinite, a_summary("r1", 1)))
        with pytest.raises(ValueError, match="r2"):
            asyncio.run(ledger.append("r1", 0, paused(1), a_summary("r2", 1)))
        assert ledger.last_sequence() == 0

    def test_compaction_empties_old_samples_only(self, ledger: Ledger) -> None:
        before = asyncio.run(write_all(ledger, "r1", 8))
        assert asyncio.run(ledger.compact_samples(6.0)) == 2
        assert asyncio.run(ledger.compact_samples(6.0)) == 0
        assert ledger.samples("r1") == [a_sample(6.0), a_sample(8.0)]
        assert ledger.sample(sample_digest(a_sample(2.0))) is None
        assert ledger.read("r1") == before

    def test_names_of_releases_go_up(self, ledger: Ledger) -> None:
        asyncio.run(write_all(ledger, "r9", 1))
        assert ledger.next_release() == "r10"
        asyncio.run(write_all(ledger, "drill-20", 1))
        asyncio.run(write_all(ledger, "r10", 1))
        assert ledger.next_release() == "r11"

    def test_after_close_nothing_is_written(self, ledger: Ledger) -> None:
        asyncio.run(write_all(ledger, "r1", 1))
        ledger.close()
        ledger.close()
        with pytest.raises(LedgerError):
            asyncio.run(write(ledger, "r1", 2))

    def test_it_is_there_when_opened_again(self, tmp_path: Path) -> None:
        if not self.durable:
            pytest.skip("this ledger ends with its process")
        first = self.open(tmp_path)
        entries = asyncio.run(write_all(first, "r1", 4))
        first.close()
        again = self.open(tmp_path)
        assert again.read("r1") == entries
        assert again.summary("r1") == a_summary("r1", 4)
        assert again.samples("r1") == [a_sample(2.0), a_sample(4.0)]
        assert asyncio.run(write(again, "r1", 5)).sequence == 5
        again.close()

    def test_its_chain_holds(self, ledger: Ledger) -> None:
        """Only for ledgers that show what they store (`verify.Auditable`), as those of Headgate do."""
        asyncio.run(write_all(ledger, "r1", 5))
        asyncio.run(ledger.compact_samples(3.0))
        audited: object = ledger
        if not isinstance(audited, Auditable):
            pytest.skip("this ledger does not show what it stores")
        audit = verify(audited)
        assert audit.broken is None
        assert (audit.entries, audit.samples, audit.compacted) == (5, 1, 1)
        assert audit.head == ledger.read("r1")[-1].hash
