"""The supervisor of releases under way: admits, queues, hands on actions, and brings the unfinished back."""

import asyncio
import contextlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from headgate.controller.actor import Actor, Appended, Desk, Release, unseen
from headgate.controller.clock import SteadyClock
from headgate.controller.crew import Crew
from headgate.controller.intake import dequeued, last_promotion, request
from headgate.controller.lease import Lease
from headgate.controller.perform import Performer
from headgate.controller.reconcile import Reconciler
from headgate.controller.recover import watch_over
from headgate.controller.retiring import Retiring
from headgate.controller.scribe import Overtaken
from headgate.controller.succession import Succession
from headgate.controller.takeover import settled, world_ahead
from headgate.controller.watchdog import Pauses
from headgate.controller.world import World
from headgate.core.machine.asking import initial
from headgate.core.machine.events import AnyEvent, ReleaseRequested
from headgate.core.machine.names import Illegal
from headgate.core.machine.plan import Plan
from headgate.core.machine.state import State
from headgate.core.model import Placed, Unit, Version
from headgate.core.model.foreign import clean_name, clean_text, cleaned
from headgate.core.model.summary import Summary
from headgate.core.release.need import need
from headgate.core.release.submission import Submission
from headgate.core.story.view import phase
from headgate.ledger import Ledger, LedgerError
from headgate.ledger.projections import ALL_RELEASES
from headgate.ledger.spool import MemorySpool, Spool
from headgate.ports.controller import NotNow, Retired, Stopped, UnknownRelease

LEASE_ROUND_S = 2.0
LEDGER_RETRY_S = 1.0
RETIRED_WITHIN_S = 30.0
"""How long whoever retires a unit is kept waiting; it goes on all the same."""

T = TypeVar("T")


class Aside(Protocol):
    """Runs work that reads much, beside the loop."""

    async def __call__(self, work: Callable[[Ledger], T]) -> T:
        """What `work` gives for the ledger. Raises what it raises."""
        ...


__all__ = ["Supervisor"]


@dataclass(frozen=True)
class Means:
    """What a controller may have beside its ledger and its world.

    `appended` is told of what the ledger has taken in; `spool` keeps what it cannot take in yet; `aside` runs what
    looks through all of it where that holds nobody up (None: here and now). `mends`: what runs is compared with what
    the ledger says, all the time, and what is safe to mend is mended.
    """

    appended: Appended = unseen
    spool: Spool = field(default_factory=MemorySpool)
    aside: Aside | None = None
    mends: bool = False


class Supervisor:
    """The controller of one home. One at a time: it holds the lease while it runs.

    `elsewhere` says what is wrong beside it, by name: what cannot be told to people, say.
    """

    def __init__(
        self,
        ledger: Ledger,
        world: World,
        lease: Lease,
        wall: Callable[[], float],
        means: Means | None = None,
    ) -> None:
        self._means = means or Means()
        self.elsewhere: Callable[[], dict[str, str]] = dict
        self._ledger = ledger
        self._aside = self._means.aside or self._at_once
        self._world = world
        self._lease = lease
        self._wall = wall
        self._tasks: set[asyncio.Task[Any]] = set()
        self._admitting = asyncio.Lock()
        self._freed = asyncio.Event()
        self._crew = Crew(ledger, self._means.spool, world, self._follow, self._freed.set)
        self._succession = Succession(ledger, self._crew)
        self._trouble = ""
        self._ahead = ""
        self._retiring: Retiring | None = None
        self._reconciler: Reconciler | None = None

    # --- life --------------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Take the lease and carry on with every open release. Raises LeaseTaken, LedgerError."""
        self._lease.acquire()
        open_now = self._open()
        latest = max((one.changed_at for one in [*open_now, *self._crew.spooled()]), default=0.0)
        clock = SteadyClock(max(self._wall(), latest))
        pauses = Pauses(self._crew.paused)
        self._follow(asyncio.create_task(pauses.listen()))
        performer = Performer(self._world, clock, self._needed, self._lease.held, pauses.since)
        self._crew.desk = Desk(
            ledger=self._ledger,
            performer=performer,
            clock=clock,
            lease=self._lease,
            watch_over=lambda plan: watch_over(plan, self._world),
            abandon_s=self._world.patience.abandon_s,
            appended=self._means.appended,
            spool=self._means.spool,
        )
        self._retiring = Retiring(self._ledger, self._world, performer, self._wall)
        self._ahead = await world_ahead(self._ledger, self._world)
        if not self._ahead:
            self._crew.take_up(open_now)
        if self._means.mends:
            self._reconciler = Reconciler(
                self._ledger, self._world, performer, self._retiring, lambda: self._admitting
            )
            self._follow(asyncio.create_task(self._mend(self._reconciler)))
        self._follow(asyncio.create_task(self._usher()))

    async def _mend(self, reconciler: Reconciler) -> None:
        """Mend what differs from the ledger, once it is known that this is the one that counts."""
        while self._ahead:  # noqa: ASYNC110 - a person speaks by the ledger, which has no event
            await asyncio.sleep(LEASE_ROUND_S)
        await reconciler.run()

    async def close(self) -> None:
        """Let go of everything, changing nothing in the world: whoever starts next carries on from the ledger."""
        self._crew.dismissed = True
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
        wish = cleaned(wish)
        units = [intent.unit for intent in wish.intents]
        await self._make_way(wish.intents)
        async with self._admitting:
            await self._require_ledger()
            self._require_free(units)
            release = await self._begin(wish, self._wall())
        self._freed.set()
        return release

    async def _require_ledger(self) -> None:
        """Raises Stopped while the world is ahead of the ledger; a person's word that it counts is heard here."""
        if self._ahead:
            self._ahead = await world_ahead(self._ledger, self._world)
        if self._ahead:
            raise NotNow(self._ahead)

    async def tell(self, release: str, event: AnyEvent) -> State:
        """Hand a person's word to a release. Raises UnknownRelease, Illegal, Stopped."""
        actor = self._crew.get(release)
        if actor is None:
            known = ", ".join(self._crew) or "none"
            raise UnknownRelease(f"no open release is called {release!r} (open: {known})")
        return await self._succession.tell(actor, cleaned(event), self._admitting)

    async def retire(self, unit: Unit, by: str, reason: str) -> Retired:
        """Take a unit away that is no longer wanted, recorded first. Raises Unretirable, Stopped, LedgerError."""
        if self._retiring is None or self._crew.dismissed or not self._lease.held():
            raise Stopped("this controller does not run, or another one has taken over")
        async with self._admitting:
            await self._retiring.record(unit, clean_name(by), clean_text(reason))
        carried = asyncio.create_task(self._retiring.carry_out(unit))
        self._follow(carried)
        done, _ = await asyncio.wait((carried,), timeout=RETIRED_WITHIN_S)
        return carried.result() if done else Retired(unit, done=False, trouble="it is under way")

    async def _make_way(self, wanted: Iterable[Placed]) -> None:
        """What was retired is gone before it comes back. Raises Stopped."""
        trouble = await self._retiring.make_way(wanted) if self._retiring is not None else ""
        if trouble:
            raise Stopped(trouble)

    def _require_free(self, units: Iterable[Unit]) -> None:
        """What is being taken away is not brought back at the same time. Raises Stopped."""
        if self._retiring is not None and (busy := self._retiring.busy(units)):
            raise NotNow(busy)

    def actor(self, release: str) -> Actor | None:
        """The actor of an open release."""
        return self._crew.get(release)

    def request(self, release: str) -> ReleaseRequested | None:
        """What was asked for in an open release; None when it is not open."""
        actor = self._crew.get(release)
        return actor.request if actor is not None else None

    def phase(self, release: str) -> str:
        """Where a release is, in a word or two; `closed` when it is not open."""
        actor = self._crew.get(release)
        return phase(actor.state, actor.plan) if actor is not None else "closed"

    def health(self) -> dict[str, object]:
        """The open releases, and what stands in their way inside the controller itself (a full disk, a busy ledger)."""
        return {"open": list(self._crew), "trouble": self.trouble()}

    def trouble(self) -> dict[str, str]:
        """What stands in the way of releases, by the release's name, and of the controller itself."""
        trouble = {one.request.release: one.trouble for one in self._crew.all() if one.trouble}
        if self._trouble:
            trouble["controller"] = self._trouble
        if self._ahead:
            trouble["ledger"] = self._ahead
        differs = self._reconciler.trouble if self._reconciler is not None else {}
        return trouble | differs | self.elsewhere()

    def open_releases(self) -> tuple[str, ...]:
        """The names of the releases that are not closed, oldest first."""
        return tuple(self._crew)

    def plans(self) -> tuple[Plan, ...]:
        """The plans of the releases that are not closed."""
        return tuple(actor.plan for actor in self._crew.all())

    async def _begin(self, wish: Submission, at: float) -> str:
        """Ask until nobody has begun another release meanwhile. Raises Stopped when we may not act any more."""
        while True:
            asked = await self._aside(lambda ledger: request(wish, ledger, at))
            actor = self._crew.run(self._drawn(asked))
            try:
                await actor.tell(asked)
            except Overtaken:
                continue
            else:
                return asked.release

    def _drawn(self, asked: ReleaseRequested) -> Release:
        state = initial(asked.release, asked.plan)
        return Release(asked, asked.plan, state, watch_over(asked.plan, self._world))

    # --- what is under way here --------------------------------------------------------------------------------------

    def _follow(self, task: "asyncio.Task[Any]") -> None:
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: "asyncio.Task[Any]") -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self._trouble = f"{type(error).__name__}: {error}"

    # --- the queue ---------------------------------------------------------------------------------------------------

    async def _usher(self) -> None:
        """Look at the queue whenever a release may have freed its units, and every now and then at the lease."""
        while self._lease.held():
            self._freed.clear()
            try:
                async with self._admitting:
                    if not self._ahead:
                        await self._serve_queue()
                        await self._succession.hand_over()
            except LedgerError as error:
                self._trouble = str(error)
                await asyncio.sleep(LEDGER_RETRY_S)
                continue
            self._trouble = ""
            settled(self._world, self._crew)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LEASE_ROUND_S):  # wait_for of Python 3.11 may lose a cancellation
                    await self._freed.wait()
        self._give_up()

    def _give_up(self) -> None:
        """Another controller holds the lease: it carries on, and we let go of everything at once."""
        self._trouble = "this controller has lost its lease: another one runs this home"
        self._crew.abandon()

    async def _serve_queue(self) -> None:
        """Let every queued release go whose units nobody moves any more, oldest first.

        One that has begun may be newer: it took a frozen one over.
        """
        open_now = self._open()
        self._crew.take_up(open_now)
        ahead: dict[Unit, list[str]] = {}
        for summary in sorted(open_now, key=lambda one: one.phase == "queued"):
            actor = self._crew.get(summary.release)
            in_the_way = [name for move in summary.moves for name in ahead.get(move.unit, ())]
            if actor is not None and actor.state.stage == "queued":
                if not in_the_way:
                    await self._let_go(actor)
                elif actor.plan.concurrency == "supersede":
                    await self._succession.supersede(in_the_way, summary.release)
            if summary.outcome is None:
                for move in summary.moves:
                    ahead.setdefault(move.unit, []).append(summary.release)

    async def _let_go(self, actor: Actor) -> None:
        asked, before, at = actor.request, actor.plan, self._wall()
        event = await self._aside(lambda ledger: dequeued(asked, before, ledger, at))
        with contextlib.suppress(Illegal, Stopped):
            await actor.tell(event)

    async def _at_once(self, work: Callable[[Ledger], T]) -> T:
        return work(self._ledger)

    # --- what the ledger knows ---------------------------------------------------------------------------------------

    def _open(self) -> list[Summary]:
        """The releases that are not closed, oldest first."""
        return self._ledger.summaries(open_only=True, limit=ALL_RELEASES)[::-1]

    def _needed(self, release: str, version: Version) -> str:
        """Why `version` must keep running although `release` is done with it; an empty string lets it stop."""
        last = last_promotion(version.unit, self._ledger)
        if last is not None and last.retired:
            return ""  # nothing of it is kept, not even warm
        if last is not None and last.version == version:
            return f"{version} is what {version.unit} runs"
        others = [actor for actor in self._crew.all() if actor.request.release != release]
        return next((why for other in others if (why := need(other.state, other.plan, version))), "")
