"""Recorded releases, judged again: by their own criteria, or by those of another project file."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from headgate.core.again.replay import Criteria, Replay, recorded, replay
from headgate.core.machine.plan import Leg
from headgate.core.model.criteria import JudgeSpec
from headgate.ledger import Ledger

if TYPE_CHECKING:
    from headgate.config import Project


def criteria_of(file: Path | None) -> Criteria:
    """The criteria of a project file for each leg; None: those that the release was judged by. Raises ConfigError."""
    if file is None:
        return recorded
    from headgate.config import load

    project, known = load(file), dict[tuple[str, str], JudgeSpec]()

    def criteria(leg: Leg) -> JudgeSpec:
        place = leg.unit.environment, leg.unit.service
        if place not in known:
            known[place] = _spec(project, leg)
        return known[place]

    return criteria


def _spec(project: "Project", leg: Leg) -> JudgeSpec:
    from headgate.config import intent

    return intent(project, leg.unit.environment, leg.unit.service, leg.change.candidate).judge


def replayed(ledger: Ledger, release: str, criteria: Criteria) -> Replay:
    """One release, from the ledger."""
    return replay((entry.event for entry in ledger.read(release)), ledger.sample, criteria)


def all_replayed(ledger: Ledger, releases: Iterable[str], criteria: Criteria) -> tuple[Replay, ...]:
    """Several, in their order; those that were never judged are left out."""
    found = (replayed(ledger, release, criteria) for release in releases)
    return tuple(one for one in found if one.intervals or one.missing)
