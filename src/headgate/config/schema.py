"""The JSON Schema of a project file, for editors that complete and check while one types."""

from typing import Any, cast

from headgate.config.models import Project, Section
from headgate.config.models.quantity import Quantity

_ID = "https://json-schema.org/draft/2020-12/schema"
_DEFS = "#/$defs/"
_CHANGE = "Change"

Schema = dict[str, Any]


def json_schema() -> Schema:
    """The schema (draft 2020-12). Where an environment changes services, nothing is required and null removes."""
    schema = Project.model_json_schema()
    definitions = cast("dict[str, Schema]", schema["$defs"])
    for model in Section.__subclasses__():
        _write_defaults(model, definitions.get(model.__name__, schema))
    _close(schema)
    definitions |= {
        name + _CHANGE: _optional(_renamed(one)) for name, one in definitions.items() if _changes(name)
    }
    services = cast("Schema", definitions["Environment"]["properties"]["services"])
    changed = {pattern: {"$ref": _DEFS + "Service" + _CHANGE} for pattern in services["patternProperties"]}
    services["patternProperties"] = {pattern: _or_null(value) for pattern, value in changed.items()}
    definitions["Environment"] = _or_null(definitions["Environment"])
    schema["required"] = [key for key in schema["required"] if key != "environments"]
    schema["patternProperties"] = {"^x-": {"description": "A place for anchors; not read."}}
    return {"$schema": _ID, "title": "Headgate project", **{k: v for k, v in schema.items() if k != "title"}}


def _write_defaults(model: type[Section], schema: Schema) -> None:
    """Defaults as people write them: `10s`, not 10.0."""
    properties = cast("Schema", (schema["anyOf"][1] if "anyOf" in schema else schema)["properties"])
    for name, field in model.model_fields.items():
        quantity = next((one for one in field.metadata if isinstance(one, Quantity)), None)
        if quantity is not None and not field.is_required():
            properties[field.alias or name]["default"] = quantity.written(field.default)


def _close(schema: Any) -> None:  # noqa: ANN401 - any part of a schema
    """Where keys must have a form, no others are allowed."""
    for part in cast("Schema", schema).values() if isinstance(schema, dict) else cast("list[Any]", schema):
        if isinstance(part, (dict, list)):
            _close(part)
    if isinstance(schema, dict) and "patternProperties" in schema:
        cast("Schema", schema)["additionalProperties"] = False


def _changes(name: str) -> bool:
    return name not in ("Environment", "Step", "Request", "Project")


def _renamed(schema: Any) -> Any:  # noqa: ANN401 - any part of a schema
    """References lead to the definitions for changes, but for what stands in lists: lists are replaced as a whole."""
    if isinstance(schema, dict):
        mapping = cast("Schema", schema)
        reference = mapping.get("$ref")
        if isinstance(reference, str) and _changes(reference.removeprefix(_DEFS)):
            return {**mapping, "$ref": reference + _CHANGE}
        return {key: _renamed(value) for key, value in mapping.items()}
    return [_renamed(item) for item in cast("list[object]", schema)] if isinstance(schema, list) else schema


def _optional(definition: Schema) -> Schema:
    """A mapping of which every key may be missing or null."""
    if "anyOf" in definition:
        return {"anyOf": [_optional(option) for option in definition["anyOf"]]}
    if "properties" not in definition:
        return definition
    properties = {key: _or_null(_entries_or_null(value)) for key, value in definition["properties"].items()}
    return {
        **{key: value for key, value in definition.items() if key != "required"},
        "properties": properties,
    }


def _entries_or_null(schema: Schema) -> Schema:
    """A mapping with keys of one's own: null removes one."""
    entries = cast("Schema", schema.get("patternProperties", {}))
    return (
        {**schema, "patternProperties": {k: _or_null(v) for k, v in entries.items()}} if entries else schema
    )


def _or_null(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}
