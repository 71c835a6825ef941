"""A follower of one release: ledger entries in, its fold and new sentences out."""

from headgate.cli.errors import Unable
from headgate.core.machine.events import AnyEvent, Judged, ReleaseRequested
from headgate.core.machine.state import State
from headgate.core.model import Version
from headgate.core.story.explain import Sentence, explain, tells
from headgate.core.story.report import Fold
from headgate.ledger import Ledger

LOOK_BACK = 200
"""How many releases are looked through for the name of a version."""


class Follower:
    """One release, read entry by entry. `fold` is what has been read so far."""

    def __init__(self, ledger: Ledger, release: str) -> None:
        self._ledger = ledger
        self._release = release
        self._events: list[AnyEvent] = []
        self._told = 0
        self.fold = self._begin()
        self.labels = labels_of(ledger, self.fold)

    def _begin(self) -> Fold:
        first = next(iter(self._ledger.read(self._release)), None)
        if first is None or not isinstance(first.event, ReleaseRequested):
            raise Unable(f"there is no release `{self._release}`")
        return Fold(first.event)

    def poll(self) -> tuple[Sentence, ...]:
        """Read on; returns the sentences that are new."""
        loud = False
        for entry in self._ledger.read(self._release, after=len(self._events)):
            before = self.fold.state
            self.fold.add(entry.event)
            self._events.append(entry.event)
            loud = loud or _loud(entry.event, before, self.fold.state)
        if not loud:
            return ()
        sentences = explain(self._events)
        fresh = sentences[self._told :]
        self._told = len(sentences)
        return fresh

    @property
    def ended(self) -> bool:
        """True when the release has come to its outcome."""
        return self.fold.state.ended_at is not None


def _loud(event: AnyEvent, before: State, after: State) -> bool:
    """False for one more interval of watching that changed nothing: telling the whole story again is not worth it."""
    if not isinstance(event, Judged):
        return True
    known = before.here().verdict if before.legs else None
    turned = _place(before) != _place(after)
    return turned or tells(known, event.verdict)


def _place(state: State) -> tuple[object, ...]:
    """Where a release has come to."""
    relief = state.here().relief if state.legs else ""
    return state.stage, state.leg, state.step, state.hold, state.ended_at, relief


def labels_of(ledger: Ledger, fold: Fold) -> dict[Version, str]:
    """What the versions of a release are called: its own by its request, the old ones by whatever released them."""
    labels = {intent.candidate: intent.label for intent in fold.request.intents if intent.label}
    for leg in fold.plan.legs:
        if leg.change.baseline is None or leg.change.baseline in labels:
            continue
        known = ledger.summaries(environment=leg.unit.environment, service=leg.unit.service, limit=LOOK_BACK)
        moves = (move for summary in known for move in summary.moves)
        label = next((move.label for move in moves if move.after == leg.change.baseline and move.label), "")
        if label:
            labels[leg.change.baseline] = label
    return labels


def read_fold(ledger: Ledger, release: str) -> Fold:
    """Everything that is known of a release now."""
    follower = Follower(ledger, release)
    follower.poll()
    return follower.fold
