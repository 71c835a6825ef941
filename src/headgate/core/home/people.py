"""Who comes in by the word of an issuer: a claim's values, each with a role. Whom nothing names does not come in."""

from collections.abc import Iterable

import msgspec

from headgate.core.home.facts import AccessRole


class Welcome(msgspec.Struct, frozen=True):
    """Whoever has this value of the claim comes in, with this role. `environments` empty: all."""

    value: str
    role: AccessRole
    environments: tuple[str, ...] = ()


class People(msgspec.Struct, frozen=True):
    """`claim` is what of a person is looked at; `ask` says whom to ask for a role, in words."""

    welcomes: tuple[Welcome, ...]
    claim: str = "groups"
    ask: str = ""

    def welcome(self, values: Iterable[str]) -> Welcome | None:
        """The first that names one of `values`; None: there is no entry."""
        held = frozenset(values)
        return next((welcome for welcome in self.welcomes if welcome.value in held), None)
