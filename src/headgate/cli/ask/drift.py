"""The three pictures of every unit of a home, and what its parts say: for `status`, `plan` and `doctor`."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from headgate.cli.ask.declared import Declaration, declaration
from headgate.cli.exits import leave_behind
from headgate.cli.session import Session
from headgate.core.drift import (
    OF_A_DEPLOY,
    Difference,
    Part,
    Pictures,
    Real,
    Recorded,
    differences,
    of_part,
)
from headgate.core.model import Unit
from headgate.ledger.sizes import sized

if TYPE_CHECKING:
    from headgate.ledger.projections import Running


@dataclass(frozen=True)
class Gallery:
    """What was found: the pictures of each unit, the parts, and all that differs, the home's own parts first."""

    pictures: Mapping[Unit, Pictures]
    parts: tuple[Part, ...]
    drift: tuple[Difference, ...]


def gallery(
    session: Session,
    running: "Mapping[Unit, Running]",
    units: Collection[Unit],
    only: tuple[str | None, Collection[str]] = (None, ()),
) -> Gallery:
    """Compare what is declared, recorded and real of these units of the fleet `running`.

    What is declared and does not run is compared, too, where `only` (an environment, services) does not leave it out.
    """
    if not session.has_ledger:
        return Gallery({}, (), ())
    declared, wrong = _declared(session)
    recorded = _recorded(session, {unit: running[unit] for unit in units})
    real, parts = _seen(session, recorded)
    pictures = {unit: _picture(unit, declared, recorded, real) for unit in units}
    for unit in _unreleased(declared, running):
        if only[0] in (None, unit.environment) and (not only[1] or unit.service in only[1]):
            pictures[unit] = _picture(unit, declared, recorded, real)
    ill = [one for one in map(of_part, parts) if one is not None]
    of_units = [one for unit in sorted(pictures) for one in differences(pictures[unit])]
    return Gallery(pictures, parts, (*ill, *wrong, *of_units))


def _unreleased(declared: Declaration | None, running: "Mapping[Unit, Running]") -> list[Unit]:
    """What is declared and does not run, of environments that this home serves: others may be another host's."""
    here = {(unit.project, unit.environment) for unit in running}
    found = declared.of() if declared is not None else {}
    return [unit for unit in found if unit not in running and (unit.project, unit.environment) in here]


def drift_of(session: Session, running: "Mapping[Unit, Running]", environment: str) -> tuple[Difference, ...]:
    """What a deploy to an environment of the project does not change: what is declared no more, and the world's."""
    project = session.project.project
    units = [unit for unit in running if (unit.project, unit.environment) == (project, environment)]
    found = gallery(session, running, units, (environment, ()))
    return tuple(one for one in found.drift if one.kind not in OF_A_DEPLOY)


def _declared(session: Session) -> tuple[Declaration | None, list[Difference]]:
    """What the project file says, as far as there is one that can be read."""
    if session.project_file is None:
        return None, []
    from headgate.cli.errors import explained

    try:
        return declaration(session), []
    except Exception as error:
        if explained(error) is None:
            raise
        said = "it cannot be read, so nothing is compared with it"
        return None, [Difference(session.project_file.name, "unknown", "warning", said, "headgate validate")]


def _recorded(session: Session, running: "Mapping[Unit, Running]") -> dict[Unit, Recorded]:
    found = sized(session.ledger, running) if running else {}
    return {
        unit: Recorded(run.stable, run.instances, run.listener, run.in_flight, run.platform)
        for unit, run in found.items()
        if run.stable is not None
    }


def _seen(
    session: Session, recorded: Mapping[Unit, Recorded]
) -> tuple[Mapping[Unit, Real], tuple[Part, ...]]:
    """The world is asked where anything of it is recorded."""
    if not recorded:
        return {}, ()
    from headgate import sight, wiring

    seen = sight.look(session.home, sight.Ports(*wiring.to_ask(session.home)), recorded)
    if seen.abandoned:
        leave_behind("a question to the world")
    return seen.units, seen.parts


def _picture(
    unit: Unit, declared: Declaration | None, recorded: Mapping[Unit, Recorded], real: Mapping[Unit, Real]
) -> Pictures:
    known = declared is not None and declared.project == unit.project
    wanted = declared.of().get(unit) if declared is not None else None
    return Pictures(unit, wanted, recorded.get(unit), real.get(unit), known)
