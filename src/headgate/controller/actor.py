"""One release: inbox -> step -> append -> perform."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter

from msgspec.structs import replace

from headgate.controller.clock import SteadyClock
from headgate.controller.lease import Lease
from headgate.controller.perform import Performer
from headgate.controller.plain import plain
from headgate.controller.sampling import Observation, Watcher
from headgate.controller.underway import Underway
from headgate.core.effects import Observe
from headgate.core.events import (
    STAMPED_LATER,
    Answer,
    AnyEvent,
    EffectFailed,
    EffectId,
    Judged,
    ReleaseDequeued,
    ReleaseRequested,
)
from headgate.core.machine import Illegal, Stale, step
from headgate.core.model import Expose, Leg, Plan, Sample
from headgate.core.state import UNEXPOSED, Pending, State
from headgate.core.summary import Summary
from headgate.core.view import summarise
from headgate.ledger import Conflict, Ledger, LedgerError, sample_digest
from headgate.ports.controller import Stopped

INBOX_MAX = 1000
LEDGER_RETRY_S = 1.0


class Overtaken(Stopped):
    """Another controller wrote to the release, or holds the lease now."""


@dataclass
class Release:
    """What an actor carries: the release's state, and what it was folded from."""

    request: ReleaseRequested
    plan: Plan
    state: State
    watchers: tuple[Watcher, ...]


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


@dataclass
class _Message:
    event: AnyEvent
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
        self._over = False
        self.trouble = ""

    @property
    def state(self) -> State:
        """The state after the last event in the ledger."""
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
        """Have `event` take effect; returns the state once the ledger has it. Raises Illegal, Stopped."""
        done: asyncio.Future[State] = asyncio.get_running_loop().create_future()
        message = _Message(event, done=done)
        await self._inbox.put(message)
        if self._over:
            self._turn_away()
        return await done

    async def run(self) -> None:
        """Perform what is pending, then take in one message after another until the release is closed.

        Raises Overtaken, and Stopped when a new release could not be written at all.
        """
        self._underway.settle(self.state.pending)
        try:
            while self.state.stage != "closed":
                await self._take(await self._inbox.get())
        finally:
            self._over = True
            self._turn_away()
            await self._underway.end()

    def _turn_away(self) -> None:
        """Nobody will take in what is still in the inbox: say so to whoever waits."""
        while not self._inbox.empty():
            _answer(self._inbox.get_nowait(), Stopped(f"{self.request.release} is no longer run here"))

    # --- inbox -> step -> append ------------------------------------------------------------------------------------

    async def _take(self, message: _Message) -> None:
        try:
            await self._advance(message)
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
        said = f"{type(message.event).__name__} cannot be recorded: {type(error).__name__}: {error!a}"
        _answer(message, error)
        if self.state.stage == "new":
            raise Stopped(said) from error
        if message.done is not None:
            return
        if isinstance(message.event, Answer) and not isinstance(message.event, (EffectFailed, Judged)):
            failed = EffectFailed(at=STAMPED_LATER, effect=message.event.effect, reason=said)
            await self._take(_Message(failed))
        else:
            self.trouble = said

    async def _advance(self, message: _Message) -> None:
        """Step, append, then perform: nothing is done before the ledger has it, and nothing is decided twice."""
        release = self._release
        event = replace(message.event, at=max(self._desk.clock.now(), release.state.at))
        plan = event.plan if isinstance(event, (ReleaseRequested, ReleaseDequeued)) else release.plan
        if isinstance(event, ReleaseRequested):
            release.request = event
        state, _ = step(release.state, event, plan)
        observation = message.observation
        await self._append(event, state, plan, observation.sample if observation else None)
        if observation is not None:
            release.watchers[release.state.leg].commit(observation)
        if isinstance(event, ReleaseDequeued):
            release.watchers = self._desk.watch_over(plan)
        release.state, release.plan = state, plan
        self._underway.settle(state.pending)
        self._changed(self)

    async def _append(self, event: AnyEvent, state: State, plan: Plan, sample: Sample | None) -> None:
        """Write to the ledger, and keep trying while it is full or busy: the release stands still, none is lost."""
        summary = summarise(state, plan, self._release.request)
        while True:
            if not self._desk.lease.held():
                raise Overtaken("this controller has lost its lease: another one runs the release")
            began = perf_counter()
            try:
                await self._desk.ledger.append(state.release, self.state.sequence, event, summary, sample)
            except Conflict as conflict:
                raise Overtaken(str(conflict)) from conflict
            except LedgerError as error:
                self.trouble = str(error)
                await asyncio.sleep(LEDGER_RETRY_S)
            else:
                self.trouble = ""
                self._desk.appended(event, summary, sample, perf_counter() - began)
                return

    # --- effects -----------------------------------------------------------------------------------------------------

    async def _carry_out(self, entry: Pending) -> None:
        """Carry out one effect and put its answer into the inbox."""
        if isinstance(entry.effect, Observe):
            await self._inbox.put(await self._observe(entry.id, entry.effect))
            return
        try:
            event = await self._desk.performer.perform(entry.id, entry.effect, self.plan)
        except Exception as error:  # noqa: BLE001 - a fault of our own is an answer too
            reason = f"{type(entry.effect).__name__} broke down: {type(error).__name__}: {error}"
            event = EffectFailed(at=STAMPED_LATER, effect=entry.id, reason=plain(reason))
        await self._inbox.put(_Message(event))

    async def _observe(self, effect_id: EffectId, effect: Observe) -> _Message:
        watcher, clock = self._release.watchers[effect.leg], self._desk.clock
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
