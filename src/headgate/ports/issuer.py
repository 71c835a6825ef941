"""An issuer: somebody else who knows people, and vouches for them by way of their browser."""

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import urlsplit

ANSWER_MAX_BYTES = 256 * 1024
"""The largest answer of an issuer that is read."""

SUBJECT_MAX = 255
"""As OpenID Connect Core 1.0, section 2, bounds it."""

_EMAIL = re.compile(r"[!-?A-~]{1,64}@[a-z0-9.-]{1,255}")
_USERNAME = re.compile(r"[A-Za-z0-9._@+-]{1,64}")


@dataclass(frozen=True)
class SignInAttempt:
    """One browser sent to the issuer, and expected again at `back`. The rest is random, secret, and good once.

    `state` comes back with the browser, `nonce` in what the issuer signs; `verifier` proves that who asks the issuer
    is who sent the browser there (RFC 7636).
    """

    back: str
    state: str
    nonce: str
    verifier: str


@dataclass(frozen=True)
class Person:
    """Somebody whom `issuer` vouches for. `subject` names them there, for good; `username` they may have chosen.

    `email` is empty unless the issuer has verified it. `claims` are all that is texts, by name; `email` is among them
    only where it is verified.
    """

    issuer: str
    subject: str
    email: str = ""
    username: str = ""
    claims: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])

    @property
    def name(self) -> str:
        """What goes on record: the verified address, or what no other person and no token is called.

        A name that people choose for themselves is shown, but it is the subject and the issuer that tell them apart.
        """
        if self.email and _EMAIL.fullmatch(self.email.lower()):
            return self.email.lower()
        there = f"{self.subject} at {self.issuer.partition('://')[2]}"
        return f"{self.username} ({there})" if _USERNAME.fullmatch(self.username) else there

    @property
    def names(self) -> frozenset[str]:
        """Everything they may be called, here or at another door: to tell what is their own doing, and no more."""
        return frozenset(
            filter(None, (self.name, self.subject, self.email, self.email.lower(), self.username))
        )


class Issuer(Protocol):
    """Vouches for people. Every method raises Temporary when it cannot be asked, Permanent when it will not vouch."""

    @property
    def url(self) -> str:
        """Which issuer it is."""
        ...

    async def address(self, attempt: SignInAttempt) -> str:
        """Where to send the browser. It comes back to `attempt.back`, with `state` and what `person` needs."""
        ...

    async def person(self, attempt: SignInAttempt, answer: Mapping[str, str]) -> Person:
        """Whom the issuer vouches for, by what their browser brought back: good once, and for this attempt only.

        The message of an error holds nothing of `attempt` or `answer`, and no secret.
        """
        ...


def guarded(url: str) -> bool:
    """Whether nobody on the way can read or change what is said there: TLS, or it stays on this machine."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        _ = parts.port
    except ValueError:
        return False
    if parts.scheme == "https":
        return bool(host)
    return parts.scheme == "http" and (host == "localhost" or _loopback(host))


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
