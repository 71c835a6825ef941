"""A release as its mark in another system."""

from collections.abc import Callable

from headgate.core.machine.plan import Leg
from headgate.core.model import Version
from headgate.core.story.notices import Telling
from headgate.core.story.timeline import Part
from headgate.core.story.view import phase
from headgate.ports.marker import Mark, MarkedService, MarkMoment

CommitOf = Callable[[Version], str]
"""The commit an artifact was built from; empty where nobody knows."""


def mark_of(telling: Telling, moment: MarkMoment, commit_of: CommitOf, parts: tuple[Part, ...] = ()) -> Mark:
    """The mark of a release that has begun, as it is now."""
    folded = telling.folded
    state, request, legs = folded.state, folded.request, folded.plan.legs
    labels = {intent.candidate: intent.label for intent in request.intents}
    return Mark(
        moment=moment,
        release=request.release,
        project=legs[0].unit.project,
        environment=legs[0].unit.environment,
        services=tuple(_service(leg, labels.get(leg.change.candidate, ""), commit_of) for leg in legs),
        author=request.author,
        reason=request.reason,
        phase=phase(state, folded.plan),
        outcome=state.outcome if state.ended_at is not None else None,
        started_at=telling.started_at or request.at,
        at=state.at,
        ended_at=state.ended_at,
        parts=parts,
    )


def _service(leg: Leg, label: str, commit_of: CommitOf) -> MarkedService:
    before = leg.change.baseline.key if leg.change.baseline else ""
    return MarkedService(
        leg.unit.service, before, leg.change.candidate.key, label, commit_of(leg.change.candidate)
    )
