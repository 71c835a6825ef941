"""Succession of releases: one that supersedes others, one that takes a frozen one over with its traffic."""

import asyncio
import contextlib
from collections.abc import Iterable

from headgate.controller.actor import Actor
from headgate.controller.crew import Crew
from headgate.core.legality.forward import frozen, takes_over, taking_over
from headgate.core.machine.ahead import ordinal
from headgate.core.machine.events import STAMPED_LATER, AnyEvent, ReleaseAborted, ReleaseTakenOver
from headgate.core.machine.names import Illegal
from headgate.core.machine.state import State
from headgate.ledger import Ledger
from headgate.ledger.projections import ALL_RELEASES
from headgate.ports.controller import Stopped


def is_frozen(actor: Actor) -> bool:
    """Whether a release is held where it cannot be undone: only its fix goes on from there, or a person's word."""
    return bool(frozen(actor.state, actor.plan))


class Succession:
    """Who takes whom over, among the releases of a crew."""

    def __init__(self, ledger: Ledger, crew: Crew) -> None:
        self._ledger = ledger
        self._crew = crew

    async def tell(self, actor: Actor, event: AnyEvent, admitting: asyncio.Lock) -> State:
        """Hand a word to a release; one that another is about to take over hears none. Raises Illegal, Stopped.

        While a frozen one hears it, nothing is admitted that would take it over.
        """
        if not is_frozen(actor):
            return await actor.tell(event)
        async with admitting:
            release = actor.request.release
            other = taking_over(release, [(one.state, one.plan) for one in self._crew.all()])
            if other:
                message = f"{other} is taking {release} over; `headgate abort {other}` first"
                raise Illegal(message)
            return await actor.tell(event)

    async def supersede(self, others: Iterable[str], release: str) -> None:
        """Undo what is in the way of `release` and older. What is on its way back already is left to finish."""
        word = ReleaseAborted(at=STAMPED_LATER, by="headgate", reason=f"superseded by {release}")
        for name in dict.fromkeys(others):
            other = self._crew.get(name)
            if other is None or ordinal(name) > ordinal(release):
                continue
            if other.state.stage in ("queued", "checking", "forward"):
                with contextlib.suppress(Illegal, Stopped):
                    await other.tell(word)

    async def hand_over(self) -> None:
        """End every frozen release whose traffic another one has. Raises LedgerError.

        Those that were frozen first are told first: whoever carries on after a crash finds the rest still to be told.
        """
        for actor in self._crew.all():
            into = self._into(actor.request.release) if is_frozen(actor) else ""
            if into:
                with contextlib.suppress(Illegal, Stopped):
                    await actor.tell(ReleaseTakenOver(at=STAMPED_LATER, into=into))

    def _into(self, release: str) -> str:
        """The release that has the traffic of this one, by itself or through others in between; empty: none has."""
        others = [one for one in self._crew.all() if any(leg.takes_over == release for leg in one.plan.legs)]
        for one in others:
            if takes_over(one.state, one.plan, release):
                return one.request.release
            if further := self._into(one.request.release):
                return further
        return "" if others else self._promoted_over(release)

    def _promoted_over(self, release: str) -> str:
        """The release that took this one over and was promoted since, and is closed."""
        return next(
            (
                one.release
                for one in self._ledger.summaries(limit=ALL_RELEASES)
                if one.outcome == "promoted" and any(move.takes_over == release for move in one.moves)
            ),
            "",
        )
