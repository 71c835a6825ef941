"""Tokens: given out once, kept as a digest in the ledger, scoped, expiring, revocable.

A token is `hg_<id>_<secret>`: the id names it in lists and in the ledger, the secret has 256 bits, so that a plain
SHA-256 is enough to keep it by (there is nothing to guess that a slow hash would protect).
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass

from headgate.core.home.facts import AccessRole, AnyHomeEvent, Home, TokenIssued, TokenRevoked, folded
from headgate.core.model.foreign import clean_note
from headgate.ledger import Conflict, Ledger
from headgate.web.http.who import Who

TOKENS_MAX = 1000
"""How many tokens may be good at once."""

_PREFIX = "hg"
_ATTEMPTS = 20


class TooMany(Exception):  # noqa: N818 - a fact
    """TOKENS_MAX are good already: revoke some."""


@dataclass(frozen=True)
class Grant:
    """What a token shall be good for. `environments` empty: all; `expires_at` None: until it is revoked.

    `person` is whose it is; empty: whoever `name` names.
    """

    name: str
    role: AccessRole
    environments: tuple[str, ...] = ()
    expires_at: float | None = None
    person: str = ""


class HomeBook:
    """The home's notes in the ledger, folded and kept up to date."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._home = Home()
        self._read_at = -1

    @property
    def home(self) -> Home:
        """What holds now. Reads only what is new."""
        newest = self._ledger.last_sequence()
        if newest != self._read_at:
            self._home = folded((note.event for note in self._ledger.notes(self._home.number)), self._home)
            self._read_at = newest
        return self._home

    async def note(self, event: AnyHomeEvent) -> None:
        """Write a fact down, without what others may have hidden in its texts. Raises LedgerError."""
        event = clean_note(event)
        for _ in range(_ATTEMPTS):
            try:
                await self._ledger.note(self.home.number, event)
            except Conflict:
                continue
            return
        raise Conflict("home", self._home.number, self.home.number)


class Tokens:
    """The tokens of a home."""

    def __init__(self, book: HomeBook) -> None:
        self._book = book

    async def issue(self, grant: Grant, by: str, at: float) -> str:
        """Give out a token; this is the only time its text is seen. Raises TooMany, LedgerError."""
        if sum(token.good(at) for token in self._book.home.tokens.values()) >= TOKENS_MAX:
            raise TooMany(f"{TOKENS_MAX} tokens are good already: revoke some")
        name, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
        issued = TokenIssued(
            at=at,
            by=by,
            token=name,
            name=grant.name,
            digest=_digest(secret),
            role=grant.role,
            environments=grant.environments,
            expires_at=grant.expires_at,
            person=grant.person,
        )
        await self._book.note(issued)
        return f"{_PREFIX}_{name}_{secret}"

    async def revoke(self, name: str, by: str, at: float, reason: str = "") -> bool:
        """From now on the token opens nothing, nor does a session that it began. False: there is none, or no more."""
        token = self._book.home.tokens.get(name)
        if token is None or token.revoked_at is not None:
            return False
        await self._book.note(TokenRevoked(at=at, by=by, token=name, reason=reason))
        return True

    def who(self, text: str, at: float) -> Who | None:
        """Whose token this is; None when it is no good."""
        prefix, _, rest = text.partition("_")
        name, _, secret = rest.partition("_")
        token = self._book.home.tokens.get(name)
        expected = token.issued.digest if token is not None else _digest("")
        same = hmac.compare_digest(expected, _digest(secret))
        if prefix != _PREFIX or token is None or not same or not token.good(at):
            return None
        issued = token.issued
        also = frozenset(filter(None, (issued.person,)))
        return Who(issued.name, issued.role, "token", issued.environments, name, also)

    def good(self, name: str, at: float) -> bool:
        """Whether the token of this id is good now."""
        token = self._book.home.tokens.get(name)
        return token is not None and token.good(at)


def token_id(text: str) -> str:
    """The id in a token's text."""
    return text.partition("_")[2].partition("_")[0]


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
