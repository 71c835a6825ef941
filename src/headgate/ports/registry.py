"""Plugins by name. Headgate's own register through the same entry points as a stranger's.

A package names a factory in its metadata, `[project.entry-points."headgate.gates"] name = "package.module:create"`,
which takes a `Wires` and returns the port. Where the project file may say more of a plugin than its name (a source of
signals, a channel, a marker), the factory's module has a frozen msgspec struct `Settings` with the keys it takes:

* A number whose field ends in `_s`, `_ratio` or `_bytes` is written without that ending and with its unit: `timeout_s`
  is `timeout: 2s`, `share_ratio` is `share: 5%`, `size_bytes` is `size: 10MB`.
* A field of the type `SecretSource` is written `{env: NAME}`, `{file: PATH}` or `{secret: NAME}`, and read with
  `ports.secrets.read_secret`; the secret itself is refused.
* Settings that are wrong only together raise ValueError in `__post_init__`, with a sentence that says what to write.

The plugin reads them with `settings_of(wires, Settings)`.
"""

from collections.abc import Callable
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any, TypeVar

import msgspec

from headgate.ports.errors import Permanent
from headgate.ports.keeper import bound
from headgate.ports.wires import Wires

KINDS = ("platforms", "signals", "gates", "notifiers", "markers", "issuers")

Factory = Callable[[Wires], Any]

Settings = TypeVar("Settings", bound=msgspec.Struct)


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


def settings_type(kind: str, name: str) -> type[msgspec.Struct] | None:
    """What the plugin `name` of a kind takes besides its name; None: nothing, or there is none of this name.

    Raises Permanent when it does not load.
    """
    point = _found(kind).get(name)
    if point is None:
        return None
    try:
        module = import_module(point.module)
    except ImportError as error:
        raise Permanent(f"the plugin {name!r} of the kind {kind} does not load: {error}") from error
    found = getattr(module, "Settings", None)
    return found if isinstance(found, type) and issubclass(found, msgspec.Struct) else None


def settings_of(wires: Wires, kind: type[Settings]) -> Settings:
    """What the project file says of a plugin, as it was checked. Raises Permanent when it does not fit after all."""
    try:
        return bound(msgspec.convert(dict(wires.settings), kind), wires.keeper)
    except (msgspec.ValidationError, ValueError) as error:
        raise Permanent(f"the settings of {wires.name!r} do not fit the plugin: {error}") from None


def _found(kind: str) -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=f"headgate.{kind}")}
