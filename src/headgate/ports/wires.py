"""What a plugin is made from: handed to every plugin's factory, so that plugins need not know each other."""

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from headgate.core.model import Version
from headgate.ports.artifacts import Artifacts
from headgate.ports.processes import Processes
from headgate.ports.receiver import Serve
from headgate.ports.target import Target
from headgate.ports.web import Web


@dataclass(frozen=True)
class Wires:
    """The home and its seams. `addresses` says where the instances of a version listen now (`host:port`).

    `addresses_changed` is told when they are others, and returns when whoever routes by them has taken it in.
    `fetch` reads a path of the data plane's own statistics, `arm` names a version there; both belong to the traffic
    plugin. `name` and `settings` are what the project file calls the plugin and says of it, where it is one of many
    (a source of signals, a channel, a marker); `web` sends its requests, `now` is the time (seconds since the epoch).
    `serve` gives the receiver at an address, for what is sent to Headgate by itself; None where nothing listens.
    What is not made yet when a plugin is made is None, or does nothing.
    """

    home: Path
    processes: Processes
    artifacts: Artifacts
    addresses: Callable[[Version], Sequence[str]]
    addresses_changed: Callable[[Version], Awaitable[None]] | None = None
    target: Target | None = None
    fetch: Callable[[str], Awaitable[bytes]] | None = None
    arm: Callable[[Version], str] | None = None
    name: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict[str, Any])
    web: Web | None = None
    now: Callable[[], float] = time.time
    serve: Serve | None = None
