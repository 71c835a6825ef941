"""Plugins by name. Headgate's own register through the same entry points as a stranger's.

A package names a factory in its metadata, `[project.entry-points."headgate.gates"] name = "package.module:create"`,
which takes a `Wires` and returns the port. Where the project file may say more of a plugin than its name (a source of
signals, a channel, a marker), the factory's module has a frozen msgspec struct `Settings` with the keys it takes.
"""

from collections.abc import Callable
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from headgate.ports.errors import Permanent
from headgate.ports.wires import Wires

KINDS = ("targets", "traffic", "signals", "gates", "notifiers", "markers")

Factory = Callable[[Wires], Any]


def names(kind: str) -> tuple[str, ...]:
    """The names of the plugins of a kind, sorted."""
    return tuple(sorted(_found(kind)))


def create(kind: str, name: str, wires: Wires) -> Any:  # noqa: ANN401 - each kind has its own Protocol
    """Make the plugin `name` of a kind. Raises Permanent when there is none of this name, or when it does not load."""
    found = _found(kind)
    if name not in found:
        known = ", ".join(sorted(found)) or "none"
        raise Permanent(f"there is no plugin {name!r} of the kind {kind} (known: {known})")
    try:
        factory: Factory = found[name].load()
        return factory(wires)
    except (ImportError, AttributeError, TypeError) as error:
        raise Permanent(f"the plugin {name!r} of the kind {kind} does not load: {error}") from error


def _found(kind: str) -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=f"headgate.{kind}")}
