"""The platforms of a home, by the names that they are registered under."""

from dataclasses import replace
from pathlib import Path
from typing import cast

from headgate.core.model import Unit
from headgate.plugins.processes.supervisord import Supervisord
from headgate.ports.artifacts import Artifacts
from headgate.ports.platform import Platform, Platforms
from headgate.ports.processes import Processes
from headgate.ports.registry import create, names
from headgate.ports.wires import Wires
from headgate.wiring import stores

GUARDS = "headgate.wiring.guards:create"
"""What the keeper's command line calls `guards.create`."""


def open_platforms(home: Path, processes: Processes) -> Platforms:
    """Every platform that is installed, for asking and for its upkeep; each is made when it is first asked for."""
    artifacts = cast("Artifacts", _Unopened(home))
    return platforms_of(Wires(home, processes, artifacts, lambda _: ()))


def to_ask(home: Path) -> tuple[Platforms, Processes]:
    """The same for asking only, with the process daemon: also of a home that is a copy, and belongs elsewhere."""
    processes = Supervisord(home)
    return open_platforms(home, processes), processes


class _Unopened:
    """The home's artifacts, opened by who needs them after all: `status` and the keeper do not."""

    def __init__(self, home: Path) -> None:
        self._home = home

    def __getattr__(self, name: str) -> object:
        return getattr(stores.open_artifacts(self._home), name)


def shared_of(home: Path, platform: str, unit: Unit) -> Path | None:
    """The folder of what all versions of a unit share on this host. Raises Permanent: the platform is not here."""
    return to_ask(home)[0].open(platform).shared(unit)


def bare_wires(home: Path, processes: Processes) -> Wires:
    """What every plugin of a home is made from, before there is anything else."""
    return Wires(home, processes, stores.open_artifacts(home), lambda _: ())


def platforms_of(wires: Wires) -> Platforms:
    """The same, from what else there is."""
    guarded = replace(wires, guards=GUARDS)

    def made(name: str) -> Platform:
        platform: Platform = create("platforms", name, guarded)
        return platform

    return Platforms(lambda: names("platforms"), made)
