"""Holds every release under way: admits, queues, hands on what people ask, and brings the unfinished back."""

import asyncio
import contextlib
from collections.abc import Callable, Iterable

import msgspec

from headgate.controller.actor import Actor, Release, Stopped
from headgate.controller.clock import SteadyClock
from headgate.controller.lease import Lease
from headgate.controller.perform import STAMPED_LATER, Performer
from headgate.controller.patrol import Patrol
from headgate.controller.recover import recover, watch_over
from headgate.controller.world import World
from headgate.core.admission import Known, Words, objections
from headgate.core.events import AnyEvent, ReleaseAborted, ReleaseDequeued, ReleaseRequested
from headgate.core.machine import Illegal
from headgate.core.model import Intent, Plan, Unit, Version
from headgate.core.planning import Policies, plan, plan_back
from headgate.core.state import State, initial
from headgate.core.summary import Summary
from headgate.ledger import Conflict, Ledger
from headgate.ledger.projections import Running, fleet, rolled_back

HISTORY_MAX = 1_000_000
"""How many releases are looked at to know what runs; a bound far above any real home."""


class Submission(msgspec.Struct, frozen=True):
    """What a person asks for. `rollback_to` names the earlier release whose versions are wanted back."""

    intents: tuple[Intent, ...]
    policies: Policies
    author: str
    reason: str = ""
    words: Words = Words()
    rollback_to: str | None = None


class UnknownRelease(LookupError):
    """There is no open release of this name. The message names those there are."""


class Supervisor:
    """The controller of one home. One at a time: it holds the lease while it runs."""

    def __init__(self, ledger: Ledger, world: World, lease: Lease, wall: Callable[[], float]) -> None:
        self._ledger = ledger
        self._world = world
        self._lease = lease
        self._wall = wall
        self._actors: dict[str, Actor] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._admitting = asyncio.Lock()
        self._errands: set[asyncio.Task[None]] = set()
        self._clock: SteadyClock

    # --- life --------------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Take the lease and carry on with every open release. Raises LeaseTaken."""
        self._lease.acquire()
        open_now = self._ledger.summaries(open_only=True, limit=HISTORY_MAX)
        latest = max((summary.changed_at for summary in open_now), default=0.0)
        self._clock = SteadyClock(max(self._wall(), latest))
        self._performer = Performer(self._world, self._clock, self._needed)
        self._patrol = Patrol(self._world.target)
        for summary in reversed(open_now):
            entries = self._ledger.read(summary.release)
            self._run(recover(entries, self._world, self._ledger.sample))
        self._serve_queue()

    async def close(self) -> None:
        """Let go of everything, changing nothing in the world: whoever starts next carries on from the ledger."""
        tasks = [*self._tasks.values(), *self._errands]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._lease.release()

    # --- what people ask ---------------------------------------------------------------------------------------------

    async def submit(self, wish: Submission) -> str:
        """Begin a release, or queue it, or refuse it: in each case it is on record. Returns its name."""
        async with self._admitting:
            return await self._admit(wish)

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

    def open_releases(self) -> tuple[str, ...]:
        """The names of the releases that are not closed, oldest first."""
        return tuple(self._actors)

    # --- admission ---------------------------------------------------------------------------------------------------

    async def _admit(self, wish: Submission) -> str:
        summaries = self._ledger.summaries(limit=HISTORY_MAX)
        running = fleet(summaries)
        drawn = self._draw(wish, running)
        in_flight = {unit: run.in_flight for unit, run in running.items() if run.in_flight}
        known = Known(in_flight=in_flight, undone=rolled_back(summaries))
        found = objections(wish.intents, drawn, known, wish.words)
        behind = next((in_flight[i.unit] for i in wish.intents if i.unit in in_flight), None)
        refused = any(finding.answer == "fail" for finding in found)
        request = ReleaseRequested(
            at=STAMPED_LATER,
            release="",
            intents=wish.intents,
            plan=drawn,
            author=wish.author,
            reason=wish.reason,
            behind=None if refused else behind,
            retry_reason=wish.words.retry,
            break_glass_reason=wish.words.break_glass,
            objections=found,
            rollback_to=wish.rollback_to,
        )
        release = await self._begin(request)
        if behind and not refused and drawn.concurrency == "supersede":
            await self._supersede(wish.intents, in_flight, release)
        self._serve_queue()
        return release

    def _draw(self, wish: Submission, running: dict[Unit, Running]) -> Plan:
        stable = {unit: run.stable for unit, run in running.items() if run.stable is not None}
        draw = plan_back if wish.rollback_to else plan
        return draw(wish.intents, stable, wish.policies)

    async def _begin(self, request: ReleaseRequested) -> str:
        """Find a free name; whoever appends first has it."""
        while True:
            named = msgspec.structs.replace(request, release=self._ledger.next_release())
            state = initial(named.release, named.plan)
            watchers = watch_over(named.plan, self._world)
            self._run(Release(named, named.plan, state, watchers))
            try:
                await self._actors[named.release].tell(named)
            except Stopped:
                continue
            return named.release

    async def _supersede(self, intents: Iterable[Intent], in_flight: dict[Unit, str], release: str) -> None:
        for other in {in_flight[intent.unit] for intent in intents if intent.unit in in_flight}:
            with contextlib.suppress(Illegal, UnknownRelease):
                word = ReleaseAborted(at=STAMPED_LATER, by="headgate", reason=f"superseded by {release}")
                await self.tell(other, word)

    # --- actors ------------------------------------------------------------------------------------------------------

    def _run(self, release: Release) -> None:
        actor = Actor(
            release,
            self._ledger,
            self._performer,
            self._clock,
            self._changed,
            lambda drawn: watch_over(drawn, self._world),
        )
        name = release.request.release
        self._actors[name] = actor
        self._tasks[name] = asyncio.create_task(self._carry(name, actor))

    async def _carry(self, name: str, actor: Actor) -> None:
        patrol = asyncio.create_task(self._patrol.walk(actor))
        try:
            await actor.run()
        except Conflict:
            pass  # whoever appended carries on with it; we hold nothing of it any more
        finally:
            patrol.cancel()
            self._actors.pop(name, None)
            self._tasks.pop(name, None)
            self._serve_queue()

    def _changed(self, actor: Actor) -> None:
        if not actor.state.in_flight:
            self._serve_queue()

    def _serve_queue(self) -> None:
        errand = asyncio.create_task(self._dequeue())
        self._errands.add(errand)
        errand.add_done_callback(self._errands.discard)

    async def _dequeue(self) -> None:
        """Let every queued release go whose units nobody moves any more, oldest first."""
        async with self._admitting:
            busy = {leg.unit for actor in self._actors.values() if actor.state.in_flight for leg in actor.plan.legs}
            for actor in [actor for actor in self._actors.values() if actor.state.stage == "queued"]:
                units = {leg.unit for leg in actor.plan.legs}
                if not units & busy:
                    busy |= units
                    await self._let_go(actor)
                else:
                    busy |= units

    async def _let_go(self, actor: Actor) -> None:
        request = actor.request
        running = fleet(self._ledger.summaries(limit=HISTORY_MAX))
        stable = {unit: run.stable for unit, run in running.items() if run.stable is not None}
        draw = plan_back if request.rollback_to else plan
        old = actor.plan
        policies = Policies(old.production, old.gates, old.on_inconclusive, old.on_no_data, old.concurrency)
        with contextlib.suppress(Illegal, Stopped):
            await actor.tell(ReleaseDequeued(at=STAMPED_LATER, plan=draw(request.intents, stable, policies)))

    def _needed(self, release: str, version: Version) -> str:
        """Why `version` must keep running although `release` is done with it; an empty string lets it stop."""
        summaries = self._ledger.summaries(limit=HISTORY_MAX)
        if (run := fleet(summaries).get(version.unit)) is not None and run.stable == version:
            return f"{version} is what {version.unit} runs"
        others = (summary for summary in summaries if summary.release != release and not summary.closed)
        return next((why for other in others if (why := _use(other, version))), "")


def _use(summary: Summary, version: Version) -> str:
    if version in summary.warm:
        return f"{summary.release} keeps {version} warm"
    moving = summary.outcome is None and any(version in (move.before, move.after) for move in summary.moves)
    return f"{summary.release} is moving {version}" if moving else ""
