"""Who is the same person: one identity across tokens, sessions, issuers, Unix users and ways to spell a name.

A name gives no right; it only tells what is somebody's own doing. So names that a reader takes for the same are the
same (Unicode Standard Annex 15, NFKC, with case folding), and where two names belong to one person, either is theirs.
Wrongly taken for one, two people must ask a third; wrongly taken for two, one person approves their own release.
"""

import unicodedata
from collections.abc import Iterable

import msgspec

from headgate.core.home.facts import AccessRole, Home
from headgate.core.model.foreign import MARK

_ROUNDS_MAX = 10
"""Names lead to names: a person with more links than this has too many tokens to be told apart anyway."""


def folded_name(name: str) -> str:
    """The form in which names are compared: without case, width, invisible characters and more than one space."""
    known = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    seen = "".join(" " if letter.isspace() else letter for letter in known if not _invisible(letter))
    return " ".join(seen.split())


def is_theirs(home: Home, names: Iterable[str], author: str) -> bool:
    """Whether `author` is one of the names of whoever is called `names`, as the home knows people."""
    known = {folded_name(name) for name in names}
    wanted = folded_name(author)
    groups = list(_groups(home))
    for _ in range(_ROUNDS_MAX):
        if wanted in known:
            return True
        more = known.union(*(group for group in groups if group & known))
        if more == known:
            return False
        known = more
    return wanted in known


def _groups(home: Home) -> Iterable[frozenset[str]]:
    """The names that belong to one person: of a token and whose it is, of a subject of an issuer."""
    for token in home.tokens.values():
        if token.issued.person:
            yield frozenset(map(folded_name, (token.issued.name, token.issued.person)))
    for names in home.called.values():
        yield frozenset(map(folded_name, names))


def _invisible(letter: str) -> bool:
    """Format characters (zero width, direction), controls that are no space, what marks them, variation selectors."""
    category = unicodedata.category(letter)
    return (
        letter == MARK
        or (category in {"Cf", "Cc"} and not letter.isspace())
        or "\ufe00" <= letter <= "\ufe0f"
    )


# Who comes in by the word of an issuer: a claim's values, each with a role. Whom nothing names does not come in.


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
