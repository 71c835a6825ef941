"""The intake of a request: its plan, the objections of the ledger, and the versions to be kept running."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from msgspec.structs import replace

from headgate.core.home.facts import Home, folded, frozen
from headgate.core.machine.ahead import ordinal
from headgate.core.machine.events import STAMPED_LATER, ReleaseDequeued, ReleaseRequested
from headgate.core.machine.plan import Plan
from headgate.core.model import Unit, Version, worst
from headgate.core.model.summary import Summary
from headgate.core.release.admission import Known, Words, objections
from headgate.core.release.planning import policies_of
from headgate.core.release.submission import Submission
from headgate.ledger import Ledger
from headgate.ledger.drawing import draw
from headgate.ledger.legality import Legality
from headgate.ledger.projections import (
    ALL_RELEASES,
    Running,
    fleet,
    listening,
    platforms,
    releases_of,
    retired,
    rolled_back,
    rolled_back_versions,
)

PAGE = 100
"""So many of a unit's releases are read at once, until the last promoted one is found."""


def request(wish: Submission, ledger: Ledger, at: float) -> ReleaseRequested:
    """The fact that begins a release, asked for at `at` (seconds since the epoch); it gets its time later.

    Its name is found before the ledger is looked at: whoever appends meanwhile takes the name, so that what was found
    cannot be appended any more, and is to be found anew.
    """
    name = free_name(ledger)
    seen = _Seen.of(ledger)
    moving = {unit: run.in_flight for unit, run in seen.running.items() if run.in_flight}
    back = wish.rollback_to is not None
    found = draw(wish.intents, wish.policies, ledger, seen.summaries, seen.running, seen.home, back=back)
    drawn, legal = found.plan, found.legality
    known = seen.known(moving, legal, at, wish.declared, back=back)
    against = objections(wish.intents, drawn, known, wish.words)
    forward = back or not legal.forward
    behind = next((moving[one.unit] for one in wish.intents if one.unit in moving and forward), None)
    return ReleaseRequested(
        at=STAMPED_LATER,
        release=name,
        intents=wish.intents,
        plan=drawn,
        author=wish.author,
        reason=wish.reason,
        behind=None if worst(against) == "fail" else behind,
        retry_reason=wish.words.retry,
        break_glass_reason=wish.words.break_glass,
        objections=against,
        rollback_to=wish.rollback_to,
    )


def dequeued(asked: ReleaseRequested, before: Plan, ledger: Ledger, at: float) -> ReleaseDequeued:
    """The way is free: draw the plan from what runs now, and ask again what speaks against it."""
    seen = _Seen.of(ledger, without=asked.release)
    back = asked.rollback_to is not None
    policies = policies_of(before)
    drawn = draw(asked.intents, policies, ledger, seen.summaries, seen.running, seen.home, back=back)
    words = Words(asked.retry_reason, asked.break_glass_reason)
    known = replace(seen.known({}, drawn.legality, at, back=back), overtaken=seen.overtaken(asked.release))
    found = objections(asked.intents, drawn.plan, known, words)
    return ReleaseDequeued(at=STAMPED_LATER, plan=drawn.plan, objections=found)


@dataclass(frozen=True)
class _Seen:
    """What the ledger says of everything: the releases, newest first, what runs by them, and the home."""

    summaries: list[Summary]
    running: Mapping[Unit, Running]
    home: Home

    @classmethod
    def of(cls, ledger: Ledger, without: str = "") -> "_Seen":
        """All of it, but for one release. Raises LedgerError."""
        summaries, notes = ledger.summaries(limit=ALL_RELEASES), ledger.notes()
        others = [summary for summary in summaries if summary.release != without]
        return cls(others, fleet(summaries, retired(notes)), folded(note.event for note in notes))

    def overtaken(self, release: str) -> dict[Unit, str]:
        """What was promoted that was asked for after `release`, by the units that it moved."""
        later = [
            one
            for one in self.summaries
            if one.outcome == "promoted" and ordinal(one.release) > ordinal(release)
        ]
        return {move.unit: one.release for one in later for move in one.moves}

    def known(
        self,
        moving: Mapping[Unit, str],
        legal: Legality,
        at: float,
        declared: tuple[Unit, ...] | None = None,
        *,
        back: bool,
    ) -> Known:
        """What the rules ask about. A way back is never forbidden by a freeze, but always by a barrier."""
        changing = () if back else legal.intents
        return Known(
            in_flight=moving,
            undone=rolled_back(self.summaries),
            undone_versions=rolled_back_versions(self.summaries),
            frozen=frozen(self.home, (intent.unit for intent in changing), at),
            listening=listening(self.summaries, self.running),
            declared=declared,
            kept_out=legal.kept_out,
            meant_for={} if back else legal.meant_for,
            ordered_back=back,
            platforms=platforms(self.running),
        )


class Promotion(NamedTuple):
    """What was promoted last of a unit. `retired`: it was taken away, and nothing has brought it back since."""

    version: Version
    retired: bool


def last_promotion(unit: Unit, ledger: Ledger) -> Promotion | None:
    """By what the ledger says; None where there was none. Only as many releases are read as it takes."""
    page = releases_of(ledger, unit, PAGE)
    while page:
        for summary in page:
            if summary.outcome == "promoted":
                found = next((move.after for move in summary.moves if move.unit == unit), None)
                if found is not None:
                    return Promotion(found, retired(ledger.notes()).get(unit) == summary.release)
        page = releases_of(ledger, unit, PAGE, page[-1].release)
    return None


def free_name(ledger: Ledger) -> str:
    """A name for a new release: of none in the ledger, and of none that the world has done without it."""
    done = folded(note.event for note in ledger.notes()).reconciled
    return f"r{max(ordinal(ledger.next_release()), *(ordinal(one) + 1 for one in done), 1)}"
