"""The file that says who comes in by the word of an issuer, and with which role."""

from typing import Annotated, ClassVar, get_args

from pydantic import BeforeValidator, Field, WithJsonSchema

from headgate.config.closest import closest
from headgate.config.models.complaint import in_quotes, listed, shown, wrong
from headgate.config.models.section import Section
from headgate.config.models.value import Names, Text
from headgate.config.models.wording import Wording
from headgate.core.home.facts import AccessRole

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
