"""What happens in a home beside its releases: who may do what, what was refused to whom, and when nothing may change.

A fold of home events, as a release's state is a fold of its own: see `folded`.
"""

from collections.abc import Iterable
from typing import Literal

import msgspec
from msgspec.structs import replace

from headgate.core.model import Unit

AccessRole = Literal["viewer", "operator", "approver", "admin"]
"""Reads; also moves releases; also approves and overrides, but never their own; also gives out access."""


class HomeEvent(msgspec.Struct, frozen=True, kw_only=True):
    """A fact about the home. `at` is in seconds since the epoch, `by` who did it (a token's name, a person)."""

    at: float
    by: str


class TokenIssued(HomeEvent, frozen=True, kw_only=True, tag=True):
    """A token was given out. `digest` is the SHA-256 (hex) of the secret, which is kept nowhere.

    `environments` empty: all. `expires_at` None: never.
    """

    token: str
    name: str
    digest: str
    role: AccessRole
    environments: tuple[str, ...] = ()
    expires_at: float | None = None


class TokenRevoked(HomeEvent, frozen=True, kw_only=True, tag=True):
    """A token is worth nothing any more."""

    token: str
    reason: str = ""


class SignedIn(HomeEvent, frozen=True, kw_only=True, tag=True):
    """Somebody began a session in the browser. `how` is `token` or the issuer that vouched for them."""

    how: str
    role: AccessRole


class ActionDenied(HomeEvent, frozen=True, kw_only=True, tag=True):
    """Somebody may not do what they asked for. `action` is the verb, `target` what it was about."""

    action: str
    target: str
    reason: str


class FreezeSet(HomeEvent, frozen=True, kw_only=True, tag=True):
    """From `begins_at` until `ends_at` (None: until it is lifted) nothing new may begin here.

    `projects`, `environments` and `services` say where; an empty one means all of them.
    """

    freeze: str
    reason: str
    begins_at: float
    ends_at: float | None = None
    projects: tuple[str, ...] = ()
    environments: tuple[str, ...] = ()
    services: tuple[str, ...] = ()


class FreezeLifted(HomeEvent, frozen=True, kw_only=True, tag=True):
    """A freeze is over before its time."""

    freeze: str
    reason: str = ""


AnyHomeEvent = TokenIssued | TokenRevoked | SignedIn | ActionDenied | FreezeSet | FreezeLifted


class Freeze(msgspec.Struct, frozen=True):
    """A freeze as it stands; `lifted_at` None: it was not lifted."""

    set: FreezeSet
    lifted_at: float | None = None

    def holds(self, unit: Unit, at: float) -> bool:
        """Whether `unit` must not change at this time."""
        return self.active(at) and all(
            not names or name in names
            for names, name in (
                (self.set.projects, unit.project),
                (self.set.environments, unit.environment),
                (self.set.services, unit.service),
            )
        )

    def active(self, at: float) -> bool:
        """Whether it is in force at this time."""
        ends = min(
            (end for end in (self.set.ends_at, self.lifted_at) if end is not None), default=float("inf")
        )
        return self.set.begins_at <= at < ends


class Token(msgspec.Struct, frozen=True):
    """A token as it stands; `revoked_at` None: it was not revoked."""

    issued: TokenIssued
    revoked_at: float | None = None

    def good(self, at: float) -> bool:
        """Whether it opens anything at this time."""
        return self.revoked_at is None and (self.issued.expires_at is None or at < self.issued.expires_at)


class Home(msgspec.Struct, frozen=True):
    """What holds in a home after its first `number` events: its tokens and freezes by their names."""

    number: int = 0
    tokens: dict[str, Token] = {}
    freezes: dict[str, Freeze] = {}


def after(home: Home, event: AnyHomeEvent) -> Home:
    """The home after one more event. What names a token or a freeze that is not there changes nothing."""
    home = replace(home, number=home.number + 1)
    match event:
        case TokenIssued():
            return replace(home, tokens=home.tokens | {event.token: Token(event)})
        case TokenRevoked() if event.token in home.tokens:
            revoked = replace(home.tokens[event.token], revoked_at=event.at)
            return replace(home, tokens=home.tokens | {event.token: revoked})
        case FreezeSet():
            return replace(home, freezes=home.freezes | {event.freeze: Freeze(event)})
        case FreezeLifted() if event.freeze in home.freezes:
            lifted = replace(home.freezes[event.freeze], lifted_at=event.at)
            return replace(home, freezes=home.freezes | {event.freeze: lifted})
        case _:
            return home


def folded(events: Iterable[AnyHomeEvent], home: Home | None = None) -> Home:
    """The home after all of these, beginning with `home` (by default an empty one)."""
    home = home or Home()
    for event in events:
        home = after(home, event)
    return home


def frozen(home: Home, units: Iterable[Unit], at: float) -> dict[Unit, str]:
    """Which of these must not change at this time, and by which freeze."""
    found: dict[Unit, str] = {}
    for unit in units:
        freeze = next((one for one in home.freezes.values() if one.holds(unit, at)), None)
        if freeze is not None:
            found[unit] = f"{freeze.set.freeze}, by {freeze.set.by}: {freeze.set.reason}"
    return found
