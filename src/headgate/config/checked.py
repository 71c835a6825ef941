"""A file of the home that people write, checked against its model: all that is wrong at once, each in its place."""

from typing import TypeVar

from pydantic import ValidationError

from headgate.config.compose import compose
from headgate.config.models.section import Section
from headgate.config.problems import ConfigError
from headgate.config.source import Source, without_mark
from headgate.config.translate import problems_of
from headgate.config.tree import Fault, Fields, Mark, plain

S = TypeVar("S", bound=Section)


def checked(text: str, name: str, kind: type[S], example: str) -> S:
    """What `text` says; `name` is how errors call it, `example` what they show. Raises ConfigError."""
    source = Source(name, without_mark(text))
    empty = Fault(Mark(1, 1, 1, 1), "the file says nothing", kind.EXPECTED, example)
    if not source.text.strip():
        raise ConfigError([source.problem(empty)])
    refusal = source.refusal()
    if refusal is not None:
        raise ConfigError([source.problem(refusal)])
    root, faults = compose(source.text)
    if root is None:
        raise ConfigError(source.problem(fault) for fault in faults or [empty])
    if not isinstance(
        root, Fields
    ):  # it has no keys to tell what is a secret: shown as what could not be read
        strange = Fault(root.mark, "the file is not a mapping", kind.EXPECTED, example)
        raise ConfigError(source.problem(fault) for fault in (*faults, strange))
    shown = source.parsed(root)
    problems = [shown.problem(fault) for fault in faults]
    try:
        found = kind.model_validate(plain(root))
    except ValidationError as error:
        raise ConfigError([*problems, *problems_of(error, shown, kind)]) from None
    if problems:
        raise ConfigError(problems)
    return found
