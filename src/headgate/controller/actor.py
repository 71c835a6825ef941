"""The actor of one release: inbox -> step -> append -> perform."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from msgspec.structs import replace

from headgate.controller.clock import SteadyClock
from headgate.controller.lease import Lease
from headgate.controller.perform import Delayed, Performer
from headgate.controller.plain import plain
from headgate.controller.sampling import Observation, Watcher
from headgate.controller.scribe import BEHIND_MAX, Overtaken, Scribe
from headgate.controller.underway import Underway
from headgate.core.machine.effects import Observe
from headgate.core.machine.events import (
    STAMPED_LATER,
    Answer,
    AnyEvent,
    EffectDelayed,
    EffectFailed,
    EffectId,
    Judged,
    ReleaseAborted,
    ReleaseDequeued,
    ReleaseRequested,
)
from headgate.core.machine.names import EFFECTS, Illegal, Stale, called
from headgate.core.machine.plan import Leg, Plan
from headgate.core.machine.safety import needs_no_ledger, tried_until_done, whole
from headgate.core.machine.state import UNEXPOSED, Pending, State
from headgate.core.machine.step import step
from headgate.core.machine.steps import Expose
from headgate.core.model import Sample
from headgate.core.model.summary import Summary
from headgate.core.story.view import summarise
from headgate.ledger import Ledger, sample_digest
from headgate.ledger.spool import MemorySpool, Spool, Unwritten
from headgate.ports.controller import Stopped

INBOX_MAX = 1000
FULL = "the ledger has not been written for so long that nothing more can be kept"


@dataclass
class Release:
    """What an actor carries: the release's state, and what it was folded from.

    `spooled` is what of that an earlier controller could not write into the ledger.
    """

    request: ReleaseRequested
    plan: Plan
    state: State
    watchers: tuple[Watcher, ...]
    spooled: tuple[Unwritten, ...] = ()


Appended = Callable[[AnyEvent, Summary, Sample | None, float], None]
"""Told of what the ledger has taken in, and how long that took (seconds). It never raises."""


def unseen(event: AnyEvent, summary: Summary, sample: Sample | None, append_s: float) -> None:
    """Nobody looks on."""


@dataclass(frozen=True)
class Desk:
    """What all actors of a controller work with."""

    ledger: Ledger
    performer: Performer
    clock: SteadyClock
    lease: Lease
    watch_over: Callable[[Plan], tuple[Watcher, ...]]
    abandon_s: float
    appended: Appended = unseen
    spool: Spool = field(default_factory=MemorySpool)


@dataclass
class _Message:
    event: AnyEvent | None
    observation: Observation | None = None
    done: "asyncio.Future[State] | None" = None


class Actor:
    """Serialises everything that happens to one release. `changed` is called after each change of state.

    `trouble` says why the release stands still although nothing holds it (the ledger is full, say); empty: it does not.
    """

    def __init__(self, release: Release, desk: Desk, changed: Callable[["Actor"], None]) -> None:
        self._release = release
        self._desk = desk
        self._changed = changed
        self._inbox: asyncio.Queue[_Message] = asyncio.Queue(INBOX_MAX)
        self._underway = Underway(self._carry_out, desk.abandon_s)
        self._scribe = Scribe(desk.ledger, desk.spool, desk.lease, self._written, self._caught_up)
        self._scribe.take_up(release.spooled)
        self._over = False
        self._trouble = ""

    @property
    def trouble(self) -> str:
        """See the class."""
        return self._scribe.trouble or self._trouble

    @property
    def behind(self) -> int:
        """How many entries the ledger has not got yet."""
        return self._scribe.behind

    @property
    def state(self) -> State:
        """The state after the last event, which the ledger has or will have."""
        return self._release.state

    @property
    def plan(self) -> Plan:
        """The plan in force."""
        return self._release.plan

    @property
    def request(self) -> ReleaseRequested:
        """The event that began it all."""
        return self._release.request

    async def tell(self, event: AnyEvent) -> State:
        """Have `event` take effect; returns the state after it. Raises Illegal, Stopped, LedgerError.

        The ledger has it by then, or `trouble` says why it does not yet.
        """
        done: asyncio.Future[State] = asyncio.get_running_loop().create_future()
        message = _Message(event, done=done)
        await self._inbox.put(message)
        if self._over:
            self._turn_away()
        return await done

    def note(self, event: AnyEvent) -> None:
        """Have `event` take effect as soon as what came before it has; it is dropped where it makes no sense."""
        if not self._inbox.full():
            self._inbox.put_nowait(_Message(event))

    async def run(self) -> None:
        """Perform what is pending, then take in one message after another until the release is closed.

        Raises Overtaken, and Stopped when a new release could not be written at all.
        """
        self._settle()
        try:
            while self.state.stage != "closed":
                await self._take(await self._inbox.get())
            await self._scribe.drained()
        finally:
            self._over = True
            self._turn_away()
            await self._underway.end()
            await self._scribe.close()

    def _turn_away(self) -> None:
        """Nobody will take in what is still in the inbox: say so to whoever waits."""
        while not self._inbox.empty():
            _answer(self._inbox.get_nowait(), Stopped(f"{self.request.release} is no longer run here"))

    # --- inbox -> step -> append ------------------------------------------------------------------------------------

    async def _take(self, message: _Message) -> None:
        if self._scribe.broken is not None:
            _answer(message, self._scribe.broken)
            raise self._scribe.broken
        if message.event is None:
            return
        try:
            await self._advance(message, message.event)
        except Stale:
            _answer(message, self.state)
        except Illegal as illegal:
            _answer(message, illegal)
        except Overtaken as overtaken:
            _answer(message, overtaken)
            raise
        except Exception as error:  # noqa: BLE001 - must not end the release
            await self._stumble(message, error)
        else:
            _answer(message, self.state)

    async def _stumble(self, message: _Message, error: Exception) -> None:
        """An event that breaks the machine or cannot be written: tell whoever brought it, and stand still visibly."""
        assert message.event is not None
        self._settle()
        said = f"{called(type(message.event))} cannot be recorded: {plain(str(error))}"
        _answer(message, error)
        if self.state.stage == "new":
            raise Stopped(said) from error
        if message.done is not None:
            return
        if isinstance(message.event, Answer) and not isinstance(message.event, (EffectFailed, Judged)):
            failed = EffectFailed(at=STAMPED_LATER, effect=message.event.effect, reason=said)
            await self._take(_Message(failed))
        else:
            self._trouble = said

    async def _advance(self, message: _Message, told: AnyEvent) -> None:
        """Step, append, then perform: nothing is decided twice.

        Nothing is done before the ledger has it, but in the direction of safety: see `core.machine.safety`.
        """
        release = self._release
        event = replace(told, at=max(self._desk.clock.now(), release.state.at))
        plan = event.plan if isinstance(event, (ReleaseRequested, ReleaseDequeued)) else release.plan
        if isinstance(event, ReleaseRequested):
            release.request = event
        state, _ = step(release.state, event, plan)
        observation = message.observation
        summary = summarise(state, plan, release.request)
        sample = observation.sample if observation else None
        entry = Unwritten(state.release, release.state.sequence, event, summary, sample)
        self._underway.keep(
            {pending.id for pending in state.pending}
        )  # what was decided against ends at once
        await (self._scribe.begin if release.state.stage == "new" else self._scribe.write)(entry)
        self._trouble = ""
        if observation is not None:
            release.watchers[release.state.leg].commit(observation)
        if isinstance(event, ReleaseDequeued):
            release.watchers = self._desk.watch_over(plan)
        release.state, release.plan = state, plan
        self._settle()
        self._changed(self)

    def _settle(self) -> None:
        """Have under way what should be, as far as the ledger has it."""
        self._underway.settle(self.state.pending, self._may_start)

    def _may_start(self, pending: Pending) -> bool:
        return not self._scribe.behind or needs_no_ledger(pending, self.state, self.plan)

    def _caught_up(self) -> None:
        """The ledger has everything again, or never will: then whoever reads the inbox must hear of it."""
        if self._scribe.broken is None:
            self._settle()
            self._changed(self)
        elif self._inbox.empty():
            self._inbox.put_nowait(_Message(None))

    def _written(self, entry: Unwritten, append_s: float) -> None:
        self._desk.appended(entry.event, entry.summary, entry.sample, append_s)

    # --- effects -----------------------------------------------------------------------------------------------------

    async def _carry_out(self, entry: Pending) -> None:
        """Carry out one effect and put its answer into the inbox."""
        if isinstance(entry.effect, Observe):
            await self._inbox.put(await self._observe(entry.id, entry.effect))
            return
        ready, delayed = whole(self.state, entry.effect, self.plan), self._delayed(entry)
        try:
            event = await self._desk.performer.perform(entry.id, entry.effect, self.plan, delayed, ready)
        except Exception as error:  # noqa: BLE001 - a fault of our own is an answer too
            reason = f"{EFFECTS[type(entry.effect)]} broke down: {type(error).__name__}: {error}"
            event = EffectFailed(at=STAMPED_LATER, effect=entry.id, reason=plain(reason))
        await self._inbox.put(_Message(event))

    def _delayed(self, entry: Pending) -> Delayed | None:
        """Whom to tell that something is not done yet, where it is tried until it is."""
        if not tried_until_done(self.state, entry.effect):
            return None

        async def told(reason: str, attempts: int) -> None:
            event = EffectDelayed(at=STAMPED_LATER, effect=entry.id, reason=reason, attempts=attempts)
            await self._inbox.put(_Message(event))

        return told

    async def _observe(self, effect_id: EffectId, effect: Observe) -> _Message:
        watcher, clock = self._release.watchers[effect.leg], self._desk.clock
        if self._scribe.behind >= BEHIND_MAX // 2:
            await self._inbox.put(_Message(ReleaseAborted(at=STAMPED_LATER, by="headgate", reason=FULL)))
            await self._scribe.drained()
        await watcher.open(clock.now(), effect.exposure)
        await clock.sleep_until(effect.due_at)
        weight = _weight(self.plan.legs[effect.leg], effect)
        seen = await watcher.observe(clock.now(), weight, effect.exposure, deadline=effect.deadline)
        return _Message(_judged(effect_id, effect, seen), observation=seen)


def _answer(message: _Message, answer: State | Exception) -> None:
    if message.done is None or message.done.done():
        return
    if isinstance(answer, Exception):
        message.done.set_exception(answer)
    else:
        message.done.set_result(answer)


def _weight(leg: Leg, effect: Observe) -> int:
    """The canary's weight while the sample lasts, in percent."""
    exposed = leg.steps[effect.exposure] if effect.exposure != UNEXPOSED else None
    return exposed.weight if isinstance(exposed, Expose) else 0


def _judged(effect_id: EffectId, effect: Observe, seen: Observation) -> Judged:
    stable, canary = seen.sample.stable, seen.sample.canary
    return Judged(
        at=STAMPED_LATER,
        effect=effect_id,
        verdict=seen.verdict,
        sample=sample_digest(seen.sample),
        requests=(stable.requests if stable else 0, canary.requests if canary else 0),
        errors=(stable.errors if stable else 0, canary.errors if canary else 0),
        harmed=seen.harmed,
        deadline=effect.deadline,
    )
