"""The single values of a project file: each a type that reads what people write and says what it expected."""

import re
from dataclasses import dataclass
from typing import Annotated

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    PlainValidator,
    Strict,
    WithJsonSchema,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from headgate.config.models.command import read_build, read_command
from headgate.config.models.complaint import in_quotes, shown, wrong
from headgate.config.models.quantity import Quantity
from headgate.config.quantities import DURATION, FACTOR, PERCENTAGE, SIZE

# Text of a certain form, as a type of the models.


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


_TEXT_OR_LIST = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": ["string", "number"]}}]}


def one_or_many(value: object) -> object:
    """A single value is a list of one."""
    return value if isinstance(value, (list, tuple)) else (value,)  # pyright: ignore[reportUnknownVariableType]


def _json_scalar(value: object) -> object:
    if value is None or isinstance(value, (str, int, float)):
        return value
    raise wrong(f"{shown(value)} cannot be compared", "text, a number, true, false, or null for `it exists`")


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    raise wrong(f"{shown(value)} is not text", "text", in_quotes(value))


def _level(value: object) -> object:
    """A plain number, or a size of memory in bytes."""
    if isinstance(value, str):
        try:
            return float(SIZE.read(value))
        except ValueError as error:
            raise wrong(f"{shown(value)} is no level", _LEVEL, str(error)) from None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise wrong(f"{shown(value)} is no level", _LEVEL)
    return float(value)


_LEVEL = "a number, or a size like `512MiB`"
_NAME = "lower-case letters, digits and dashes, a letter first, at most 40 characters"
_RELATIVE = "a path inside the folder, without `..`"

Name = Annotated[str, Wording(r"[a-z][a-z0-9]*(?:[-_][a-z0-9]+)*", _NAME, length_max=40)]
Label = Annotated[str, Wording(r"[A-Za-z][A-Za-z0-9_.-]*", "letters, digits, - and _", length_max=60)]
Variable = Annotated[
    str, Wording(r"[A-Za-z_][A-Za-z0-9_]*", "a name of letters, digits and _, no digit first", length_max=200)
]
Text = Annotated[str, BeforeValidator(_text)]
EnvText = Annotated[str, BeforeValidator(_text), WithJsonSchema({"type": ["string", "number", "boolean"]})]
HttpPath = Annotated[
    str, Wording(r"/[!-~]*", "a path that begins with / and holds no spaces", length_max=2000)
]
JsonPath = Annotated[
    str,
    Wording(
        r"\$(?:\.[^.\[\]\s]+|\[\d+\])*", "a JSON path like `$.status` or `$.items[0].id`", length_max=200
    ),
]
HeaderName = Annotated[str, Wording(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", "the name of a header", length_max=100)]
Host = Annotated[str, Wording(r"[0-9A-Za-z.:-]+", "an address like 127.0.0.1 or 0.0.0.0", length_max=253)]
Metric = Annotated[
    str,
    Wording(r"[A-Za-z_:][A-Za-z0-9_:]*(?:\{[^{}]*\})?", "the name of a counter, as in the service's metrics"),
]
Inside = Annotated[str, Wording(r"(?!/)(?!(?:.*/)?\.\.(?:/|$))[^\0]+", _RELATIVE, length_max=1000)]
Place = Annotated[
    str,
    Wording(
        r"(?:(?!\.\.?(?:/|$))[^/\0]+/)*(?!\.\.?(?:/|$))[^/\0]+/?",
        "a path in the folder that the service runs in, without `.` and `..`",
        length_max=200,
    ),
    AfterValidator(lambda path: path.rstrip("/")),
]
Places = Annotated[tuple[Place, ...], Strict(strict=False), Field(max_length=50)]
FilePath = Annotated[str, Wording(r"[^\0]+", "the path of a file", length_max=1000)]
Words = Annotated[tuple[str, ...], BeforeValidator(read_command), WithJsonSchema(_TEXT_OR_LIST)]
Build = Annotated[tuple[str, ...], BeforeValidator(read_build), WithJsonSchema(_TEXT_OR_LIST)]
JsonScalar = Annotated[
    str | float | bool | None,
    PlainValidator(_json_scalar),
    WithJsonSchema({"type": ["string", "number", "boolean", "null"]}),
]
Names = Annotated[tuple[Name, ...], Strict(strict=False)]

Seconds = Annotated[float, Quantity(DURATION, high=365 * 86400)]
SomeSeconds = Annotated[float, Quantity(DURATION, high=365 * 86400, above=True)]
Share = Annotated[float, Quantity(PERCENTAGE, high=1.0)]
Bytes = Annotated[int, Quantity(SIZE, low=1, high=1 << 50)]
Level = Annotated[
    float,
    BeforeValidator(_level),
    Field(gt=0, le=1e18),
    WithJsonSchema({"type": ["number", "string"], "examples": [200, "512MiB"]}),
]
Factor = Annotated[float, Quantity(FACTOR, low=1, high=1000)]
FactorOrOff = Annotated[float | None, Quantity(FACTOR, low=1, high=1000, off=True)]
