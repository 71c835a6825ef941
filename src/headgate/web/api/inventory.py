"""The inventory: projects, and environments with their services."""

import msgspec

from headgate.core.home.facts import Home
from headgate.core.model import Unit
from headgate.ledger import Ledger
from headgate.ledger.projections import Running, fleet_of
from headgate.ports.artifacts import Artifacts
from headgate.ports.errors import PortError
from headgate.web.doors.tokens import HomeBook
from headgate.web.http.endpoint import Call, Endpoint, Reply


class Project(msgspec.Struct, frozen=True):
    """A project, with the environments that it was released to."""

    project: str
    environments: list[str]


class Projects(msgspec.Struct, frozen=True):
    """All of them, by name."""

    projects: list[Project]


class Branch(msgspec.Struct, frozen=True):
    """Where a branch or a tag of a repository stands, as a hook heard of it; `at` is when (seconds since the epoch)."""

    repository: str
    kind: str
    ref: str
    commit: str
    by: str
    at: float
    hook: str


class Environment(msgspec.Struct, frozen=True):
    """An environment of a project: what its services run, and the releases that move them now.

    `built_from` is the commit of what runs, by service, where it is known; `branches` are those that a hook of this
    environment told of, the newest first.
    """

    project: str
    environment: str
    services: list[Running]
    in_flight: list[str]
    built_from: dict[str, str] = {}
    branches: list[Branch] = []


class Environments(msgspec.Struct, frozen=True):
    """All of them, by project and name."""

    environments: list[Environment]


class Inventory:
    """The endpoints for what there is. Only what was once released is known: the ledger is all that is asked."""

    def __init__(self, ledger: Ledger, book: HomeBook, artifacts: Artifacts | None = None) -> None:
        self._ledger = ledger
        self._book = book
        self._artifacts = artifacts

    def endpoints(self) -> tuple[Endpoint, ...]:
        """Both of them."""
        return (
            Endpoint(
                "GET",
                "/v1/projects",
                "listProjects",
                "Projects and their environments",
                self._projects,
                Projects,
                "services",
            ),
            Endpoint(
                "GET",
                "/v1/environments",
                "listEnvironments",
                "Environments and what runs there",
                self._environments,
                Environments,
                "services",
            ),
        )

    async def _projects(self, call: Call) -> Reply:
        found: dict[str, list[str]] = {}
        for project, environment in self._places(call):
            found.setdefault(project, []).append(environment)
        return Reply(Projects([Project(name, environments) for name, environments in found.items()]))

    async def _environments(self, call: Call) -> Reply:
        found = [
            Environment(
                project,
                environment,
                list(runs.values()),
                list(dict.fromkeys(run.in_flight for run in runs.values() if run.in_flight)),
                {unit.service: commit for unit, run in runs.items() if (commit := self._commit(run))},
                branches(self._book.home, project, environment),
            )
            for (project, environment), runs in self._places(call).items()
        ]
        return Reply(Environments(found))

    def _commit(self, run: Running) -> str:
        if run.stable is None or self._artifacts is None:
            return ""
        try:
            return self._artifacts.find(run.stable.artifact).provenance.commit
        except PortError:
            return ""

    def _places(self, call: Call) -> dict[tuple[str, str], dict[Unit, Running]]:
        """Units with what they run, by project and environment, in order."""
        found: dict[tuple[str, str], dict[Unit, Running]] = {}
        for unit, run in fleet_of(self._ledger).items():
            if call.who.may("read", unit.environment):
                found.setdefault((unit.project, unit.environment), {})[unit] = run
        return found


def branches(home: Home, project: str, environment: str) -> list[Branch]:
    """Branches and tags that the hooks of an environment reported, the newest first."""
    found = [
        Branch(push.repository, push.kind, push.ref, push.commit, push.by, head.at, hook.added.hook)
        for hook in home.hooks.values()
        if environment in hook.added.environments
        and (not hook.added.projects or project in hook.added.projects)
        for head in hook.heads.values()
        for push in (head.push,)
    ]
    return sorted(found, key=lambda branch: -branch.at)
