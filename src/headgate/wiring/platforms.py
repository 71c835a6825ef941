"""The platforms of a home, by the names that they are registered under."""

from dataclasses import replace
from pathlib import Path

from headgate.core.model import Unit
from headgate.plugins.processes.supervisord import Supervisord
from headgate.ports.platform import Platform, Platforms
from headgate.ports.processes import Processes
from headgate.ports.registry import create, names
from headgate.ports.wires import Wires
from headgate.wiring import stores

GUARDS = "headgate.wiring.guards:create"
"""What the keeper's command line calls `guards.create`."""


def open_platforms(home: Path, processes: Processes) -> Platforms:
    """Every platform that is installed; each is made when it is first asked for."""
    return platforms_of(bare_wires(home, processes))


def to_ask(home: Path) -> tuple[Platforms, Processes]:
    """The same for asking only, with the process daemon: also of a home that is a copy, and belongs elsewhere."""
    processes = Supervisord(home)
    return open_platforms(home, processes), processes


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
