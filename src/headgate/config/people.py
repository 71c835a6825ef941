"""From the file that says who comes in by the word of an issuer to the core's noun, or to all that is wrong with it."""

from pathlib import Path

from headgate.config.checked import checked
from headgate.config.models.people import Guests
from headgate.config.source import read
from headgate.core.home.people import People, Welcome

_EXAMPLE = "`roles: {release-managers: approver}` says that whoever is in that group may approve"


def load_people(path: Path) -> People:
    """Who comes in, as the file at `path` says. Raises ConfigError, and nothing else, with all that is wrong."""
    return people_in(read(path, "a file that says who comes in", _EXAMPLE), str(path))


def people_in(text: str, name: str) -> People:
    """The same of a text; `name` is how errors call it. Raises ConfigError."""
    return _people(checked(text, name, Guests, _EXAMPLE))


def _people(guests: Guests) -> People:
    welcomes = (
        Welcome(_held(guests, value), one.role, one.environments) for value, one in guests.roles.items()
    )
    return People(tuple(welcomes), guests.claim, guests.ask)


def _held(guests: Guests, value: str) -> str:
    """An address is the same however it is written."""
    return value.lower() if guests.claim == "email" else value
