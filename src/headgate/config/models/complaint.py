"""Complaints of a model: sentences for people, which `translate` joins with their place in the file."""

from collections.abc import Iterable
from dataclasses import dataclass

from pydantic_core import PydanticCustomError

TYPE = "headgate"


@dataclass(frozen=True)
class Complaint:
    """One thing wrong, at `loc` (relative to the model that found it). `key`: its key is meant, not its value.

    `secret`: its line may hold a secret, and is not shown. `beside`: `loc` begins in the mapping around the value.
    """

    loc: tuple[str | int, ...]
    what: str
    expected: str = ""
    hint: str = ""
    key: bool = False
    secret: bool = False
    beside: bool = False


def wrong(what: str, expected: str = "", hint: str = "") -> PydanticCustomError:
    """The error for the value that is being read."""
    return raised([Complaint((), what, expected, hint)])


def raised(complaints: list[Complaint]) -> PydanticCustomError:
    """One error that carries several complaints, each with its own place."""
    return PydanticCustomError(TYPE, "refused", {"complaints": complaints})


def listed(names: Iterable[str]) -> str:
    """Names to choose from, in a sentence."""
    quoted = [f"`{name}`" for name in names]
    if len(quoted) > _NAMES_MAX:
        return ", ".join(quoted[:_NAMES_MAX]) + ", …"
    if len(quoted) <= 1:
        return "".join(quoted)
    return f"one of {', '.join(quoted[:-1])} and {quoted[-1]}"


def in_quotes(value: object) -> str:
    """The hint for a value that YAML did not take as the text it was meant to be."""
    if isinstance(value, dict):
        return "text that begins with { needs quotes"
    return "write it in quotes" if isinstance(value, (int, float)) else ""


def shown(value: object) -> str:
    """A value as it is repeated in a sentence: short, in back quotes; a collection by its kind only."""
    match value:
        case None:
            return "nothing"
        case bool():
            return "`true`" if value else "`false`"
        case str() | int() | float():
            text = str(value)
            return f"`{text[:39]}…`" if len(text) > _SHOWN_MAX else f"`{text}`"
        case dict():
            return "a mapping"
        case _:
            return "a list"


_SHOWN_MAX = 40
_NAMES_MAX = 24
