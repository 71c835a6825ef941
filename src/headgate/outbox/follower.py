"""Follows the ledger: every release that is not closed, folded, with what each of its events is to people."""

from collections.abc import Iterator
from dataclasses import dataclass

from headgate.core.machine.events import AnyEvent, ReleaseDequeued, ReleaseRequested
from headgate.core.machine.names import Illegal
from headgate.core.machine.plan import Plan
from headgate.core.model import Version
from headgate.core.story.notices import Notice, Telling
from headgate.core.story.timeline import Drawing
from headgate.ledger import Entry, Ledger

LABELS_LOOK_BACK = 50
"""So many releases of a service are looked through for the name of what it runs."""

OPEN_MAX = 1000
"""Open releases that are followed at the start; far more than one home runs."""


@dataclass
class Followed:
    """A release as it is followed: `stamp` begins the hash of its first entry, which no other release anywhere has.

    `drawing` is what its marks show of it; None where it leaves none.
    """

    telling: Telling
    stamp: str
    drawing: Drawing | None = None


@dataclass(frozen=True)
class News:
    """An entry, and what it is to people. `followed` None: its release cannot be folded."""

    release: str
    followed: Followed | None
    entry: Entry
    notices: tuple[Notice, ...]


class Follower:
    """Holds one fold for each open release, and none for a closed one. `broken`: what cannot be folded, and why."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self.open: dict[str, Followed] = {}
        self.broken: dict[str, str] = {}

    def begin(self, cursor: int) -> None:
        """Fold every open release up to the entry `cursor`, telling nothing. Raises LedgerError."""
        for summary in reversed(self._ledger.summaries(open_only=True, limit=OPEN_MAX)):
            self._catch_up(summary.release, cursor)

    def news(self, cursor: int, limit: int) -> Iterator[News]:
        """The next entries after `cursor`, at most `limit`. Raises LedgerError."""
        for entry in self._ledger.since(cursor, limit):
            if entry.number > 1 and entry.release not in self.open:
                self._catch_up(entry.release, entry.sequence - 1)
            notices = self._take(entry)
            followed = self.open.get(entry.release)
            yield News(entry.release, followed, entry, notices)
            if followed is not None:
                self._drop_closed(entry.release, followed)

    def forget(self, release: str) -> None:
        """Follow a release no more."""
        self.open.pop(release, None)

    def _catch_up(self, release: str, cursor: int) -> None:
        for entry in self._ledger.read(release):
            if entry.sequence <= cursor:
                self._take(entry)
        followed = self.open.get(release)
        if followed is not None:
            self._drop_closed(release, followed)

    def _take(self, entry: Entry) -> tuple[Notice, ...]:
        """Fold one entry. A release that cannot be folded is given up here, and nowhere else."""
        if entry.release in self.broken:
            return ()
        try:
            followed = self._followed(entry)
            notices = followed.telling.add(entry.event)
            if followed.drawing is not None:
                followed.drawing.add(entry.event)
        except (Illegal, ValueError, KeyError, IndexError) as error:
            self.forget(entry.release)
            self.broken[entry.release] = f"its entry {entry.number} cannot be followed: {error}"
            return ()
        return notices

    def _followed(self, entry: Entry) -> Followed:
        known = self.open.get(entry.release)
        if known is None:
            request = _request(entry.event)
            drawing = Drawing(request) if request.plan.audience.markers else None
            known = Followed(Telling(request, self._labels(request.plan)), entry.hash[:8], drawing)
            self.open[entry.release] = known
        elif isinstance(entry.event, ReleaseDequeued):
            known.telling.call(self._labels(entry.event.plan))
        return known

    def _labels(self, plan: Plan) -> dict[Version, str]:
        """What people call the versions that run now: as the release that brought each of them called it."""
        found: dict[Version, str] = {}
        for leg in plan.legs:
            unit, baseline = leg.unit, leg.change.baseline
            if baseline is None:
                continue
            earlier = self._ledger.summaries(
                environment=unit.environment,
                project=unit.project,
                service=unit.service,
                limit=LABELS_LOOK_BACK,
            )
            moves = (move for one in earlier for move in one.moves if move.after == baseline and move.label)
            label = next((move.label for move in moves), "")
            if label:
                found[baseline] = label
        return found

    def _drop_closed(self, release: str, followed: Followed) -> None:
        if followed.telling.folded.state.stage == "closed":
            self.forget(release)


def _request(event: AnyEvent) -> ReleaseRequested:
    if not isinstance(event, ReleaseRequested):
        raise ValueError("it does not begin with a request")  # noqa: TRY004 - the stream is wrong, not its type
    return event
