"""The base of every mapping in a project file: unknown keys, missing keys, what is expected."""

from collections.abc import Mapping
from typing import ClassVar, cast

from pydantic import BaseModel, ConfigDict, GetJsonSchemaHandler, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from headgate.config.models.complaint import shown, wrong


class Section(BaseModel):
    """A mapping with known keys. A key with nothing after it counts as not given, unless it is required.

    `SHORT` names the key that a single value in place of the mapping stands for (its schema is that key's, or
    `SHORT_SCHEMA`); `EXPECTED` is what to say of anything else.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    SHORT: ClassVar[str] = ""
    SHORT_SCHEMA: ClassVar[JsonSchemaValue] = {}
    EXPECTED: ClassVar[str] = "a mapping"

    @classmethod
    def expand(cls, value: object) -> object:
        """The mapping that a single `value` stands for; the value itself where there is no short form."""
        return {cls.SHORT: value} if cls.SHORT and isinstance(value, (str, int, float)) else value

    @model_validator(mode="before")
    @classmethod
    def _written(cls, data: object) -> object:
        if not isinstance(data, Mapping):
            data = cls.expand(data)
        if not isinstance(data, Mapping):
            raise wrong(f"{shown(data)} is not possible here", cls.EXPECTED)
        given = cast("Mapping[str, object]", data)
        return {key: value for key, value in given.items() if value is not None or cls._keeps_null(key)}

    @classmethod
    def _keeps_null(cls, key: str) -> bool:
        field = next((field for name, field in cls.model_fields.items() if key in (name, field.alias)), None)
        return field is None or field.is_required()

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """The mapping, or its short form."""
        mapping = handler.resolve_ref_schema(handler(schema))
        if cls.SHORT or cls.SHORT_SCHEMA:
            whole = dict(mapping)
            value = dict(cls.SHORT_SCHEMA or whole["properties"][cls.SHORT])
            short = {
                key: part for key, part in value.items() if key not in ("title", "description", "default")
            }
            mapping.clear()
            mapping.update({"anyOf": [short, whole]})
        return mapping
