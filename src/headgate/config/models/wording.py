"""Text of a certain form, as a type of the models."""

import re
from dataclasses import dataclass

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from headgate.config.models.complaint import in_quotes, shown, wrong


@dataclass(frozen=True)
class Wording:
    """Text of a certain form. `hint` helps whoever wrote something else."""

    pattern: str
    expected: str
    hint: str = ""
    length_max: int = 1000

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Read it ourselves."""
        return core_schema.no_info_plain_validator_function(self.read)

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Text with a pattern."""
        return {"type": "string", "pattern": f"^(?:{self.pattern})$", "maxLength": self.length_max}

    def read(self, value: object) -> str:
        """`value` if it is such a text. Raises what pydantic reports."""
        if not isinstance(value, str):
            raise wrong(f"{shown(value)} is not text", self.expected, in_quotes(value))
        if len(value) > self.length_max:
            raise wrong(f"{shown(value)} is too long", f"at most {self.length_max} characters")
        if not re.fullmatch(self.pattern, value):
            raise wrong(f"{shown(value)} is not possible here", self.expected, self.hint)
        return value
