"""The file that declares an identity provider, read to the core's noun, or to all that is wrong with it."""

from pathlib import Path
from typing import Annotated, ClassVar, get_args

from pydantic import BeforeValidator, Field, WithJsonSchema

from headgate.config.checked import checked
from headgate.config.models.complaint import in_quotes, listed, shown, wrong
from headgate.config.models.section import Section
from headgate.config.models.value import Names, Text, Wording
from headgate.config.problems import closest
from headgate.config.source import read
from headgate.core.home.facts import AccessRole
from headgate.core.home.identity import People, Welcome

# The file that says who comes in by the word of an issuer, and with which role.

ROLES_MAX = 1000

_CHOSEN = frozenset(
    {"name", "given_name", "family_name", "nickname", "preferred_username", "profile", "website"}
)
"""What people say of themselves, at most issuers."""


def _claim(value: object) -> object:
    if isinstance(value, str) and value in _CHOSEN:
        what = f"{shown(value)} is what people may call themselves: whoever likes could come in by it"
        raise wrong(what, "a claim that the issuer alone decides on, like `groups` or `email`")
    return value


def _role(value: object) -> object:
    if isinstance(value, str) and value in get_args(AccessRole):
        return value
    near = closest(value, get_args(AccessRole)) if isinstance(value, str) else None
    hint = f"did you mean `{near}`?" if near else in_quotes(value)
    raise wrong(f"{shown(value)} is no role", listed(get_args(AccessRole)), hint)


Claim = Annotated[
    str,
    Wording(r"[!-~]+", "the name of a claim, like `groups` or `email`", length_max=200),
    BeforeValidator(_claim),
]
Held = Annotated[
    str, Wording(r"[^\x00-\x1f\x7f]+", "what the claim holds: a group, an address", length_max=300)
]


class Entry(Section):
    """What whoever holds a value of the claim may do, and where."""

    SHORT: ClassVar[str] = "role"
    EXPECTED: ClassVar[str] = f"{listed(get_args(AccessRole))}; or a mapping with `role` and `environments`"

    role: Annotated[
        AccessRole, BeforeValidator(_role), WithJsonSchema({"enum": list(get_args(AccessRole))})
    ] = Field(description="What they may do: viewer, operator, approver or admin.")
    environments: Names = Field(default=(), description="Only there. Without: everywhere.")


class Guests(Section):
    """The whole file. The first entry that names somebody counts; whom none names does not come in."""

    EXPECTED: ClassVar[str] = "a mapping with `roles`: what the claim holds, and the role of whoever holds it"

    claim: Claim = Field(default="groups", description="The claim that is looked at.")
    ask: Annotated[Text, Field(max_length=300)] = Field(
        default="", description="Whom to ask for a role; shown to whoever has none."
    )
    roles: Annotated[dict[Held, Entry], Field(min_length=1, max_length=ROLES_MAX)] = Field(
        description="What the claim holds, and the role of whoever holds it."
    )


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
