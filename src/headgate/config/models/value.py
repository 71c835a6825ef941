"""The single values of a project file: each a type that reads what people write and says what it expected."""

import shlex
from collections.abc import Sequence
from typing import Annotated, cast

from pydantic import BeforeValidator, PlainValidator, Strict, WithJsonSchema

from headgate.config.models.complaint import in_quotes, shown, wrong
from headgate.config.models.quantity import Quantity
from headgate.config.models.wording import Wording
from headgate.config.quantities import DURATION, FACTOR, PERCENTAGE, SIZE


def _words(value: object) -> object:
    """A command: text is split as a shell would (no shell runs it), a list is taken as it is."""
    expected = "a command, as text or as a list of words"
    if isinstance(value, str):
        try:
            words = tuple(shlex.split(value))
        except ValueError:
            raise wrong(
                f"{shown(value)} cannot be split into words", expected, "is a quote not closed?"
            ) from None
    elif isinstance(value, (list, tuple)):
        words = tuple(_word(item) for item in cast("Sequence[object]", value))
    else:
        raise wrong(f"{shown(value)} is not a command", expected, in_quotes(value))
    if not words or not words[0]:
        raise wrong("the command is empty", expected)
    if words[0] == "&&" or {"&&", "||", "|", ";", ">", "<"} & set(words):
        raise wrong("no shell runs this command", "one command", 'for a shell, write `sh -c "..."`')
    return words


def _word(item: object) -> str:
    if isinstance(item, str):
        return item
    if isinstance(item, (int, float)) and not isinstance(item, bool):
        return str(item)
    raise wrong(f"{shown(item)} is not a word of a command", "text")


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
FilePath = Annotated[str, Wording(r"[^\0]+", "the path of a file", length_max=1000)]
Words = Annotated[tuple[str, ...], BeforeValidator(_words), WithJsonSchema(_TEXT_OR_LIST)]
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
Factor = Annotated[float, Quantity(FACTOR, low=1, high=1000)]
FactorOrOff = Annotated[float | None, Quantity(FACTOR, low=1, high=1000, off=True)]
