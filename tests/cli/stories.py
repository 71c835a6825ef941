"""Releases as the pure machine would have gone through them, with a script in place of the world; and their ledgers."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import repeat
from pathlib import Path

from msgspec.structs import replace

from headgate.core.judge.judgement import LEARNING
from headgate.core.machine import effects, events
from headgate.core.machine.asking import initial
from headgate.core.machine.plan import Plan
from headgate.core.machine.state import UNEXPOSED, Pending, State
from headgate.core.machine.step import step
from headgate.core.model import (
    Arm,
    Evidence,
    Finding,
    Intent,
    Listener,
    Rollout,
    Sample,
    Stage,
    Unit,
    Verdict,
    Version,
)
from headgate.core.model.criteria import JudgeSpec
from headgate.core.release.planning import Policies, plan, plan_back
from headgate.core.story.view import summarise
from headgate.ledger import Ledger, SqliteLedger, sample_digest

NOON = 1_790_000_000.0
"""When stories begin: 2026-09-21 14:13:20 UTC."""

WEB = Unit("shop", "production", "web")
API = Unit("shop", "production", "api")

PASS = Verdict(
    "pass",
    "canary errors 0.10%, stable 0.10%",
    1.0,
    100.0,
    (Evidence("error_ratio", "pass", 1.0, 0.001, 0.001, 1.0, 0.4, 2.1, "no worse"),),
)
WATCH = Verdict("watch", "37 of the 50 requests that are needed", 3.4, 100.0)
FAIL = Verdict(
    "fail",
    "canary errors 20.0% against 0.10% of stable",
    240.0,
    100.0,
    (
        Evidence("error_ratio", "fail", 240.0, 0.001, 0.2, 200.0, 80.0, 410.0, "40 of 200 against 2 of 1800"),
        Evidence("p99", "watch", 1.3, 88.0, 102.5, 1.16, note="88 ms against 102.5 ms"),
    ),
)
UNSURE = Verdict("inconclusive", "12 requests in 150 s are too few to say", 1.2, 100.0)
SILENT = Verdict("no_data", "the canary has had no request for 30 s", 1.0, 100.0)


def version(letter: str, unit: Unit = WEB, configuration: str = "c") -> Version:
    return Version(unit, letter * 64, configuration * 64)


def intent(candidate: Version, *stages: Stage, label: str = "", strategy: str = "canary") -> Intent:
    return Intent(
        unit=candidate.unit,
        candidate=candidate,
        listener=Listener(8080),
        rollout=Rollout(strategy, stages or (Stage(weight=10, bake_s=5.0),), soak_s=5.0),  # type: ignore[arg-type]
        judge=JudgeSpec(interval_s=1.0),
        instances=2,
        label=label,
    )


@dataclass
class Fact:
    event: events.AnyEvent
    state: State
    plan: Plan
    sample: Sample | None = None


@dataclass
class Story:
    """A release from its request on. Each verdict answers one Observe, the last one all that follow."""

    request: events.ReleaseRequested
    verdicts: Iterator[Verdict]
    facts: list[Fact] = field(default_factory=list[Fact])
    bad_smoke: bool = False

    @property
    def state(self) -> State:
        return self.facts[-1].state if self.facts else initial(self.request.release, self.request.plan)

    @property
    def said(self) -> tuple[events.AnyEvent, ...]:
        return tuple(fact.event for fact in self.facts)

    def add(self, event: events.AnyEvent, sample: Sample | None = None) -> Story:
        drawn = self.facts[-1].plan if self.facts else self.request.plan
        state, _ = step(self.state, event, drawn)
        self.facts.append(Fact(event, state, drawn, sample))
        return self

    def go(self, most: int = 200, *, observe: int = 60) -> Story:
        """Answer what is pending until nothing is, but for waking up; at most so many intervals of watching."""
        if not self.facts:
            self.add(self.request)
        for _ in range(most):
            pending = self._next(watching=observe > 0)
            if pending is None:
                return self
            if isinstance(pending.effect, effects.Observe) and pending.effect.exposure != UNEXPOSED:
                observe -= 1
            self._answer(pending)
        return self

    def _next(self, *, watching: bool) -> Pending | None:
        kinds = (effects.Observe, effects.WakeAt)
        own = [one for one in self.state.pending if not isinstance(one.effect, kinds)]
        seen = [one for one in self.state.pending if isinstance(one.effect, effects.Observe)]
        return next(iter(own + (seen if watching else [])), None)

    def _answer(self, pending: Pending) -> None:
        at = self.state.at + 0.1
        good = (Finding("ready", "pass", "answered 200"),)
        bad = (Finding("checkout", "fail", "POST /checkout answered 500", "look at its log"),)
        smoke = bad if self.bad_smoke else good
        match pending.effect:
            case effects.AskGates():
                self.add(events.GatesAnswered(at=at, effect=pending.id, findings=()))
            case effects.PrepareVersion(of, count):
                self.add(events.VersionPrepared(at=at, effect=pending.id, version=of, instances=count))
            case effects.SetRouting(routing):
                self.add(events.RoutingSet(at=at, effect=pending.id, routing=routing))
            case effects.RunSmoke(of, _):
                self.add(events.SmokeTested(at=at, effect=pending.id, version=of, findings=smoke))
            case effects.VerifyVersion(of):
                self.add(events.VersionVerified(at=at, effect=pending.id, version=of, findings=good))
            case effects.StopVersion(of, _):
                self.add(events.VersionStopped(at=at, effect=pending.id, version=of))
            case effects.Observe() as observe:
                self._judge(pending, observe)
            case effects.RunCommand(of, command, undo):
                ran = events.CommandRan(
                    at=at, effect=pending.id, version=of, command=command.name, outcome="applied", undo=undo
                )
                self.add(ran)
            case effects.WakeAt(_, due):
                self.add(events.TimeCame(at=max(due, at), effect=pending.id))

    def _judge(self, pending: Pending, observe: effects.Observe) -> None:
        """What is seen before anybody is exposed is not in the script."""
        alone = observe.exposure == UNEXPOSED
        verdict = Verdict("watch", LEARNING) if alone else next(self.verdicts)
        leg = self.facts[-1].plan.legs[observe.leg]
        at = max(observe.due_at, self.state.at)
        bad = 20 if verdict.kind == "fail" else 0
        stable, canary = Arm(requests=180, errors=1), Arm(0 if alone else 20, bad)
        sample = Sample(leg.unit, at, 1.0, 0 if alone else 10, stable, canary)
        judged = events.Judged(
            at=at,
            effect=pending.id,
            verdict=verdict,
            sample=sample_digest(sample),
            requests=(180, canary.requests),
            errors=(1, bad),
            harmed=bad,
        )
        self.add(judged, sample)

    def cool(self) -> Story:
        """Let the rollback window pass."""
        for pending in self.state.pending:
            self._answer(pending)
        return self.go()


def release(
    name: str,
    *intents: Intent,
    running: dict[Unit, Version] | None = None,
    verdicts: Sequence[Verdict] = (PASS,),
    at: float = NOON,
    policies: Policies = Policies(),  # noqa: B008 - frozen
    **said: object,
) -> Story:
    draw = plan_back if said.get("rollback_to") else plan
    request = events.ReleaseRequested(
        at=at,
        release=name,
        intents=intents,
        plan=draw(intents, running or {}, policies),
        author="ann",
    )
    request = replace(request, **said)
    last = verdicts[-1]
    return Story(request, iter([*verdicts, *repeat(last, 1000)]))


def write(ledger: Ledger, *stories: Story) -> None:
    asyncio.run(_write(ledger, stories))


async def _write(ledger: Ledger, stories: Iterable[Story]) -> None:
    for story in stories:
        known = len(ledger.read(story.request.release))
        for number, fact in enumerate(story.facts[known:], start=known):
            summary = summarise(fact.state, fact.plan, story.request)
            await ledger.append(story.request.release, number, fact.event, summary, fact.sample)


def fill(home: Path, *stories: Story) -> None:
    """Write stories into the ledger of a home."""
    ledger = SqliteLedger(home / "ledger.sqlite")
    try:
        write(ledger, *stories)
    finally:
        ledger.close()


# --- the stories that most tests tell --------------------------------------------------------------------------------


def first(at: float = NOON) -> Story:
    return release("r1", intent(version("a"), label="v1"), at=at).go().cool()


def promoted(at: float = NOON + 3600) -> Story:
    return release(
        "r2", intent(version("b"), label="v2"), running={WEB: version("a")}, at=at, author="bob"
    ).go()


def rolled_back(at: float = NOON + 7200, name: str = "r3") -> Story:
    wish = intent(version("d"), label="v3")
    return release(name, wish, running={WEB: version("b")}, at=at, verdicts=(WATCH, WATCH, FAIL)).go()


def held(at: float = NOON + 7200, name: str = "r3") -> Story:
    wish = intent(version("d"), label="v3")
    return release(name, wish, running={WEB: version("b")}, at=at, verdicts=(WATCH, UNSURE)).go()


def approving(at: float = NOON + 7200, name: str = "r3") -> Story:
    wish = intent(version("d"), Stage(weight=10, bake_s=5.0, pause="look at the dashboard"), label="v3")
    return release(name, wish, running={WEB: version("b")}, at=at).go(observe=8)


def baking(at: float = NOON + 7200, name: str = "r3") -> Story:
    wish = intent(version("d"), Stage(weight=10, bake_s=60.0), label="v3")
    return release(name, wish, running={WEB: version("b")}, at=at, verdicts=(WATCH,)).go(observe=3)


def refused(at: float = NOON + 7200, name: str = "r3") -> Story:
    finding = Finding("one release at a time", "fail", "r2 is moving it", hint="`headgate abort r2`")
    wish = intent(version("d"), label="v3")
    return release(name, wish, running={WEB: version("b")}, at=at, objections=(finding,)).go()


def aborted(at: float = NOON + 7200, name: str = "r3") -> Story:
    story = baking(at, name)
    story.add(events.ReleaseAborted(at=story.state.at + 1, by="bob", reason="a customer called"))
    return story.go()
