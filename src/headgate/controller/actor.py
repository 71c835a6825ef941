"""One release: inbox -> step -> append -> perform."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from msgspec.structs import replace

from headgate.controller.clock import SteadyClock
from headgate.controller.perform import STAMPED_LATER, Performer
from headgate.controller.sampling import Observation, Watcher
from headgate.core.effects import Effect, Observe, PrepareVersion, SetRouting, StopVersion
from headgate.core.events import AnyEvent, EffectFailed, EffectId, Judged, ReleaseDequeued, ReleaseRequested
from headgate.core.judge.harm import harmed
from headgate.core.judge.spec import JudgeSpec
from headgate.core.machine import Illegal, Stale, step
from headgate.core.model import Expose, Plan, Sample
from headgate.core.state import Pending, State
from headgate.core.view import summarise
from headgate.ledger import Conflict, Ledger, LedgerError, sample_digest

INBOX_MAX = 1000
LEDGER_RETRY_S = 1.0


class Stopped(Exception):  # noqa: N818 - a fact about the controller
    """This controller no longer runs the release: it shut down, or another one took over."""


@dataclass
class Release:
    """What an actor carries: the release's state, and what it was folded from."""

    request: ReleaseRequested
    plan: Plan
    state: State
    watchers: tuple[Watcher, ...]


@dataclass
class _Message:
    event: AnyEvent
    observation: Observation | None = None
    done: "asyncio.Future[State] | None" = field(default=None)


class Actor:
    """Serialises everything that happens to one release. `changed` is called after each change of state."""

    def __init__(
        self,
        release: Release,
        ledger: Ledger,
        performer: Performer,
        clock: SteadyClock,
        changed: Callable[["Actor"], None],
        watch_over: Callable[[Plan], tuple[Watcher, ...]],
    ) -> None:
        self._release = release
        self._watch_over = watch_over
        self._ledger = ledger
        self._performer = performer
        self._clock = clock
        self._changed = changed
        self._inbox: asyncio.Queue[_Message] = asyncio.Queue(INBOX_MAX)
        self._tasks: dict[EffectId, tuple[Effect, asyncio.Task[None]]] = {}
        self._ending: dict[str, set[asyncio.Task[None]]] = {}
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
        await self._inbox.put(_Message(event, done=done))
        return await done

    async def run(self) -> None:
        """Perform what is pending, then take in one message after another until the release is closed."""
        self._settle()
        try:
            while self.state.stage != "closed":
                message = await self._inbox.get()
                await self._take(message)
        finally:
            self._abandon()

    async def _take(self, message: _Message) -> None:
        try:
            await self._advance(message)
        except Stale:
            self._answer(message, None)
        except Illegal as illegal:
            self._answer(message, illegal)
        except Conflict:
            self._answer(message, Stopped("another controller has taken over this release"))
            raise
        else:
            self._answer(message, None)

    def _answer(self, message: _Message, error: Exception | None) -> None:
        if message.done is None or message.done.done():
            return
        if error is not None:
            message.done.set_exception(error)
        else:
            message.done.set_result(self.state)

    async def _advance(self, message: _Message) -> None:
        """Step, append, then perform: nothing is done before the ledger has it, and nothing is decided twice."""
        release = self._release
        event = replace(message.event, at=max(self._clock.now(), release.state.at))
        plan = event.plan if isinstance(event, (ReleaseRequested, ReleaseDequeued)) else release.plan
        state, _ = step(release.state, event, plan)
        observation = message.observation
        sample = observation.sample if observation else None
        await self._append(event, state, plan, sample)
        if observation is not None:
            release.watchers[release.state.leg].commit(observation)
        if isinstance(event, ReleaseDequeued):
            release.watchers = self._watch_over(plan)
        release.state, release.plan = state, plan
        self._settle()
        self._changed(self)

    async def _append(self, event: AnyEvent, state: State, plan: Plan, sample: Sample | None) -> None:
        """Write to the ledger, and keep trying while it is full or busy: the release stands still, nothing is lost."""
        summary = summarise(state, plan, self._release.request)
        while True:
            try:
                await self._ledger.append(state.release, self.state.sequence, event, summary, sample)
            except Conflict:
                raise
            except LedgerError as error:
                self.trouble = str(error)
                await asyncio.sleep(LEDGER_RETRY_S)
            else:
                self.trouble = ""
                return

    # --- effects -----------------------------------------------------------------------------------------------------

    def _settle(self) -> None:
        """Start what is newly pending; cancel what no longer is."""
        pending = {entry.id: entry for entry in self.state.pending}
        for effect_id in [known for known in self._tasks if known not in pending]:
            effect, task = self._tasks.pop(effect_id)
            if not task.done():
                task.cancel()
                self._ending.setdefault(resource(effect), set()).add(task)
        for effect_id, entry in pending.items():
            if effect_id not in self._tasks:
                self._tasks[effect_id] = (entry.effect, asyncio.create_task(self._perform(entry)))

    async def _perform(self, entry: Pending) -> None:
        """Carry out one effect; an abandoned one on the same thing is first waited for, so that orders never cross."""
        ending = self._ending.pop(resource(entry.effect), set())
        if ending:
            await asyncio.wait(ending)
        if isinstance(entry.effect, Observe):
            await self._observe(entry.id, entry.effect)
            return
        try:
            event = await self._performer.perform(entry.id, entry.effect, self.plan)
        except Exception as error:  # noqa: BLE001 - a fault in a plugin is an answer too, and must not stop the release
            reason = f"{type(entry.effect).__name__} broke down: {type(error).__name__}: {error}"
            event = EffectFailed(at=STAMPED_LATER, effect=entry.id, reason=reason)
        await self._inbox.put(_Message(event))

    async def _observe(self, effect_id: EffectId, effect: Observe) -> None:
        watcher = self._release.watchers[effect.leg]
        await watcher.open(self._clock.now())
        await self._clock.sleep_until(effect.due_at)
        exposed = self.plan.legs[effect.leg].steps[effect.exposure]
        weight = exposed.weight if isinstance(exposed, Expose) else 0
        seen = await watcher.observe(self._clock.now(), weight, effect.exposure)
        await self._inbox.put(_Message(_judged(effect_id, seen, self.plan.legs[effect.leg].judge), observation=seen))

    def _abandon(self) -> None:
        for _, task in self._tasks.values():
            task.cancel()
        self._tasks.clear()


def _judged(effect_id: EffectId, seen: Observation, spec: JudgeSpec) -> Judged:
    stable, canary = seen.sample.stable, seen.sample.canary
    return Judged(
        at=STAMPED_LATER,
        effect=effect_id,
        verdict=seen.verdict,
        sample=sample_digest(seen.sample),
        requests=(stable.requests if stable else 0, canary.requests if canary else 0),
        errors=(stable.errors if stable else 0, canary.errors if canary else 0),
        harmed=harmed(spec, canary),
    )


def resource(effect: Effect) -> str:
    """What an effect acts on: orders to the same thing are carried out one after another."""
    match effect:
        case SetRouting(routing):
            return f"traffic {routing.unit}"
        case PrepareVersion(version) | StopVersion(version):
            return f"version {version.unit} {version.key}"
        case _:
            return type(effect).__name__
