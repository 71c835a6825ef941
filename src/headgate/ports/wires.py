"""What a plugin is made from: handed to every plugin's factory, so that plugins need not know each other."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from headgate.core.model import Version
from headgate.ports.artifacts import Artifacts
from headgate.ports.processes import Processes
from headgate.ports.target import Target


@dataclass(frozen=True)
class Wires:
    """The home and its seams. `addresses` says where the instances of a version listen now (`host:port`).

    `target` is None while the target itself is being made.
    """

    home: Path
    processes: Processes
    artifacts: Artifacts
    addresses: Callable[[Version], Sequence[str]]
    target: Target | None = None
