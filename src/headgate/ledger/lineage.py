"""The lineage of a unit: which promotion stands on which, so that going back twice goes further back.

A promotion of something new stands on what ran before it. A way back stands where the promotion stands that it has
brought back, as if all that came between had not been: after `one, two, three` and a way back to `two`, what is before
is `one`. Only the ledger is asked, newest first, and no more of it than it takes.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from headgate.core.machine.events import ReleaseRequested
from headgate.core.model import Unit, Version
from headgate.core.model.summary import Move, Summary
from headgate.ledger.store import Ledger


class Unrecorded(Exception):  # noqa: N818 - a fact
    """The ledger lacks what it should have."""


@dataclass(frozen=True)
class Promoted:
    """One promotion of the unit: the release, and what it did to the unit."""

    release: str
    move: Move

    @property
    def version(self) -> Version:
        """What has run since."""
        return self.move.after


class Lineage:
    """The promotions of `unit`, from all releases, newest first. Those that only adjusted it changed no version.

    `rollback_to` says which release one was a way back to, if it was one; it is asked as seldom as it can be.
    """

    def __init__(
        self, summaries: Sequence[Summary], unit: Unit, rollback_to: Callable[[str], str | None]
    ) -> None:
        self._rollback_to = rollback_to
        self._promotions = [
            Promoted(summary.release, move)
            for summary in summaries
            if summary.outcome == "promoted"
            for move in summary.moves
            if move.unit == unit and not move.adjusts
        ]

    def before(self, release: str) -> Promoted | None:
        """What a way back from this promotion goes to; None: it was the first. Raises Unrecorded."""
        origin = self._origin(self._index(release))
        if self._promotions[origin].move.before is None:
            return None
        if origin + 1 >= len(self._promotions):
            raise Unrecorded(
                f"the ledger does not say how {self._promotions[origin].move.before} was released"
            )
        return self._promotions[self._origin(origin + 1)]

    def _origin(self, at: int) -> int:
        """Where the promotion is that first brought what this one has brought back; itself, if it was something new."""
        while (found := self._brought_back(at)) is not None:
            at = found
        return at

    def _brought_back(self, at: int) -> int | None:
        """The older promotion that this one was a way back to; None: it was none."""
        promotion = self._promotions[at]
        named = self._rollback_to(promotion.release)
        if named is None:
            return None
        older = range(at + 1, len(self._promotions))
        same = [index for index in older if self._promotions[index].version == promotion.version]
        return next(
            (index for index in same if self._promotions[index].release == named), next(iter(same), None)
        )

    def _index(self, release: str) -> int:
        for index, promotion in enumerate(self._promotions):
            if promotion.release == release:
                return index
        raise Unrecorded(f"the ledger does not say that {release} was promoted")


def request_of(ledger: Ledger, release: str) -> ReleaseRequested:
    """The event that began a release. Raises Unrecorded, LedgerError."""
    first = next(iter(ledger.read(release)), None)
    if first is None or not isinstance(first.event, ReleaseRequested):
        raise Unrecorded(f"the ledger does not say how {release} began")
    return first.event
