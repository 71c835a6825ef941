"""The actors of the open releases: begun, taken up again, and followed to their end."""

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Iterator

from headgate.controller.actor import Actor, Desk, Release
from headgate.controller.patrol import Patrol
from headgate.controller.recover import recover
from headgate.controller.takeover import UNWATCHED_MIN_S, compare, missed, unheld
from headgate.controller.world import World
from headgate.core.machine.events import STAMPED_LATER, AnyEvent, WatchResumed
from headgate.core.model.summary import Summary
from headgate.ledger import Ledger
from headgate.ledger.spool import Spool
from headgate.ports.controller import Stopped

Follow = Callable[["asyncio.Task[None]"], None]
"""Keeps a task, and says what becomes of it."""


class Crew:
    """Who runs which release. `freed` is called whenever a release may have freed its units.

    Nobody is begun before there is a `desk` to work at, nor after `dismissed`.
    """

    def __init__(
        self, ledger: Ledger, spool: Spool, world: World, follow: Follow, freed: Callable[[], None]
    ) -> None:
        self._ledger = ledger
        self._spool = spool
        self._world = world
        self._follow = follow
        self._freed = freed
        self._patrol = Patrol(world)
        self._actors: dict[str, Actor] = {}
        self._carriers: dict[str, asyncio.Task[None]] = {}
        self.desk: Desk | None = None
        self.dismissed = False

    def __iter__(self) -> Iterator[str]:
        """The names of the releases, oldest first."""
        return iter(self._actors)

    def get(self, release: str) -> Actor | None:
        """Who runs a release; None: nobody here."""
        return self._actors.get(release)

    def all(self) -> tuple[Actor, ...]:
        """Every actor."""
        return tuple(self._actors.values())

    def take_up(self, summaries: Iterable[Summary]) -> None:
        """Carry on with the open releases, which are all of these, that nobody here runs yet.

        What waits here for its turn and is open no more was ended by a controller before this one, whose last words
        came late: nobody waits for it. Raises Stopped, LedgerError.
        """
        open_now = {summary.release: summary for summary in summaries}
        for name, actor in self._actors.items():
            if actor.state.stage == "queued" and name not in open_now and not actor.behind:
                self._carriers[name].cancel()
        for summary in open_now.values():
            if summary.release not in self._actors:
                entries = self._ledger.read(summary.release)
                spooled = [entry for entry in self._spool.read() if entry.release == summary.release]
                self._resume(recover(entries, self._world, self._ledger.sample, spooled))

    def spooled(self) -> list[Summary]:
        """The releases as an earlier controller had them that could not write it all into the ledger."""
        return [entry.summary for entry in self._spool.read()]

    def run(self, release: Release, since: Iterable[AnyEvent] = ()) -> Actor:
        """Begin with a release, after what happened to it meanwhile. Raises Stopped when we may not act (any more)."""
        if self.desk is None or self.dismissed or not self.desk.lease.held():
            raise Stopped("this controller does not run, or another one has taken over")
        actor = Actor(release, self.desk, self._changed)
        for event in since:
            actor.note(event)
        self._actors[release.request.release] = actor
        task = asyncio.create_task(self._carry(actor))
        self._carriers[release.request.release] = task
        self._follow(task)
        return actor

    def paused(self, for_s: float) -> None:
        """No bake ran on while this process stood still, for so many seconds."""
        for actor in self._actors.values():
            if for_s >= UNWATCHED_MIN_S and actor.state.stage in ("forward", "warm"):
                actor.note(WatchResumed(at=STAMPED_LATER, unwatched_s=for_s))

    def abandon(self) -> None:
        """Let go of everything at once: another controller carries it on."""
        for task in self._carriers.values():
            task.cancel()

    def _resume(self, release: Release) -> None:
        assert self.desk is not None
        now = self.desk.clock.now()
        since = [event for event in (missed(release.state, now), unheld(release.state)) if event is not None]
        actor = self.run(release, since)
        self._follow(asyncio.create_task(compare(actor, self._world)))

    async def _carry(self, actor: Actor) -> None:
        """Run a release to its end, or until somebody else has written to it: the usher then reads it anew."""
        patrol = asyncio.create_task(self._patrol.walk(actor))
        try:
            with contextlib.suppress(Stopped):
                await actor.run()
        finally:
            patrol.cancel()
            name = actor.request.release
            if self._actors.get(name) is actor:
                del self._actors[name], self._carriers[name]
            self._freed()

    def _changed(self, actor: Actor) -> None:
        if not actor.state.in_flight or any(leg.takes_over for leg in actor.plan.legs):
            self._freed()
