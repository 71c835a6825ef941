"""Notices to people: which moments a release's events make, how grave each is, and the words.

A fold, like `report` and `explain`: the same events make the same notices, with the same numbers. Nothing is said of
what was decided again before anybody could read of it: what waits for a person is told when it has come to wait.
"""

from collections.abc import Iterator

import msgspec

from headgate.core.machine.events import (
    AnyEvent,
    EffectDelayed,
    GatesAnswered,
    ReleasePaused,
    ReleaseRequested,
    RoutingSet,
)
from headgate.core.machine.one_way import objection_to_revert
from headgate.core.machine.state import State
from headgate.core.machine.steps import Expose, step_name
from headgate.core.machine.undoing import traffic_is_back
from headgate.core.model import Audience, Role
from headgate.core.model.audience import Moment, RoleName, Severity
from headgate.core.story import account
from headgate.core.story.advice import answers, waits_for_approval
from headgate.core.story.report import Fold
from headgate.core.story.view import share, waits_for_person

REPEAT_S = 600.0
"""A release that is held again for the same thing is told of again only so long after the last time."""

GRAVE_HOLDS = frozenset({"illegal", "failed", "unverified", "external", "stable_lost"})
"""Users may be worse off than before the release for as long as these last."""

NEEDS: dict[RoleName, frozenset[Moment]] = {
    "observer": frozenset({"started", "waiting", "held", "rolling_back"}),
    "decider": frozenset({"started", "waiting", "held"}),
    "communicator": frozenset({"started", "held", "promoted", "rolled_back", "aborted"}),
    "scribe": frozenset({"started", "promoted", "rolled_back", "aborted", "refused"}),
}
"""What each role must know, whatever its channels listen to otherwise."""

_TASKS: dict[RoleName, str] = {
    "observer": "watch the graphs",
    "decider": "the decision is yours",
    "communicator": "tell those who must know",
    "scribe": "write down what happened",
}


class Notice(msgspec.Struct, frozen=True):
    """Something to be told of a release: `number` is that of the event it tells of, `at` its time.

    `title` is one line, `lines` the rest; `facts` are pairs of label and value. `escalated`: a decision has waited too
    long, and this is for the fallback of whoever decides. `everybody`: every channel is told, whatever it listens to.
    """

    moment: Moment
    severity: Severity
    number: int
    at: float
    title: str
    lines: tuple[str, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    escalated: bool = False
    everybody: bool = False

    @property
    def key(self) -> str:
        """Its identity within the release."""
        return f"{self.number}/{self.moment}{'/escalated' if self.escalated else ''}"


class Decision(msgspec.Struct, frozen=True):
    """What a person is asked: since `asked_at`, by event `number`; told from `tell_at` on, for the `times`th time."""

    moment: Moment
    about: str
    number: int
    asked_at: float
    tell_at: float
    times: int = 1


class Telling:
    """Takes in a release's events one by one and says what each of them is to people.

    `labels` names versions that the release itself has no name for: what runs now. `started_at` is when its first step
    began (None: not yet, or never).
    """

    def __init__(self, request: ReleaseRequested, labels: account.Labels) -> None:
        self.folded = Fold(request)
        self.decision: Decision | None = None
        self.started_at: float | None = None
        self._labels = dict(labels) | {i.candidate: i.label for i in request.intents if i.label}
        self._told: dict[str, Decision] = {}

    def call(self, labels: account.Labels) -> None:
        """Learn more names: a release that waited its turn leaves from another version than it was asked for at."""
        self._labels = dict(labels) | self._labels

    @property
    def audience(self) -> Audience:
        """Whom the release tells."""
        return self.folded.plan.audience

    def add(self, event: AnyEvent) -> tuple[Notice, ...]:
        """Take in one more event. Raises machine.Illegal when it does not belong here."""
        before = self.folded.state
        self.folded.add(event)
        if isinstance(event, GatesAnswered) and self.folded.state.stage == "forward":
            self.started_at = event.at
        self._decide(event.at)
        return tuple(self._made(event, before))

    # --- what waits for a person ------------------------------------------------------------------------------------

    def _decide(self, at: float) -> None:
        moment, about = self._asked()
        known = self.decision
        if known is not None and (known.moment, known.about) == (moment, about):
            return
        if known is not None and at >= known.tell_at:
            self._told[known.about] = known
        self.decision = self._new(moment, about, at) if moment else None

    def _asked(self) -> tuple[Moment | None, str]:
        """What is asked now, and about what: the same thing again is about the same."""
        state = self.folded.state
        where = f"{state.leg}.{state.step}"
        if state.hold is not None:
            return (
                "held",
                f"{state.hold.kind} {where} {','.join(type(one).__name__ for one in state.hold.blocks)}",
            )
        if waits_for_approval(state, self.folded.plan):
            return "waiting", f"approval {where}"
        return None, ""

    def _new(self, moment: Moment, about: str, at: float) -> Decision:
        last = self._told.get(about)
        number = self.folded.state.sequence
        if last is None:
            return Decision(moment, about, number, at, at)
        return Decision(moment, about, number, at, max(at, last.tell_at + REPEAT_S), last.times + 1)

    def asks(self, now: float) -> Notice | None:
        """What a person is asked at `now`; None while nothing is, or while it would only be said again."""
        decision = self.decision
        if decision is None or now < decision.tell_at:
            return None
        state = self.folded.state
        asked = waits_for_person(state, self.folded.plan)
        again = f" again ({decision.times} times now)" if decision.times > 1 else ""
        if state.hold is None:
            what = "waits for an approval" if asked == "approval" else f"waits for an approval: {asked}"
            return self._notice("waiting", "warning", decision, f"{what}{again}", self._commands())
        severity = self._grave() if state.hold.kind in GRAVE_HOLDS else "warning"
        lines = (account.sentence(state.hold.reason), self._traffic(), *self._commands())
        what = f"is held for a person{again}"
        if state.hold.kind == "illegal":
            leg, at = self.folded.plan.legs[state.leg], state.here()
            barred = objection_to_revert(state, self.folded.plan.legs)
            what = f"is frozen at {share(at, leg)}%: {barred}{again}"
        return self._notice("held", severity, decision, what, lines)

    def escalates(self, now: float) -> tuple[Role, Notice] | None:
        """The decision that has waited too long at `now`, and whose it is; None while none has, or nobody stands in."""
        decider = next((one for one in self.audience.roles if one.name == "decider" and one.fallback), None)
        decision, asked = self.decision, self.asks(now)
        if decider is None or decision is None or asked is None:
            return None
        if now < decision.tell_at + decider.escalate_s:
            return None
        waited = account.span(now - decision.asked_at)
        title = f"{asked.title} since {waited}: {account.one_line(decider.fallback, 120)} decides now"
        return decider, msgspec.structs.replace(asked, title=title, escalated=True)

    def _commands(self) -> tuple[str, ...]:
        return tuple(f"To {what}: {command}" for what, command in answers(self.folded))

    def _traffic(self) -> str:
        """Who meets the new version meanwhile."""
        leg, here = self.folded.plan.legs[self.folded.state.leg], self.folded.state.here()
        weight = here.routing.weight if here.routing and here.routing.canary else 0
        new = account.name(leg.change.candidate, self._labels)
        return (
            f"Meanwhile {weight}% of the traffic reaches {new}."
            if weight
            else "No user reaches it meanwhile."
        )

    # --- what has happened ------------------------------------------------------------------------------------------

    def _made(self, event: AnyEvent, before: State) -> Iterator[Notice]:
        after = self.folded.state
        if after.ended_at is not None and before.ended_at is None:
            yield self._ended()
        elif after.stage == "closed" and before.stage == "warm":
            yield self._happened("closed", "info", "is closed: the old version has stopped")
        elif isinstance(event, ReleaseRequested):
            yield self._requested(event)
        elif isinstance(event, GatesAnswered):
            yield self.started()
        elif after.stage == "reverting" and before.stage == "forward":
            if after.outcome == "rolled_back":
                lines = (account.why(self.folded, self._labels),)
                yield self._happened("rolling_back", "warning", "is being rolled back", lines)
        elif isinstance(event, EffectDelayed):
            yield self._delayed(event)
        elif isinstance(event, RoutingSet) and before.stage == "forward":
            yield from self._stepped(before)
        elif isinstance(event, ReleasePaused):
            yield self._happened("waiting", "info", f"was paused by {account.one_line(event.by, 60)}")

    def _requested(self, event: ReleaseRequested) -> Notice:
        by = account.one_line(event.author, 60)
        behind = f", behind {event.behind}" if event.behind else ""
        reason = (account.sentence(event.reason),) if event.reason else ()
        if not event.break_glass_reason:
            return self._happened("requested", "info", f"was asked for by {by}{behind}", reason)
        glass = (f"Why the glass was broken: {account.sentence(event.break_glass_reason)}", *reason)
        what = f"was asked for by {by}{behind}, who broke the glass"
        return msgspec.structs.replace(self._happened("requested", "critical", what, glass), everybody=True)

    def started(self) -> Notice:
        """The release has begun: who has which role in it, for each of them to read."""
        roles = tuple(f"{account.sentence(account.role(one))}" for one in self.audience.roles)
        steps = sum(isinstance(step, Expose) for leg in self.folded.plan.legs for step in leg.steps)
        title = f"has begun: {steps} step{'' if steps == 1 else 's'} of traffic"
        return self._happened("started", "info", title, roles)

    def _stepped(self, before: State) -> Iterator[Notice]:
        step = self.folded.plan.legs[before.leg].steps[before.step]
        if isinstance(step, Expose) and not before.here().relief:
            yield self._happened("step", "info", f"has come to: {account.one_line(step_name(step), 80)}")

    def _delayed(self, event: EffectDelayed) -> Notice:
        """Each one is an alarm: users may be on the bad version, and whoever can open a way must know."""
        state = self.folded.state
        legs = zip(self.folded.plan.legs, state.legs, strict=True)
        back = all(traffic_is_back(leg, at) for leg, at in legs)
        lines = (account.sentence(event.reason), "" if back else self._traffic())
        what = f"is not wholly undone yet, after {event.attempts} attempts; it is tried on"
        return self._happened("rolling_back", "warning" if back else self._grave(), what, lines)

    def _ended(self) -> Notice:
        state, report = self.folded.state, self.folded.report()
        warnings = tuple(f"Note: {account.sentence(one)}" for one in report.warnings)
        release = self.folded.request.release
        match state.outcome:
            case "promoted":
                back = " (a rollback)" if self.folded.request.rollback_to else ""
                return self._happened("promoted", "info", f"is promoted{back}", warnings)
            case "rolled_back":
                lines = (account.why(self.folded, self._labels), account.cost(self.folded), *warnings)
                now = (
                    f"Now: `headgate explain {release}` tells the whole story; mend it and deploy again.",
                    f'To try the same once more: headgate retry {release} --reason "..."',
                )
                return self._happened("rolled_back", "warning", "was rolled back", (*lines, *now))
            case "aborted" if state.taken_over:
                line = account.sentence(state.reason)
                return self._happened("aborted", "info", f"is taken over by {state.taken_over}", (line,))
            case "aborted":
                lines = (account.sentence(state.reason), account.cost(self.folded), *warnings)
                return self._happened("aborted", "info", "was undone by a person", lines)
            case _:
                hints = tuple(account.sentence(one) for one in report.hints)
                lines = (account.sentence(state.reason), *hints)
                return self._happened("refused", "warning", "was refused; nothing was changed", lines)

    # --- the notice itself ------------------------------------------------------------------------------------------

    def _happened(self, moment: Moment, severity: Severity, what: str, lines: tuple[str, ...] = ()) -> Notice:
        state = self.folded.state
        at = Decision(moment, "", state.sequence, state.at, state.at)
        return self._notice(moment, severity, at, what, lines)

    def _notice(
        self, moment: Moment, severity: Severity, of: Decision, what: str, lines: tuple[str, ...]
    ) -> Notice:
        folded = self.folded
        release, targets = folded.request.release, account.targets(folded, self._labels)
        title = account.one_line(f"{account.place(folded)}: {release} to {targets} {what}")
        facts = [("release", release), ("change", account.moved(folded, self._labels))]
        facts.append(("author", account.one_line(folded.request.author, 60)))
        if folded.request.reason:
            facts.append(("reason", account.one_line(folded.request.reason)))
        said = tuple(account.one_line(line) for line in lines if line)
        return Notice(moment, severity, of.number, of.asked_at, title, said, tuple(facts))

    def _grave(self) -> Severity:
        return "critical" if self.folded.plan.production else "warning"


def task(role: Role) -> str:
    """What a message asks of somebody with a role: `For the decider, the release manager: the decision is yours.`."""
    return f"For the {role.name}, {account.one_line(role.who, 120)}: {_TASKS[role.name]}."
