"""Holds every release under way: admits, queues, hands on what people ask, and brings the unfinished back."""

import asyncio
import contextlib
from collections.abc import Callable, Iterable
from typing import Any

from msgspec.structs import replace

from headgate.controller.actor import (
    LEDGER_RETRY_S,
    Actor,
    Appended,
    Desk,
    Overtaken,
    Release,
    unseen,
)
from headgate.controller.clock import SteadyClock
from headgate.controller.intake import HISTORY_MAX, dequeued, request
from headgate.controller.lease import Lease
from headgate.controller.patrol import Patrol
from headgate.controller.perform import Performer
from headgate.controller.reconcile import Reconciler
from headgate.controller.recover import recover, watch_over
from headgate.controller.retiring import Retiring
from headgate.controller.world import World
from headgate.core.events import STAMPED_LATER, AnyEvent, ReleaseAborted, ReleaseRequested
from headgate.core.machine import Illegal
from headgate.core.model import Unit, Version
from headgate.core.need import need
from headgate.core.state import State, initial
from headgate.core.submission import Submission
from headgate.core.summary import Summary
from headgate.core.view import phase
from headgate.ledger import Ledger, LedgerError
from headgate.ledger.projections import fleet_of
from headgate.ports import PortError
from headgate.ports.controller import Retired, Stopped, UnknownRelease

LEASE_ROUND_S = 2.0
RETIRED_WITHIN_S = 30.0
"""How long whoever retires a unit is kept waiting; it goes on all the same."""

__all__ = ["Supervisor"]


class Supervisor:
    """The controller of one home. One at a time: it holds the lease while it runs.

    `elsewhere` says what is wrong beside it, by name: what cannot be told to people, say. `mends`: it also compares
    what runs with what the ledger says, all the time, and mends what is safe to mend.
    """

    def __init__(
        self,
        ledger: Ledger,
        world: World,
        lease: Lease,
        wall: Callable[[], float],
        appended: Appended = unseen,
        *,
        mends: bool = False,
    ) -> None:
        self._appended = appended
        self._mends = mends
        self.elsewhere: Callable[[], dict[str, str]] = dict
        self._ledger = ledger
        self._world = world
        self._lease = lease
        self._wall = wall
        self._actors: dict[str, Actor] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._carriers: set[asyncio.Task[None]] = set()
        self._admitting = asyncio.Lock()
        self._freed = asyncio.Event()
        self._closing = False
        self._trouble = ""
        self._desk: Desk | None = None
        self._patrol = Patrol(world)
        self._retiring: Retiring | None = None
        self._reconciler: Reconciler | None = None

    # --- life --------------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Take the lease and carry on with every open release. Raises LeaseTaken, LedgerError."""
        self._lease.acquire()
        open_now = self._open()
        latest = max((summary.changed_at for summary in open_now), default=0.0)
        clock = SteadyClock(max(self._wall(), latest))
        self._desk = Desk(
            ledger=self._ledger,
            performer=Performer(self._world, clock, self._needed, self._lease.held),
            clock=clock,
            lease=self._lease,
            watch_over=lambda plan: watch_over(plan, self._world),
            abandon_s=self._world.patience.abandon_s,
            appended=self._appended,
        )
        self._retiring = Retiring(self._ledger, self._world, self._desk.performer, self._wall)
        if self._mends:
            self._reconciler = Reconciler(
                self._ledger, self._world, self._desk.performer, self._retiring, lambda: self._admitting
            )
            self._follow(asyncio.create_task(self._reconciler.run()))
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
        units = [intent.unit for intent in wish.intents]
        await self._make_way(units)
        async with self._admitting:
            self._require_free(units)
            release = await self._begin(request(wish, self._ledger, self._wall()))
        self._freed.set()
        return release

    async def tell(self, release: str, event: AnyEvent) -> State:
        """Hand a person's word to a release. Raises UnknownRelease, Illegal, Stopped."""
        actor = self._actors.get(release)
        if actor is None:
            known = ", ".join(self._actors) or "none"
            raise UnknownRelease(f"no open release is called {release!r} (open: {known})")
        return await actor.tell(event)

    async def retire(self, unit: Unit, by: str, reason: str) -> Retired:
        """Take a unit away that is no longer wanted, recorded first. Raises Unretirable, Stopped, LedgerError."""
        if self._retiring is None or self._closing or not self._lease.held():
            raise Stopped("this controller does not run, or another one has taken over")
        async with self._admitting:
            await self._retiring.record(unit, by, reason)
        carried = asyncio.create_task(self._retiring.carry_out(unit))
        self._follow(carried)
        done, _ = await asyncio.wait((carried,), timeout=RETIRED_WITHIN_S)
        return carried.result() if done else Retired(unit, done=False, trouble="it is under way")

    async def _make_way(self, units: Iterable[Unit]) -> None:
        """What was retired is gone before it comes back. Raises Stopped."""
        try:
            trouble = await self._retiring.make_way(units) if self._retiring is not None else ""
        except PortError:
            return  # the release will say so, where it matters to it
        if trouble:
            raise Stopped(trouble)

    def _require_free(self, units: Iterable[Unit]) -> None:
        """What is being taken away is not brought back at the same time. Raises Stopped."""
        gone = self._retiring.busy(units) if self._retiring is not None else None
        if gone is not None:
            raise Stopped(f"{gone} is being retired just now: deploy it when that is done")

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
        return {"open": list(self._actors), "trouble": self._all_trouble()}

    def troubles(self) -> int:
        """How much stands in their way."""
        return len(self._all_trouble())

    def _all_trouble(self) -> dict[str, str]:
        trouble = {name: actor.trouble for name, actor in self._actors.items() if actor.trouble}
        if self._trouble:
            trouble["controller"] = self._trouble
        differs = self._reconciler.trouble if self._reconciler is not None else {}
        return trouble | differs | self.elsewhere()

    def open_releases(self) -> tuple[str, ...]:
        """The names of the releases that are not closed, oldest first."""
        return tuple(self._actors)

    async def _begin(self, asked: ReleaseRequested) -> str:
        """Find a free name; whoever appends first has it. Raises Stopped when we may not act any more."""
        while True:
            named = replace(asked, release=self._ledger.next_release())
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
                self._run(recover(entries, self._world, self._ledger.sample))

    def _run(self, release: Release) -> Actor:
        if self._desk is None or self._closing or not self._lease.held():
            raise Stopped("this controller does not run, or another one has taken over")
        actor = Actor(release, self._desk, self._changed)
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

    def _follow(self, task: "asyncio.Task[Any]") -> None:
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: "asyncio.Task[Any]") -> None:
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
                    await self._serve_queue()
            except LedgerError as error:
                self._trouble = str(error)
                await asyncio.sleep(LEDGER_RETRY_S)
                continue
            self._trouble = ""
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
        with contextlib.suppress(Illegal, Stopped):
            await actor.tell(dequeued(actor.request, actor.plan, self._ledger, self._wall()))

    async def _supersede(self, others: Iterable[str], release: str) -> None:
        """Undo what is in the way. What is on its way back already is left to finish."""
        word = ReleaseAborted(at=STAMPED_LATER, by="headgate", reason=f"superseded by {release}")
        for name in others:
            other = self._actors.get(name)
            if other is not None and other.state.stage in ("queued", "checking", "forward"):
                with contextlib.suppress(Illegal, Stopped):
                    await other.tell(word)

    # --- what the ledger knows ---------------------------------------------------------------------------------------

    def _open(self) -> list[Summary]:
        """The releases that are not closed, oldest first."""
        return self._ledger.summaries(open_only=True, limit=HISTORY_MAX)[::-1]

    def _needed(self, release: str, version: Version) -> str:
        """Why `version` must keep running although `release` is done with it; an empty string lets it stop."""
        run = fleet_of(self._ledger).get(version.unit)
        if run is None:
            return ""  # it was retired: nothing of it is kept, not even warm
        if run.stable == version:
            return f"{version} is what {version.unit} runs"
        others = [actor for name, actor in self._actors.items() if name != release]
        return next((why for other in others if (why := need(other.state, other.plan, version))), "")
