"""Folds of releases, kept up to date by reading on: asked often, folded once."""

from collections import OrderedDict
from dataclasses import dataclass, field

from headgate.core.machine.events import (
    AnyEvent,
    GatesAnswered,
    Judged,
    ReleaseDequeued,
    ReleaseRequested,
    SmokeTested,
    VersionVerified,
)
from headgate.core.model import Sample
from headgate.core.story.explain import Sentence, sentences
from headgate.core.story.report import Fold
from headgate.core.story.series import Course, Point
from headgate.ledger import Entry, Ledger
from headgate.web.http.problems import unknown

ANSWERS = (ReleaseRequested, ReleaseDequeued, GatesAnswered, SmokeTested, VersionVerified)
FOLDS_MAX = 64
"""How many releases are kept at hand; the one that was asked for longest ago is forgotten."""


class Folds:
    """Folds of releases, by name. Not to be shared between threads."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._kept: OrderedDict[str, _Kept] = OrderedDict()

    def fold(self, release: str) -> Fold:
        """Everything that the ledger says of `release` now. Raises Problem (404)."""
        return self._read_on(release).fold

    def courses(self, release: str) -> tuple[tuple[Point, ...], ...]:
        """Points over time of what was measured and judged, leg by leg. Raises Problem (404).

        Intervals whose samples were compacted are missing.
        """
        kept = self._read_on(release)
        entries = self._ledger.read(release, after=kept.drawn)
        judged = [entry.event for entry in entries if isinstance(entry.event, Judged)]
        legs = {leg.unit: course for leg, course in zip(kept.fold.plan.legs, kept.courses, strict=True)}
        for event, sample in zip(judged, self._samples(release, kept, judged), strict=True):
            if sample is not None and sample.unit in legs:
                legs[sample.unit].add(sample, event.verdict)
        kept.drawn = entries[-1].number if entries else kept.drawn
        return tuple(course.points() for course in kept.courses)

    def story(self, release: str) -> tuple[Sentence, ...]:
        """Why each decision was made, as `core.story.explain` tells it. Raises Problem (404)."""
        return tuple(self._read_on(release).story)

    def answers(self, release: str) -> tuple[Entry, ...]:
        """The entries in which rules, gates or tests said what they found. Raises Problem (404)."""
        return tuple(self._read_on(release).answers)

    def number(self, release: str) -> int:
        """The number of entries that are folded: the same number is the same content. Raises Problem (404)."""
        return self._read_on(release).number

    def _samples(self, release: str, kept: "_Kept", judged: list[Judged]) -> list[Sample | None]:
        """Samples of the verdicts: at first all at once, which is several times quicker, unless some are gone."""
        if not kept.drawn and judged:
            found = self._ledger.samples(release)
            ends = (0, -1)
            if len(found) == len(judged) and all(
                self._ledger.sample(judged[end].sample) == found[end] for end in ends
            ):
                return [*found]
        return [self._ledger.sample(event.sample) for event in judged]

    def _read_on(self, release: str) -> "_Kept":
        kept = self._kept.pop(release, None)
        entries = self._ledger.read(release, after=kept.number if kept else 0)
        if kept is None:
            kept = _begun(release, entries)
        for entry in entries:
            _take(kept, entry)
        self._kept[release] = kept
        while len(self._kept) > FOLDS_MAX:
            self._kept.popitem(last=False)
        return kept


@dataclass
class _Kept:
    fold: Fold
    courses: tuple[Course, ...]
    number: int = 0  # entries up to this one are folded, ...
    drawn: int = 0  # ... and up to this one they are in the courses, once those were asked for
    story: list[Sentence] = field(default_factory=list[Sentence])
    answers: list[Entry] = field(default_factory=list[Entry])


def _begun(release: str, entries: list[Entry]) -> _Kept:
    first: AnyEvent | None = entries[0].event if entries else None
    if not isinstance(first, ReleaseRequested):
        raise unknown("release", release)
    return _Kept(Fold(first), tuple(Course() for _ in first.plan.legs))


def _take(kept: _Kept, entry: Entry) -> None:
    before, event = kept.fold.state, entry.event
    kept.fold.add(event)
    kept.number = entry.number
    if isinstance(event, ANSWERS):
        kept.answers.append(entry)
    after_s = event.at - kept.fold.request.at
    told = sentences(event, before, kept.fold)
    kept.story += [Sentence(event.at, after_s, text, weighty) for text, weighty in told]
