"""The instances of a version as they are now: asked often, also by commands that load nothing else of the target."""

from pathlib import Path

from headgate.core.model import Version
from headgate.plugins.targets.local.layout import Layout, VersionFolder
from headgate.plugins.targets.local.record import Endpoint
from headgate.ports import Instance
from headgate.ports.processes import Processes, ProcessStatus


class Instances:
    """What runs of each version of `home`, under `processes`."""

    def __init__(self, home: Path, processes: Processes) -> None:
        self._layout = Layout(home)
        self._processes = processes

    async def inspect(self, version: Version) -> tuple[Instance, ...]:
        """As the port Target says. `ready` is what the last probe saw, and false at once when the process is gone."""
        folder = self._layout.folder(version)
        endpoints = folder.endpoints()
        if not endpoints:
            return ()
        statuses = {status.name: status for status in await self._processes.list(folder.prefix)}
        return tuple(_instance(folder, endpoint, statuses.get(endpoint.name)) for endpoint in endpoints)


def _instance(folder: VersionFolder, endpoint: Endpoint, status: ProcessStatus | None) -> Instance:
    life = folder.life(endpoint.name)
    alive = status is not None and status.pid == life.pid == endpoint.pid and not life.refused
    state = status.state if status else "not under the supervisor"
    detail = life.refused or ("" if state == "running" else state)
    return Instance(
        endpoint.name,
        endpoint.address,
        endpoint.ready and alive,
        max(0, life.launches - 1),
        detail,
        endpoint.exposed,
    )
