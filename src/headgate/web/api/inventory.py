"""What there is: projects, and environments with their services."""

import msgspec

from headgate.core.model import Unit
from headgate.ledger import Ledger
from headgate.ledger.going_back import ALL_RELEASES
from headgate.ledger.projections import Running, fleet
from headgate.web.endpoint import Call, Endpoint, Reply


class Project(msgspec.Struct, frozen=True):
    """A project, with the environments that it was released to."""

    project: str
    environments: list[str]


class Projects(msgspec.Struct, frozen=True):
    """All of them, by name."""

    projects: list[Project]


class Environment(msgspec.Struct, frozen=True):
    """An environment of a project: what its services run, and the releases that move them now."""

    project: str
    environment: str
    services: list[Running]
    in_flight: list[str]


class Environments(msgspec.Struct, frozen=True):
    """All of them, by project and name."""

    environments: list[Environment]


class Inventory:
    """The endpoints for what there is. Only what was once released is known: the ledger is all that is asked."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

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
            )
            for (project, environment), runs in self._places(call).items()
        ]
        return Reply(Environments(found))

    def _places(self, call: Call) -> dict[tuple[str, str], dict[Unit, Running]]:
        """What runs, by project and environment, in their order."""
        found: dict[tuple[str, str], dict[Unit, Running]] = {}
        for unit, run in fleet(self._ledger.summaries(limit=ALL_RELEASES)).items():
            if call.who.may("read", unit.environment):
                found.setdefault((unit.project, unit.environment), {})[unit] = run
        return found
