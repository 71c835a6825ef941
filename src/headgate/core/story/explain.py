"""The explanation of a decision: events as sentences with numbers, for the person who has to answer for it."""

from collections.abc import Iterable, Iterator
from typing import assert_never

import msgspec

from headgate.core.judge.judgement import LEARNING
from headgate.core.machine import events as e
from headgate.core.machine.one_way import forecast, objection, sentence
from headgate.core.machine.plan import Leg
from headgate.core.machine.state import State
from headgate.core.machine.steps import Bake, kind_of, step_name
from headgate.core.model import Finding, Routing, Verdict, Version, in_words, worst
from headgate.core.release.adjusting import adjustments
from headgate.core.story.account import role, span
from headgate.core.story.report import Fold


class Sentence(msgspec.Struct, frozen=True):
    """Something that happened: `after_s` seconds into the release. `weighty` marks what decided its course."""

    at: float
    after_s: float
    text: str
    weighty: bool = False


def explain(events: Iterable[e.AnyEvent]) -> tuple[Sentence, ...]:
    """The story of a release, from its request to now. Raises ValueError when the first event is no request."""
    stream = tuple(events)
    if not stream or not isinstance(stream[0], e.ReleaseRequested):
        raise ValueError("a release begins with a ReleaseRequested")
    folded = Fold(stream[0])
    return tuple(_tell(stream, folded, stream[0].at))


def _tell(stream: tuple[e.AnyEvent, ...], folded: Fold, began_at: float) -> Iterator[Sentence]:
    for event in stream:
        before = folded.state
        folded.add(event)
        for text, weighty in sentences(event, before, folded):
            yield Sentence(event.at, event.at - began_at, text, weighty)


def sentences(event: e.AnyEvent, before: State, folded: Fold) -> tuple[tuple[str, bool], ...]:
    """What `event` says, and whether it decided anything; none where it is like the one before it.

    `before` is the state before it, `folded` the release after it.
    """
    return (*_facts(event, before, folded), *_turns(before, folded))


def _facts(event: e.AnyEvent, before: State, folded: Fold) -> Iterator[tuple[str, bool]]:
    """What the event itself says; most intervals of watching say nothing new."""
    match event:
        case e.ReleaseRequested():
            yield from ((text, True) for text in _request(event))
        case e.ReleaseDequeued():
            yield "The release before this one ended, so its turn came.", False
        case e.GatesAnswered(findings=findings):
            yield _gates(findings), worst(findings) != "pass"
        case e.EffectFailed(reason=reason) | e.VersionLost(reason=reason):
            yield f"It failed: {reason}.", True
        case e.EffectDelayed() | e.WatchResumed() | e.ReleaseTakenOver():
            yield _passing(event)
        case e.TimeCame():
            waited = before.stage == "forward"
            yield "Its time had come." if waited else "The rollback window was over.", False
        case e.Judged():
            yield from _verdict(event, before)
        case e.Answer():
            yield from _done(event, before, folded)
        case _:
            yield _person(event), True


def _done(event: e.Answer, before: State, folded: Fold) -> Iterator[tuple[str, bool]]:
    """What was done to versions and traffic, and how commands ended."""
    match event:
        case e.VersionPrepared(version=version, instances=count):
            yield f"{_count(count, 'instance')} of {version} {'was' if count == 1 else 'were'} ready.", False
        case e.RoutingSet(routing=routing):
            yield _routing(routing, before, folded), True
        case e.SmokeTested(version=version, findings=found):
            yield f"Smoke tests against {version}: {_findings(found)}.", worst(found) != "pass"
        case e.VersionVerified(version=version, findings=found):
            yield f"Checked {version} after going back: {_findings(found)}.", True
        case e.VersionStopped(version=version, kept=kept):
            yield (f"Kept {version}: {kept}." if kept else f"Stopped {version}."), False
        case e.CommandRan():
            yield _executed(event), True
        case _:
            return


def _passing(event: e.EffectDelayed | e.WatchResumed | e.ReleaseTakenOver) -> tuple[str, bool]:
    """What is said of time that passes, and of traffic that passes to another release."""
    match event:
        case e.EffectDelayed(reason=reason, attempts=attempts):
            return (
                f"It is not done after {_count(attempts, 'try', 'tries')}, and is tried on: {reason}.",
                True,
            )
        case e.WatchResumed(unwatched_s=unwatched_s):
            return f"Nobody watched for {span(unwatched_s)}: that time does not count.", False
        case e.ReleaseTakenOver(into=into):
            return f"{into} has its traffic and goes forward; what only this release ran was stopped.", True


def _executed(event: e.CommandRan) -> str:
    """What became of a command."""
    said = f": {event.note}" if event.note else ""
    done = "undone" if event.undo else "carried out"
    match event.outcome:
        case "applied":
            return f"The command {event.command} was {done}."
        case "not_applied":
            return f"The command {event.command} was not {done}{said}."
        case "unknown":
            return f"Nobody knows whether the command {event.command} was {done}{said}."
    assert_never(event.outcome)


def _request(event: e.ReleaseRequested) -> Iterator[str]:
    for leg in event.plan.legs:
        start = f"from {leg.change.baseline.key}" if leg.change.baseline else "as its first release"
        if leg.change.adjusts:
            around = ", ".join(adjustments(leg)) or "nothing"
            because = _because(event.reason)
            stays = leg.change.candidate.key
            yield f"{event.author} asked to adjust {leg.unit}, which stays {stays}: {around}{because}."
            continue
        yield f"{event.author} asked to move {leg.unit} {start} to {leg.change.candidate.key}{_because(event.reason)}."
        if leg.takes_over:
            yield f"It takes {leg.takes_over} over where that is frozen, and goes forward from there."
        if said := forecast(leg):
            yield f"{said[:1].upper()}{said[1:]}."
    if event.plan.audience.roles:
        yield f"Roles: {'; '.join(role(one) for one in event.plan.audience.roles)}."
    if event.rollback_to:
        yield f"It is a rollback to what {event.rollback_to} had promoted."
    if event.retry_reason:
        yield f"It was rolled back before, and is tried again: {event.retry_reason}."
    if event.break_glass_reason:
        yield f"The glass was broken: {event.break_glass_reason}."
    if event.behind:
        yield f"It waited behind {event.behind}."


def _person(event: e.AnyEvent) -> str:
    by, reason = getattr(event, "by", "somebody"), getattr(event, "reason", "")
    verbs: dict[type, str] = {
        e.ReleasePaused: "paused it",
        e.ReleaseResumed: "let it go on",
        e.StepApproved: "approved the step",
        e.PromotionForced: "promoted it over the judge",
        e.ReleaseAborted: "aborted it",
        e.WayBackOpened: "lifted its barrier, so that it can be undone again",
    }
    return f"{by} {verbs.get(type(event), type(event).__name__)}{_because(reason)}."


def _verdict(event: e.Judged, before: State) -> Iterator[tuple[str, bool]]:
    kind, known = event.verdict.kind, before.here().verdict
    if _turned(known, event.verdict):
        weighty = kind in ("fail", "hold_external", "inconclusive", "no_data")
        yield f"The verdict became {kind.replace('_', ' ')}: {event.verdict.reason}.", weighty
    elif _warns(known, event.verdict):
        yield from ((f"Warning: {warning}.", True) for warning in event.verdict.warnings)


def tells(known: Verdict | None, verdict: Verdict) -> bool:
    """Whether a verdict says anything new: that it is another one, or a first warning."""
    return _turned(known, verdict) or _warns(known, verdict)


def _turned(known: Verdict | None, verdict: Verdict) -> bool:
    """Whether it is another verdict; that stable alone is watched, before anybody is exposed, is none."""
    if verdict.reason == LEARNING:
        return False
    return known is None or known.kind != verdict.kind or known.reason == LEARNING


def _warns(known: Verdict | None, verdict: Verdict) -> bool:
    """Whether it is the first of several in a row with a warning."""
    return bool(verdict.warnings) and (known is None or not known.warnings)


def _routing(routing: Routing, before: State, folded: Fold) -> str:
    leg: Leg = next(one for one in folded.plan.legs if one.unit == routing.unit)
    beside = f" and {routing.fresh_weight}% for {routing.fresh}" if routing.fresh else ""
    if before.stage == "reverting":
        return f"The proxy confirmed: all traffic of {leg.unit} is back on {_name(leg.change.baseline)}."
    match before.here().relief:
        case "":
            return f"The proxy confirmed: {step_name(leg.steps[before.step])} for {leg.change.candidate}{beside}."
        case "leaving":
            return f"The proxy confirmed: no user reaches {leg.change.candidate} for now."
        case _:
            again = step_name(leg.steps[before.here().exposure])
            return (
                f"The proxy confirmed: {again} for {leg.change.candidate}{beside} again. The step began anew."
            )


def _ends_going_back(before: State, folded: Fold) -> Iterator[str]:
    """That a one-way step has begun, once for each leg."""
    for leg, at, now in zip(folded.plan.legs, before.legs, folded.state.legs, strict=False):
        if now.one_way and not at.one_way and (reason := objection(leg, now)) is not None:
            yield f"From here on, {sentence(folded.state.release, reason)}."


def _turns(before: State, folded: Fold) -> Iterator[tuple[str, bool]]:
    """What the event led to."""
    after = folded.state
    yield from ((text, True) for text in _ends_going_back(before, folded))
    if after.hold is not None and after.hold != before.hold:
        yield f"It was held for a person: {after.hold.reason}.", True
    if after.stage == "reverting" and before.stage == "forward" and not after.taken_over:
        yield f"So the release turned round: {after.reason}.", True
    if (
        before.stage == "forward"
        and after.stage == "forward"
        and (after.leg, after.step) != (before.leg, before.step)
    ):
        yield from _finished(before, folded)
    if after.legs:
        yield from _relief(before, after)
    if after.ended_at is not None and before.ended_at is None:
        yield f"It ended as {(after.outcome or 'ended').replace('_', ' ')}: {after.reason}.", True


def _relief(before: State, after: State) -> Iterator[tuple[str, bool]]:
    """The canary's traffic was taken away to see whether stable recovers without it, or is given back."""
    if after.stage != "forward" or before.leg != after.leg or before.here().relief == after.here().relief:
        return
    if after.here().relief == "leaving":
        yield "So the canary's traffic is taken away, to see whether stable recovers without it.", True
    if after.here().relief == "returning" and before.hold is None:
        yield "Stable recovered without the canary, so the canary gets its traffic back.", True


def _finished(before: State, folded: Fold) -> Iterator[tuple[str, bool]]:
    step = folded.plan.legs[before.leg].steps[before.step]
    if kind_of(step).finished:
        yield kind_of(step).finished, True
    if isinstance(step, Bake) and folded.steps:
        seen = folded.steps[-1]
        canary = f"the canary answered {seen.requests[1]} requests with {seen.errors[1]} errors"
        stable = f"stable {seen.requests[0]} with {seen.errors[0]}"
        yield f"At {seen.weight}% {canary}, {stable}: it went on.", True


def _gates(findings: tuple[Finding, ...]) -> str:
    grave = worst(findings)
    if not findings:
        return "No gate had anything to ask."
    if grave == "pass":
        return f"{_count(len(findings), 'gate')} asked, none objected."
    return f"Gates: {grave}: {in_words(findings)}."


def _findings(findings: tuple[Finding, ...]) -> str:
    grave = worst(findings)
    return f"{_count(len(findings), 'check')} passed" if grave == "pass" else f"{grave}: {in_words(findings)}"


def _count(n: int, noun: str, nouns: str = "") -> str:
    return f"{n} {noun if n == 1 else nouns or f'{noun}s'}"


def _because(reason: str) -> str:
    return f" ({reason})" if reason else ""


def _name(version: Version | None) -> str:
    return str(version) if version else "nothing (there was no earlier release)"
