"""A release request made from the project file: artifact and configuration make a version, and that an intent."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from headgate.cli.ask.names import environment_named, services_named
from headgate.cli.errors import Unable
from headgate.cli.session import Session
from headgate.core.home.facts import folded, frozen
from headgate.core.machine.events import ReleaseRequested
from headgate.core.machine.plan import Plan
from headgate.core.model import Finding, Intent, Unit, Version
from headgate.core.model.summary import Summary
from headgate.core.release import later
from headgate.core.release.admission import Known, Words, objections
from headgate.core.release.planning import Policies, policies_of
from headgate.ledger import MemoryLedger
from headgate.ledger.drawing import draw
from headgate.ledger.legality import Legality
from headgate.ledger.projections import (
    ALL_RELEASES,
    Running,
    fleet,
    labels,
    listening,
    platforms,
    retired,
    rolled_back,
    rolled_back_versions,
)
from headgate.ledger.sizes import sized

if TYPE_CHECKING:
    from headgate.config import Project
    from headgate.config.models.service import Artifact as Recipe
    from headgate.ports import Artifact, Artifacts


@dataclass(frozen=True)
class Request:
    """What a person typed. `artifact` empty: build it."""

    environment: str | None
    services: Sequence[str]
    artifact: str = ""
    label: str = ""


@dataclass(frozen=True)
class Asked:
    """What that comes to. `unchanged` are the intents whose units run just this version already.

    `stopped` are the units that a freeze forbids to change now, `declared` all that the project file names. `later`
    says, of units whose version stays, what of the file takes effect with the next one only; `legality` what has become
    impossible, and from where it goes forward; `plan` is the one that would be drawn now.
    """

    environment: str
    intents: tuple[Intent, ...]
    unchanged: tuple[Intent, ...]
    policies: Policies
    running: dict[Unit, Running]
    summaries: tuple[Summary, ...]
    stopped: Mapping[Unit, str]
    declared: tuple[Unit, ...]
    later: Mapping[Unit, tuple[str, ...]]
    legality: Legality
    plan: Plan

    def labels(self) -> dict[Version, str]:
        """What the versions that were ever released here are called."""
        return labels(self.summaries)

    def findings(self, words: Words) -> tuple[Finding, ...]:
        """What the rules would say to it now."""
        in_flight = {unit: run.in_flight for unit, run in self.running.items() if run.in_flight}
        undone, versions = rolled_back(self.summaries), rolled_back_versions(self.summaries)
        taken = listening(self.summaries, self.running)
        known = Known(
            in_flight,
            undone,
            versions,
            self.stopped,
            taken,
            self.declared,
            self.legality.kept_out,
            self.legality.meant_for,
            platforms=platforms(self.running),
        )
        return objections(self.intents, self.plan, known, words)


def ask(session: Session, request: Request, on_line: Callable[[str], None]) -> Asked:
    """Build or find the artifacts, store the configurations. Lines of a build go to `on_line`. Raises Unable."""
    from headgate import wiring
    from headgate.config import configuration, intent, policies

    project = session.project
    environment = environment_named(request.environment, project.environments)
    names = services_named(project, environment, request.services)
    store = wiring.open_artifacts(session.home)
    recipes = {name: project.environments[environment].services[name].artifact for name in names}
    artifacts = _artifacts(session, store, recipes, request, on_line)
    found: list[Intent] = []
    for name in names:
        artifact, label = artifacts[name]
        digest = store.put_configuration(configuration(project, environment, name, session.root))
        version = Version(Unit(project.project, environment, name), artifact.digest, digest)
        found.append(intent(project, environment, name, version, label))
    return _compared(session, environment, tuple(found), policies(project, environment))


def declared_units(project: "Project") -> tuple[Unit, ...]:
    """Every unit that the project file names, in every environment."""
    return tuple(
        Unit(project.project, name, service)
        for name, environment in project.environments.items()
        for service in environment.services
    )


def _compared(session: Session, environment: str, found: tuple[Intent, ...], rules: Policies) -> Asked:
    """What of it is new: a unit that runs just this version already, in this size and place, needs no release."""
    ledger = session.ledger if session.has_ledger else MemoryLedger()
    summaries, notes = ledger.summaries(limit=ALL_RELEASES), ledger.notes()
    running = sized(ledger, fleet(summaries, retired(notes)))
    same = tuple(one for one in found if _runs(running.get(one.unit), one))
    new = tuple(one for one in found if one not in same)
    home = folded(note.event for note in notes)
    stopped = frozen(home, (one.unit for one in new), time.time())
    drawn = draw(new, rules, ledger, summaries, running, home)
    units = declared_units(session.project)
    stays = [one for one in found if one.unit in running and running[one.unit].stable == one.candidate]
    waits = {
        one.unit: _later(session, environment, running[one.unit], later.Asked(one, rules)) for one in stays
    }
    return Asked(
        environment,
        new,
        same,
        rules,
        running,
        tuple(summaries),
        stopped,
        units,
        waits,
        drawn.legality,
        drawn.plan,
    )


def _later(session: Session, environment: str, run: Running, now: later.Asked) -> tuple[str, ...]:
    """What the file says otherwise than when the running version was released, and does not change it."""
    event = next((entry.event for entry in session.ledger.read(run.release or "")), None)
    if not isinstance(event, ReleaseRequested):
        return ()
    intents = [intent for intent in event.intents if intent.unit == run.unit]
    if not intents:
        return ()
    then = later.Asked(intents[0], policies_of(event.plan))
    then = later.without_glass(then, now) if event.break_glass_reason else then
    service = session.project.environments[environment].services[run.unit.service]
    checked = any(signal.source for signal in service.criteria.business.values())
    read = {"needs": bool(service.needs), "criteria.business.source": checked}
    return later.later(now, then, [key for key, there in read.items() if there])


def _runs(run: Running | None, asked: Intent) -> bool:
    """Whether a unit is just as it is asked for. A size that nobody recorded is not known to be another."""
    if run is None or run.stable != asked.candidate or run.in_flight is not None:
        return False
    if run.platform != asked.platform:
        return False
    return run.instances in (0, asked.instances) and run.listener in (None, asked.listener)


def _artifacts(
    session: Session,
    store: "Artifacts",
    recipes: dict[str, "Recipe"],
    request: Request,
    on_line: Callable[[str], None],
) -> dict[str, tuple["Artifact", str]]:
    """The artifact and its label for each service; each recipe is followed once."""
    from headgate.cli.ask.artifact import built, called, chosen

    distinct = {(recipe.path, recipe.build): recipe for recipe in recipes.values()}
    if request.artifact:
        if len(distinct) > 1:
            raise Unable("these services have artifacts of their own", "with --artifact, name one SERVICE")
        artifact = chosen(store, request.artifact)
        return dict.fromkeys(recipes, (artifact, request.label or called(artifact, request.artifact)))
    made = {
        key: built(store, recipe, session.root, request.label, on_line) for key, recipe in distinct.items()
    }
    named = {name: made[recipe.path, recipe.build] for name, recipe in recipes.items()}
    return {name: (artifact, request.label or called(artifact, "")) for name, artifact in named.items()}
