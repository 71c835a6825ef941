"""The guards of a home, which its keeper runs beside its instances: its platforms', and the controller's."""

from collections.abc import Sequence
from pathlib import Path

from headgate.controller.guard import ControllerGuard
from headgate.ipc.alive import answers
from headgate.ports.errors import PortError, Temporary
from headgate.ports.guard import Guard
from headgate.ports.platform import Platforms
from headgate.ports.processes import Processes
from headgate.ports.retreat import Retreated
from headgate.wiring.platforms import open_platforms


def create(home: Path, processes: Processes) -> tuple[Guard, ...]:
    """The guards of `home`, as the keeper makes them; the controller is brought back, or traffic to the safe side."""
    platforms = open_platforms(home, processes)
    guards = [guard for _, platform in platforms.installed() for guard in platform.guards]

    async def retreat(reason: str) -> Sequence[Retreated]:
        return await retreated(platforms, reason)

    return (*guards, ControllerGuard(home, processes, retreat, answers))


async def retreated(platforms: Platforms, reason: str) -> Sequence[Retreated]:
    """Take traffic to the safe side on every platform; one that cannot keeps no other from it.

    Raises Temporary when all have been asked, with what stands in the way.
    """
    done: list[Retreated] = []
    left: list[str] = []
    for name, platform in platforms.installed():
        try:
            done += await platform.retreat(reason)
        except PortError as error:
            left.append(f"{name}: {error}")
    if left:
        raise Temporary("; ".join(left))
    return done
