"""A release as stretches of time, for whoever draws it: its gates, its steps, its way back; and what was said in each.

A fold of its events, like a report; a trace in OpenTelemetry's sense is made of it by whoever sends one.
"""

from collections.abc import Iterable

import msgspec

from headgate.core.machine.asking import initial
from headgate.core.machine.events import (
    AnyEvent,
    EffectDelayed,
    EffectFailed,
    Judged,
    PromotionForced,
    ReleaseAborted,
    ReleaseDequeued,
    ReleasePaused,
    ReleaseRequested,
    ReleaseResumed,
    SmokeTested,
    StepApproved,
    VersionLost,
    VersionPrepared,
    WayBackOpened,
)
from headgate.core.machine.plan import Plan
from headgate.core.machine.state import State
from headgate.core.machine.step import step as advance
from headgate.core.machine.steps import step_name
from headgate.core.model import worst
from headgate.core.story.view import tag

REMARKS_MAX = 100
"""Remarks kept of one part; a person's word and a change of verdict are few, so this is far above any real release."""


class Remark(msgspec.Struct, frozen=True):
    """Something said at an instant: a verdict that changed, a person's word, a failure. `details` are short texts."""

    at: float
    name: str
    details: dict[str, str] = {}


class TimelinePart(msgspec.Struct, frozen=True):
    """A stretch of a release, in seconds since the epoch.

    `kind` is `gates`, `queue`, `rollback` or the kind of a step (`prepare`, `expose`, `bake`, ...); `service` is empty
    where it is about the whole release. `ended_at` None: it goes on. `failed` says what went wrong in it.
    """

    name: str
    kind: str
    service: str
    began_at: float
    ended_at: float | None = None
    failed: str = ""
    remarks: tuple[Remark, ...] = ()


_Place = tuple[str, int, int]
_WORDS: dict[type, str] = {
    ReleasePaused: "paused",
    ReleaseResumed: "resumed",
    StepApproved: "approved",
    PromotionForced: "promotion forced",
    ReleaseAborted: "aborted",
    WayBackOpened: "barrier lifted",
}


def parts(events: Iterable[AnyEvent]) -> tuple[TimelinePart, ...]:
    """The parts of a release so far, in order. Raises ValueError when its first event is no request."""
    stream = iter(events)
    first = next(stream, None)
    if not isinstance(first, ReleaseRequested):
        raise ValueError("a release begins with a ReleaseRequested")  # noqa: TRY004 - the stream is wrong, not its type
    drawing = Drawing(first)
    drawing.add(first)
    for event in stream:
        drawing.add(event)
    return tuple(drawing.done())


class Drawing:
    """The parts as they come: the last one is open until the release moves on."""

    def __init__(self, request: ReleaseRequested) -> None:
        self._plan: Plan = request.plan
        self._state: State = initial(request.release, request.plan)
        self._place: _Place = ("new", 0, 0)
        self._parts: list[TimelinePart] = []
        self._open: TimelinePart | None = None
        self._verdict = ""

    def add(self, event: AnyEvent) -> None:
        """Take in one more event."""
        if isinstance(event, ReleaseDequeued):
            self._plan = event.plan
        self._state, _ = advance(self._state, event, self._plan)
        if self._open is not None:
            self._open = self._remarked(self._open, event)
        place = self._here()
        if place != self._place:
            self._close(event.at)
            self._place = place
            self._open = self._begun(event.at)

    def done(self) -> list[TimelinePart]:
        """Every part; the last may be open."""
        return [*self._parts, self._open] if self._open is not None else self._parts

    def _here(self) -> _Place:
        state = self._state
        return (state.stage, state.leg, state.step) if state.stage == "forward" else (state.stage, 0, 0)

    def _close(self, at: float) -> None:
        if self._open is not None:
            self._parts.append(msgspec.structs.replace(self._open, ended_at=at))
            self._open = None

    def _begun(self, at: float) -> TimelinePart | None:
        state = self._state
        match state.stage:
            case "queued":
                return TimelinePart("wait for the release before", "queue", "", at)
            case "checking":
                return TimelinePart("ask the gates", "gates", "", at)
            case "forward":
                leg = self._plan.legs[state.leg]
                step = leg.steps[state.step]
                return TimelinePart(step_name(step), tag(step), leg.unit.service, at)
            case "reverting":
                name = "hand the traffic over" if state.taken_over else "roll back"
                return TimelinePart(name, "rollback", "", at, failed=state.reason)
            case _:
                return None

    def _remarked(self, part: TimelinePart, event: AnyEvent) -> TimelinePart:
        remark = self._remark(event)
        if remark is None or len(part.remarks) >= REMARKS_MAX:
            return part
        failed = part.failed or (remark.details.get("reason", "") if remark.name == "failed" else "")
        return msgspec.structs.replace(part, remarks=(*part.remarks, remark), failed=failed)

    def _remark(self, event: AnyEvent) -> Remark | None:
        match event:
            case Judged(at=at, verdict=verdict) if verdict.kind != self._verdict:
                self._verdict = verdict.kind
                return Remark(at, "verdict", {"kind": verdict.kind, "reason": verdict.reason})
            case EffectDelayed(at=at, reason=reason):
                return Remark(at, "delayed", {"reason": reason})
            case EffectFailed(at=at, reason=reason):
                return Remark(at, "failed", {"reason": reason})
            case VersionPrepared(at=at, version=version, instances=instances):
                return Remark(at, "prepared", {"version": version.key, "instances": str(instances)})
            case SmokeTested(at=at, findings=findings):
                return Remark(at, "smoke tested", {"answer": worst(findings)})
            case VersionLost(at=at, version=version, reason=reason):
                return Remark(at, "version lost", {"version": version.key, "reason": reason})
            case (
                ReleasePaused()
                | ReleaseResumed()
                | StepApproved()
                | PromotionForced()
                | ReleaseAborted()
                | WayBackOpened()
            ):
                return Remark(event.at, _WORDS[type(event)], {"by": event.by, "reason": event.reason})
            case _:
                return None
