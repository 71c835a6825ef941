"""The report of a release in numbers: the object that `deploy --json` ends with."""

from collections.abc import Iterable
from typing import Literal

import msgspec
from msgspec.structs import replace

from headgate.core.machine.asking import initial
from headgate.core.machine.events import (
    AnyEvent,
    GatesAnswered,
    Judged,
    ReleaseDequeued,
    ReleaseRequested,
    RoutingSet,
)
from headgate.core.machine.plan import Plan
from headgate.core.machine.state import UNEXPOSED, State
from headgate.core.machine.step import step as advance
from headgate.core.machine.steps import Expose, step_name
from headgate.core.model import Finding, VerdictKind, worst
from headgate.core.story.view import phase, waits_for_person

Ended = Literal["promoted", "rolled_back", "refused", "aborted", "held", "under_way"]


class StepReport(msgspec.Struct, frozen=True):
    """One change of traffic and what was seen under it. `requests` and `errors` are (stable, canary)."""

    service: str
    weight: int
    name: str
    verdict: VerdictKind | None = None
    requests: tuple[int, int] = (0, 0)
    errors: tuple[int, int] = (0, 0)
    began_at: float = 0.0
    took_s: float = 0.0


class Report(msgspec.Struct, frozen=True, rename={"before": "from", "after": "to"}):
    """A release from its first event to its last. `before` and `after` are artifact digests.

    `detected_after_s` counts from the first user's request to the failing verdict, `restored_after_s` from the
    verdict to the proxy's confirmation that stable has all traffic again; None where there was nothing to detect.
    `hints` say what to do about a refusal.
    """

    release: str
    environment: str
    service: str
    before: str | None
    after: str
    outcome: Ended
    reason: str
    phase: str
    steps: tuple[StepReport, ...] = ()
    bad_requests_served: int = 0
    detected_after_s: float | None = None
    restored_after_s: float | None = None
    took_s: float = 0.0
    warnings: tuple[str, ...] = ()
    hints: tuple[str, ...] = ()


class Fold:
    """Takes in a release's events one by one, as they come or from the ledger, and can report at any moment."""

    def __init__(self, request: ReleaseRequested) -> None:
        self.request = request
        self.plan: Plan = request.plan
        self.state: State = initial(request.release, request.plan)
        self.last: Judged | None = None
        self.steps: list[StepReport] = []
        self._exposed_at: float | None = None
        self._detected_at: float | None = None
        self._restored_at: float | None = None
        self._harmed = 0
        self._findings: tuple[Finding, ...] = request.objections

    def add(self, event: AnyEvent) -> None:
        """Fold one more event. Raises machine.Illegal when it does not belong here."""
        before = self.state
        if isinstance(event, ReleaseDequeued):
            self.plan, self._findings = event.plan, event.objections
        if isinstance(event, GatesAnswered):
            self._findings = event.findings
        self.state, _ = advance(before, event, self.plan)
        if isinstance(event, RoutingSet):
            self._routed(before, event)
        if isinstance(event, Judged):
            self._judged(before, event)

    def _routed(self, before: State, event: RoutingSet) -> None:
        if before.stage == "reverting":
            self._restored_at = self._restored_at or event.at
            return
        if before.here().relief:
            return
        leg = self.plan.legs[before.leg]
        step = leg.steps[before.step]
        if isinstance(step, Expose):
            self.steps.append(StepReport(leg.unit.service, step.weight, step_name(step), began_at=event.at))
            if step.weight or step.matches:
                self._exposed_at = self._exposed_at or event.at

    def _judged(self, before: State, event: Judged) -> None:
        self.last = event
        if before.stage == "forward" and self.state.stage == "reverting":
            self._detected_at = event.at
        if not self.steps or before.watch is None or before.watch.exposure == UNEXPOSED:
            return
        closing = before.watch.exposure != before.here().exposure
        index = -2 if closing and len(self.steps) > 1 else -1
        seen = self.steps[index]
        leg = self.plan.legs[before.leg]
        exposed = leg.steps[before.watch.exposure]
        if isinstance(exposed, Expose) and (exposed.weight or exposed.matches):
            self._harmed += event.harmed
        self.steps[index] = replace(
            seen,
            verdict=event.verdict.kind,
            requests=(seen.requests[0] + event.requests[0], seen.requests[1] + event.requests[1]),
            errors=(seen.errors[0] + event.errors[0], seen.errors[1] + event.errors[1]),
            took_s=event.at - seen.began_at,
        )

    def report(self) -> Report:
        """The release so far."""
        legs = self.plan.legs
        return Report(
            release=self.request.release,
            environment=legs[0].unit.environment,
            service=", ".join(leg.unit.service for leg in legs),
            before=legs[0].change.baseline.artifact if legs[0].change.baseline else None,
            after=legs[0].change.candidate.artifact,
            outcome=self._outcome(),
            reason=self._reason(),
            phase=phase(self.state, self.plan),
            steps=tuple(self.steps),
            bad_requests_served=self._harmed,
            detected_after_s=_between(self._exposed_at, self._detected_at),
            restored_after_s=_between(self._detected_at, self._restored_at),
            took_s=(self.state.ended_at or self.state.at) - self.request.at,
            warnings=self.state.warnings,
            hints=self.hints(),
        )

    def hints(self) -> tuple[str, ...]:
        """What each rule or gate that refused the release advises, each advice once."""
        if self.state.outcome != "refused":
            return ()
        gravest = worst(self._findings)
        return tuple(dict.fromkeys(one.hint for one in self._findings if one.answer == gravest and one.hint))

    def _outcome(self) -> Ended:
        if self.state.ended_at is not None and self.state.outcome is not None:
            return self.state.outcome
        return "held" if waits_for_person(self.state, self.plan) else "under_way"

    def _reason(self) -> str:
        return waits_for_person(self.state, self.plan) or self.state.reason


def _between(start: float | None, end: float | None) -> float | None:
    return None if start is None or end is None else max(0.0, end - start)


def fold(events: Iterable[AnyEvent]) -> Fold:
    """Fold a release's events, the first of which is its request. Raises ValueError when it is not."""
    stream = iter(events)
    first = next(stream, None)
    if not isinstance(first, ReleaseRequested):
        raise ValueError("a release begins with a ReleaseRequested")  # noqa: TRY004 - the stream is wrong, not its type
    folded = Fold(first)
    folded.add(first)
    for event in stream:
        folded.add(event)
    return folded
