"""A plugin that a project file names and configures: a source of signals, a channel, a marker."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from headgate.config.models.complaint import Complaint, listed, raised, shown, wrong
from headgate.config.models.settings import Wrong, read_settings
from headgate.config.problems import closest
from headgate.ports.errors import Permanent


@dataclass(frozen=True)
class Declared:
    """The plugin's name and its settings: plain JSON values that fit the plugin's own `Settings`."""

    kind: str
    settings: dict[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True)
class Plugin:
    """A mapping with the plugin's name under `key` and its settings beside it. `group` is its kind in the registry."""

    group: str
    key: str

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Read it ourselves."""
        return core_schema.no_info_plain_validator_function(self.read)

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Which keys there are besides depends on the plugin, which may be a stranger's."""
        name = {"type": "string", "description": "The plugin."}
        return {"type": "object", "required": [self.key], "properties": {self.key: name}}

    def read(self, value: object) -> Declared:
        """What is declared. Raises what pydantic reports."""
        if not isinstance(value, Mapping):
            raise wrong(f"{shown(value)} is not possible here", f"a mapping with `{self.key}`")
        written = dict(cast("Mapping[str, object]", value))
        try:
            return declared(self.group, self.key, written)
        except Wrong as found:
            raise raised(list(found.complaints)) from None


def declared(group: str, key: str, written: Mapping[str, object]) -> Declared:
    """The plugin that `written` names under `key`, with every other key as its settings.

    Raises Wrong with all that is wrong, each with its place in `written`.
    """
    # Reading the registry looks through everything that is installed: only files that name a plugin pay for it.
    from headgate.ports.registry import names, settings_type  # noqa: PLC0415

    name = written.get(key)
    if key not in written:
        raise Wrong((Complaint((), f"the key `{key}` is missing", listed(names(group))),))
    if not isinstance(name, str) or name not in names(group):
        near = closest(name, names(group)) if isinstance(name, str) else None
        hint = f"did you mean `{near}`?" if near else ""
        raise Wrong((Complaint((key,), f"there is no plugin {shown(name)}", listed(names(group)), hint),))
    rest = {one: value for one, value in written.items() if one != key}
    try:
        kind = settings_type(group, name)
    except Permanent as error:
        raise Wrong((Complaint((key,), str(error)),)) from None
    if kind is None:
        what = f"the plugin `{name}` has no settings"
        complaints = tuple(Complaint((one,), what, f"`{key}` alone", key=True) for one in rest)
        if complaints:
            raise Wrong(complaints)
        return Declared(name)
    return Declared(name, read_settings(kind, rest))
