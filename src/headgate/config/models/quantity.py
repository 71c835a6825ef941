"""A number with its unit, as a type of the models."""

import re
from dataclasses import dataclass

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from headgate.config.models.complaint import shown, wrong
from headgate.config.quantities import PERCENTAGE, Notation

OFF = "off"


@dataclass(frozen=True)
class Quantity:
    """A number with its unit, between `low` and `high` (in the unit that is kept); `off`: the word `off` gives None."""

    notation: Notation
    low: float = 0.0
    high: float = float("inf")
    above: bool = False
    """`low` itself is too little."""
    off: bool = False

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Read it ourselves."""
        written = core_schema.plain_serializer_function_ser_schema(self.written)
        return core_schema.no_info_plain_validator_function(self.read, serialization=written)

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """For editors, it is text of a certain form."""
        text: JsonSchemaValue = {"type": "string", "pattern": self.notation.pattern}
        text["examples"] = list(self.notation.examples)
        return {"anyOf": [text, {"const": OFF}]} if self.off else text

    def read(self, value: object) -> float | None:
        """The number `value` means. Raises what pydantic reports."""
        if self.off and value == OFF:
            return None
        if not isinstance(value, str):
            bare = isinstance(value, (int, float)) and not isinstance(value, bool)
            hint = f"did you mean {self._with_unit(value)}?" if bare else ""
            raise wrong(f"{shown(value)} is not {self.notation.noun}", self._expected(), hint)
        try:
            number = self.notation.read(value)
        except ValueError as error:
            what = f"{shown(value)} is not {self.notation.noun}"
            raise wrong(what, self._expected(), _respelled(value, self.notation) or str(error)) from None
        if number < self.low or (self.above and number == self.low):
            than = "more than" if self.above else "at least"
            raise wrong(f"`{value}` is too little", f"{than} {self.notation.write(self.low)}")
        if number > self.high:
            raise wrong(f"`{value}` is too much", f"at most {self.notation.write(self.high)}")
        return number

    def _with_unit(self, value: object) -> str:
        """A bare number with its unit; a small share may have been meant as one."""
        if self.notation is PERCENTAGE and isinstance(value, float) and 0 < value < 1:
            return f"`{PERCENTAGE.write(value)}` or `{value}%`"
        return f"`{value}{self.notation.bare_unit}`"

    def written(self, number: float | None) -> str:
        """`number` as people write it: defaults in the JSON Schema."""
        return OFF if number is None else self.notation.write(number)

    def _expected(self) -> str:
        examples = " or ".join(f"`{example}`" for example in self.notation.examples[:2])
        return f"{self.notation.noun} like {examples}" + (" (or `off`)" if self.off else "")


_SPELLINGS = (
    (r"\s+", ""),
    (r"(?i)(?<=\d)\s*(seconds?|secs?)\b", "s"),
    (r"(?i)(?<=\d)\s*(minutes?|mins?)\b", "m"),
    (r"(?i)(?<=\d)\s*(hours?|hrs?)\b", "h"),
    (r"(?i)(?<=\d)\s*(milliseconds?|msecs?)\b", "ms"),
    (r"(?i)(?<=\d)\s*percent\b", "%"),
    (r"(?<=\d)[kK][bB]?$", "kB"),
    (r"(?<=\d)[mM][bB]?$", "MB"),
    (r"(?<=\d)[gG][bB]?$", "GB"),
    (r"(?i)(?<=\d)kib?$", "KiB"),
    (r"(?i)(?<=\d)mib?$", "MiB"),
    (r"(?i)(?<=\d)gib?$", "GiB"),
    (r"(?<=\d)X$|(?<=\d)$", "x"),
    (r"(?<=\d),(?=\d)", "."),
    (r"(?<=\d)S$", "s"),
    (r"(?<=\d)M$", "m"),
    (r"(?<=\d)H$", "h"),
)


def _respelled(value: str, notation: Notation) -> str:
    """Did you mean: one usual mistake away from something readable."""
    for pattern, replacement in _SPELLINGS:
        attempt = re.sub(pattern, replacement, value.replace(" ", ""))
        try:
            notation.read(attempt)
        except ValueError:
            continue
        return f"did you mean `{attempt}`?"
    return ""
