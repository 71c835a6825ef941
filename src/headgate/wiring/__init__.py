"""From a home to objects: the only room that knows which plugin stands behind which port.

Each name is loaded when it is first asked for: a process pays for what it is, and a command starts at once.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headgate.plugins.artifacts.build import provenance, run_build
    from headgate.plugins.traffic.envoy import unit_name
    from headgate.wiring.controller import running, serve
    from headgate.wiring.daemon import controller_runs, daemon_status, down, up
    from headgate.wiring.people import vouching
    from headgate.wiring.platforms import shared_of, to_ask
    from headgate.wiring.stores import open_artifacts, open_ledger, open_processes
    from headgate.wiring.telling import try_channels
    from headgate.wiring.world import build_world

__all__ = [
    "build_world",
    "controller_runs",
    "daemon_status",
    "down",
    "open_artifacts",
    "open_ledger",
    "open_processes",
    "provenance",
    "run_build",
    "running",
    "serve",
    "shared_of",
    "to_ask",
    "try_channels",
    "unit_name",
    "up",
    "vouching",
]

_WHERE = {
    "build_world": "headgate.wiring.world",
    "controller_runs": "headgate.wiring.daemon",
    "daemon_status": "headgate.wiring.daemon",
    "down": "headgate.wiring.daemon",
    "open_artifacts": "headgate.wiring.stores",
    "open_ledger": "headgate.wiring.stores",
    "open_processes": "headgate.wiring.stores",
    "provenance": "headgate.plugins.artifacts.build",
    "run_build": "headgate.plugins.artifacts.build",
    "running": "headgate.wiring.controller",
    "serve": "headgate.wiring.controller",
    "shared_of": "headgate.wiring.platforms",
    "to_ask": "headgate.wiring.platforms",
    "try_channels": "headgate.wiring.telling",
    "unit_name": "headgate.plugins.traffic.envoy",
    "up": "headgate.wiring.daemon",
    "vouching": "headgate.wiring.people",
}


def __getattr__(name: str) -> object:
    """The public name, from its file. Raises AttributeError for any other."""
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_WHERE[name]), name)
