"""Holds every release under way: admits, queues, hands on what people ask, and brings the unfinished back."""

import asyncio
import contextlib
from collections.abc import Callable, Iterable
from typing import Protocol, TypeVar

from msgspec.structs import replace

from headgate.controller.actor import Actor, Appended, Desk, Release, unseen
from headgate.controller.clock import SteadyClock
from headgate.controller.intake import HISTORY_MAX, dequeued, free_name, request, stable
from headgate.controller.lease import Lease
from headgate.controller.patrol import Patrol
from headgate.controller.pauses import Pauses
from headgate.controller.perform import Performer
from headgate.controller.recover import recover, watch_over
from headgate.controller.scribe import Overtaken
from headgate.controller.takeover import UNWATCHED_MIN_S, compare, missed, settled, unheld, world_ahead
from headgate.controller.world import World
from headgate.core.events import STAMPED_LATER, AnyEvent, ReleaseAborted, ReleaseRequested, WatchResumed
from headgate.core.machine import Illegal
from headgate.core.model import Plan, Unit, Version
from headgate.core.need import need
from headgate.core.state import State, initial
from headgate.core.submission import Submission
from headgate.core.summary import Summary
from headgate.core.view import phase
from headgate.ledger import Ledger, LedgerError
from headgate.ledger.spool import MemorySpool, Spool
from headgate.ports.controller import Stopped, UnknownRelease

LEASE_ROUND_S = 2.0
LEDGER_RETRY_S = 1.0

T = TypeVar("T")


class Aside(Protocol):
    """Runs work that reads much, beside the loop."""

    async def __call__(self, work: Callable[[Ledger], T]) -> T:
        """What `work` gives for the ledger. Raises what it raises."""
        ...


__all__ = ["Supervisor"]


class Supervisor:
    """The controller of one home. One at a time: it holds the lease while it runs.

    `aside` runs what looks through the whole ledger, where that holds nobody up; None: here and now.
    `elsewhere` says what is wrong beside it, by name: what cannot be told to people, say.
    """

    def __init__(
        self,
        ledger: Ledger,
        world: World,
        lease: Lease,
        wall: Callable[[], float],
        appended: Appended = unseen,
        spool: Spool | None = None,
        aside: Aside | None = None,
    ) -> None:
        self._appended = appended
        self.elsewhere: Callable[[], dict[str, str]] = dict
        self._ledger = ledger
        self._spool = spool or MemorySpool()
        self._aside = aside or self._at_once
        self._world = world
        self._lease = lease
        self._wall = wall
        self._actors: dict[str, Actor] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._carriers: set[asyncio.Task[None]] = set()
        self._admitting = asyncio.Lock()
        self._freed = asyncio.Event()
        self._closing = False
        self._trouble = ""
        self._ahead = ""
        self._desk: Desk | None = None
        self._patrol = Patrol(world)

    # --- life --------------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Take the lease and carry on with every open release. Raises LeaseTaken, LedgerError."""
        self._lease.acquire()
        open_now = self._open()
        latest = max((one.changed_at for one in [*open_now, *self._spooled()]), default=0.0)
        clock = SteadyClock(max(self._wall(), latest))
        self._pauses = Pauses(self._paused)
        self._follow(asyncio.create_task(self._pauses.listen()))
        self._desk = Desk(
            ledger=self._ledger,
            performer=Performer(self._world, clock, self._needed, self._lease.held, self._pauses.since),
            clock=clock,
            lease=self._lease,
            watch_over=lambda plan: watch_over(plan, self._world),
            abandon_s=self._world.patience.abandon_s,
            appended=self._appended,
            spool=self._spool,
        )
        self._ahead = await world_ahead(self._ledger, self._world)
        if not self._ahead:
            self._take_up(open_now)
        self._follow(asyncio.create_task(self._usher()))

    async def close(self) -> None:
        """Let go of everything, changing nothing in the world: whoever starts next carries on from the ledger."""
        self._closing = True
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._lease.release()

    # --- what people ask ---------------------------------------------------------------------------------------------

    async def submit(self, wish: Submission) -> str:
        """Begin a release, or queue it, or refuse it: in each case it is on record. Returns its name.

        Raises Stopped when this controller may not act, LedgerError when the ledger cannot be read.
        """
        async with self._admitting:
            await self._require_ledger()
            at = self._wall()
            release = await self._begin(await self._aside(lambda ledger: request(wish, ledger, at)))
        self._freed.set()
        return release

    async def _require_ledger(self) -> None:
        """Raises Stopped while the world is ahead of the ledger; a person's word that it counts is heard here."""
        if self._ahead:
            self._ahead = await world_ahead(self._ledger, self._world)
        if self._ahead:
            raise Stopped(self._ahead)

    async def tell(self, release: str, event: AnyEvent) -> State:
        """Hand a person's word to a release. Raises UnknownRelease, Illegal, Stopped."""
        actor = self._actors.get(release)
        if actor is None:
            known = ", ".join(self._actors) or "none"
            raise UnknownRelease(f"no open release is called {release!r} (open: {known})")
        return await actor.tell(event)

    def actor(self, release: str) -> Actor | None:
        """The actor of an open release."""
        return self._actors.get(release)

    def request(self, release: str) -> ReleaseRequested | None:
        """What was asked for in an open release; None when it is not open."""
        actor = self._actors.get(release)
        return actor.request if actor is not None else None

    def phase(self, release: str) -> str:
        """Where a release is, in a word or two; `closed` when it is not open."""
        actor = self._actors.get(release)
        return phase(actor.state, actor.plan) if actor is not None else "closed"

    def health(self) -> dict[str, object]:
        """The open releases, and what stands in their way inside the controller itself (a full disk, a busy ledger)."""
        return {"open": list(self._actors), "trouble": self.trouble()}

    def trouble(self) -> dict[str, str]:
        """What stands in the way of releases, by the release's name, and of the controller itself."""
        trouble = {name: actor.trouble for name, actor in self._actors.items() if actor.trouble}
        if self._trouble:
            trouble["controller"] = self._trouble
        if self._ahead:
            trouble["ledger"] = self._ahead
        return trouble | self.elsewhere()

    def open_releases(self) -> tuple[str, ...]:
        """The names of the releases that are not closed, oldest first."""
        return tuple(self._actors)

    def plans(self) -> tuple[Plan, ...]:
        """The plans of the releases that are not closed."""
        return tuple(actor.plan for actor in self._actors.values())

    async def _begin(self, asked: ReleaseRequested) -> str:
        """Find a free name; whoever appends first has it. Raises Stopped when we may not act any more."""
        while True:
            named = replace(asked, release=free_name(self._ledger))
            actor = self._run(self._drawn(named))
            try:
                await actor.tell(named)
            except Overtaken:
                continue
            else:
                return named.release

    def _drawn(self, named: ReleaseRequested) -> Release:
        state = initial(named.release, named.plan)
        return Release(named, named.plan, state, watch_over(named.plan, self._world))

    # --- actors ------------------------------------------------------------------------------------------------------

    def _take_up(self, summaries: list[Summary]) -> None:
        """Carry on with every open release that nobody here runs yet."""
        for summary in summaries:
            if summary.release not in self._actors:
                entries = self._ledger.read(summary.release)
                spooled = [entry for entry in self._spool.read() if entry.release == summary.release]
                self._resume(recover(entries, self._world, self._ledger.sample, spooled))

    def _resume(self, release: Release) -> None:
        """Carry on, beginning with what has happened to it while nobody was there."""
        assert self._desk is not None
        now = self._desk.clock.now()
        since = [event for event in (missed(release.state, now), unheld(release.state)) if event is not None]
        actor = self._run(release, since)
        self._follow(asyncio.create_task(compare(actor, self._world)))

    def _paused(self, for_s: float) -> None:
        """No bake ran on while this process stood still."""
        for actor in self._actors.values():
            if for_s >= UNWATCHED_MIN_S and actor.state.stage in ("forward", "warm"):
                actor.note(WatchResumed(at=STAMPED_LATER, unwatched_s=for_s))

    def _run(self, release: Release, since: Iterable[AnyEvent] = ()) -> Actor:
        if self._desk is None or self._closing or not self._lease.held():
            raise Stopped("this controller does not run, or another one has taken over")
        actor = Actor(release, self._desk, self._changed)
        for event in since:
            actor.note(event)
        self._actors[release.request.release] = actor
        task = asyncio.create_task(self._carry(actor))
        self._carriers.add(task)
        task.add_done_callback(self._carriers.discard)
        self._follow(task)
        return actor

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
                del self._actors[name]
            self._freed.set()

    def _follow(self, task: "asyncio.Task[None]") -> None:
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self._trouble = f"{type(error).__name__}: {error}"

    def _changed(self, actor: Actor) -> None:
        if not actor.state.in_flight:
            self._freed.set()

    # --- the queue ---------------------------------------------------------------------------------------------------

    async def _usher(self) -> None:
        """Look at the queue whenever a release may have freed its units, and every now and then at the lease."""
        while self._lease.held():
            self._freed.clear()
            try:
                async with self._admitting:
                    if not self._ahead:
                        await self._serve_queue()
            except LedgerError as error:
                self._trouble = str(error)
                await asyncio.sleep(LEDGER_RETRY_S)
                continue
            self._trouble = ""
            settled(self._world, self._actors)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LEASE_ROUND_S):  # wait_for of Python 3.11 may lose a cancellation
                    await self._freed.wait()
        self._give_up()

    def _give_up(self) -> None:
        """Another controller holds the lease: it carries on, and we let go of everything at once."""
        self._trouble = "this controller has lost its lease: another one runs this home"
        for task in self._carriers:
            task.cancel()

    async def _serve_queue(self) -> None:
        """Let every queued release go whose units nobody moves any more, oldest first."""
        open_now = self._open()
        self._take_up(open_now)
        ahead: dict[Unit, list[str]] = {}
        for summary in open_now:
            actor = self._actors.get(summary.release)
            in_the_way = [name for move in summary.moves for name in ahead.get(move.unit, ())]
            if actor is not None and actor.state.stage == "queued":
                if not in_the_way:
                    await self._let_go(actor)
                elif actor.plan.concurrency == "supersede":
                    await self._supersede(dict.fromkeys(in_the_way), summary.release)
            if summary.outcome is None:
                for move in summary.moves:
                    ahead.setdefault(move.unit, []).append(summary.release)

    async def _let_go(self, actor: Actor) -> None:
        asked, before, at = actor.request, actor.plan, self._wall()
        event = await self._aside(lambda ledger: dequeued(asked, before, ledger, at))
        with contextlib.suppress(Illegal, Stopped):
            await actor.tell(event)

    async def _supersede(self, others: Iterable[str], release: str) -> None:
        """Undo what is in the way. What is on its way back already is left to finish."""
        word = ReleaseAborted(at=STAMPED_LATER, by="headgate", reason=f"superseded by {release}")
        for name in others:
            other = self._actors.get(name)
            if other is not None and other.state.stage in ("queued", "checking", "forward"):
                with contextlib.suppress(Illegal, Stopped):
                    await other.tell(word)

    def _spooled(self) -> list[Summary]:
        """The releases as an earlier controller had them that could not write it all into the ledger."""
        return [entry.summary for entry in self._spool.read()]

    async def _at_once(self, work: Callable[[Ledger], T]) -> T:
        return work(self._ledger)

    # --- what the ledger knows ---------------------------------------------------------------------------------------

    def _open(self) -> list[Summary]:
        """The releases that are not closed, oldest first."""
        return self._ledger.summaries(open_only=True, limit=HISTORY_MAX)[::-1]

    def _needed(self, release: str, version: Version) -> str:
        """Why `version` must keep running although `release` is done with it; an empty string lets it stop."""
        if stable(version.unit, self._ledger) == version:
            return f"{version} is what {version.unit} runs"
        others = [actor for name, actor in self._actors.items() if name != release]
        return next((why for other in others if (why := need(other.state, other.plan, version))), "")
