"""From the file that says who comes in by the word of an issuer to the core's noun, or to all that is wrong with it."""

from pathlib import Path

from pydantic import ValidationError

from headgate.config.compose import compose
from headgate.config.models.people import Guests
from headgate.config.problems import ConfigError
from headgate.config.source import Source, read, without_mark
from headgate.config.translate import problems_of
from headgate.config.tree import Fault, Fields, Mark, plain
from headgate.core.people import People, Welcome

_EXAMPLE = "`roles: {release-managers: approver}` says that whoever is in that group may approve"


def load_people(path: Path) -> People:
    """Who comes in, as the file at `path` says. Raises ConfigError, and nothing else, with all that is wrong."""
    return people_in(read(path, "a file that says who comes in", _EXAMPLE), str(path))


def people_in(text: str, name: str) -> People:
    """The same of a text; `name` is how errors call it. Raises ConfigError."""
    source = Source(name, without_mark(text))
    empty = Fault(Mark(1, 1, 1, 1), "the file says nothing", Guests.EXPECTED, _EXAMPLE)
    if not source.text.strip():
        raise ConfigError([source.problem(empty)])
    refusal = source.refusal()
    if refusal is not None:
        raise ConfigError([source.problem(refusal)])
    root, faults = compose(source.text)
    if root is None:
        raise ConfigError(source.problem(fault) for fault in faults or [empty])
    if not isinstance(root, Fields):
        strange = Fault(root.mark, "the file is not a mapping", Guests.EXPECTED, _EXAMPLE)
        raise ConfigError(source.problem(fault) for fault in (*faults, strange))
    shown = source.parsed(root)
    problems = [shown.problem(fault) for fault in faults]
    try:
        guests = Guests.model_validate(plain(root))
    except ValidationError as error:
        raise ConfigError([*problems, *problems_of(error, shown, Guests)]) from None
    if problems:
        raise ConfigError(problems)
    return _people(guests)


def _people(guests: Guests) -> People:
    welcomes = (
        Welcome(_held(guests, value), one.role, one.environments) for value, one in guests.roles.items()
    )
    return People(tuple(welcomes), guests.claim, guests.ask)


def _held(guests: Guests, value: str) -> str:
    """An address is the same however it is written."""
    return value.lower() if guests.claim == "email" else value
