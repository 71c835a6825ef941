"""What the keeper of a home has looked after beside its instances: the proxy, and the controller."""

from pathlib import Path

from headgate.controller.guard import ControllerGuard
from headgate.ipc.alive import answers
from headgate.plugins.traffic.envoy.guard import ProxyGuard
from headgate.plugins.traffic.envoy.retreat import retreat
from headgate.ports.guard import Guard
from headgate.ports.processes import Processes

GUARDS = "headgate.wiring.guards:create"
"""What the keeper's command line calls `create`."""


def create(home: Path, processes: Processes) -> tuple[Guard, ...]:
    """The guards of `home`, as the keeper makes them; the controller is brought back, or traffic to the safe side."""
    return (
        ProxyGuard(home, processes),
        ControllerGuard(home, processes, lambda reason: retreat(home, reason), answers),
    )
