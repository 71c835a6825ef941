"""The home: freezes, and the tokens that open it."""

import math
import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Annotated

import msgspec

from headgate.core.home.facts import AccessRole, Freeze, FreezeLifted, FreezeSet, Home
from headgate.web.doors.tokens import Grant, HomeBook, Tokens, TooMany, token_id
from headgate.web.http.endpoint import Call, Endpoint, Reply
from headgate.web.http.problems import Problem, malformed, unknown
from headgate.web.http.who import Who

FREEZES_MAX = 10_000

EVERYWHERE = "every environment"
"""What is demanded where none is named. It is no environment's name, so only who is bound to none has the right."""

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
Names = Annotated[tuple[Name, ...], msgspec.Meta(max_length=100)]
Reason = Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]
Moment = Annotated[float, msgspec.Meta(ge=0, le=1e11)]


class NewFreeze(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When nothing new may begin, where, and why. Times in seconds since the epoch; no beginning: now."""

    reason: Reason
    begins_at: Moment | None = None
    ends_at: Moment | None = None
    projects: Names = ()
    environments: Names = ()
    services: Names = ()


class FreezeState(msgspec.Struct, frozen=True):
    """A freeze. `active`: it holds now."""

    freeze: str
    reason: str
    by: str
    begins_at: float
    ends_at: float | None
    lifted_at: float | None
    active: bool
    projects: tuple[str, ...]
    environments: tuple[str, ...]
    services: tuple[str, ...]


class Freezes(msgspec.Struct, frozen=True):
    """All of them, the newest first."""

    freezes: list[FreezeState]


class NewToken(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A token to be issued, and what it is good for. `environments` empty: all; no `expires_at`: until it is revoked.

    `person` is whose it is, by the name under which they sign in or type on the host; left out: the token's `name`.
    """

    name: Name
    role: AccessRole
    environments: Names = ()
    expires_at: Moment | None = None
    person: Annotated[str, msgspec.Meta(max_length=100)] = ""


class TokenState(msgspec.Struct, frozen=True):
    """A token, without its secret."""

    token: str
    name: str
    role: AccessRole
    environments: tuple[str, ...]
    by: str
    issued_at: float
    expires_at: float | None
    revoked_at: float | None
    good: bool
    person: str


class TokenStates(msgspec.Struct, frozen=True):
    """All of them, the newest first."""

    tokens: list[TokenState]


class Issued(msgspec.Struct, frozen=True):
    """A new token. `text` is shown this once."""

    token: str
    text: str


class HomeKeeping:
    """The endpoints for freezes and tokens."""

    def __init__(self, book: HomeBook, now: Callable[[], float] = time.time) -> None:
        self._book = book
        self._tokens = Tokens(book)
        self._now = now

    @property
    def home(self) -> Home:
        """The facts of the home that hold now."""
        return self._book.home

    def endpoints(self) -> tuple[Endpoint, ...]:
        """All of them."""
        conflict, missing = (HTTPStatus.CONFLICT,), (HTTPStatus.NOT_FOUND,)
        return (
            Endpoint(
                "GET",
                "/v1/freezes",
                "listFreezes",
                "Freezes, newest first",
                self._freezes,
                Freezes,
                "freezes",
            ),
            Endpoint(
                "POST",
                "/v1/freezes",
                "setFreeze",
                "Let nothing new begin for a time",
                self.set_freeze,
                FreezeState,
                "freezes",
                permission="operate",
                body=NewFreeze,
                status=HTTPStatus.CREATED,
                problems=conflict,
                keyed=True,
            ),
            Endpoint(
                "DELETE",
                "/v1/freezes/{freeze}",
                "liftFreeze",
                "Lift a freeze before its time",
                self.lift,
                FreezeState,
                "freezes",
                permission="approve",
                problems=(*missing, *conflict),
            ),
            Endpoint(
                "GET",
                "/v1/tokens",
                "listTokens",
                "Tokens, without their secrets",
                self._list,
                TokenStates,
                "access",
                permission="administer",
            ),
            Endpoint(
                "POST",
                "/v1/tokens",
                "issueToken",
                "Give out a token; its text is shown this once",
                self._issue,
                Issued,
                "access",
                permission="administer",
                body=NewToken,
                status=HTTPStatus.CREATED,
                problems=conflict,
            ),
            Endpoint(
                "DELETE",
                "/v1/tokens/{token}",
                "revokeToken",
                "Let a token, and every session that it began, open nothing any more",
                self._revoke,
                TokenState,
                "access",
                permission="administer",
                problems=missing,
            ),
        )

    # --- freezes -----------------------------------------------------------------------------------------------------

    async def _freezes(self, call: Call) -> Reply:
        """The freezes that hold in an environment that the caller may read."""
        found = [
            self._frozen(name, freeze)
            for name, freeze in self._book.home.freezes.items()
            if any(call.who.may("read", where) for where in freeze.set.environments or (None,))
        ]
        return Reply(Freezes(found[::-1]))

    async def set_freeze(self, call: Call) -> Reply:
        """Let nothing new begin, as a NewFreeze says. Raises Problem."""
        asked: NewFreeze = call.body
        for environment in asked.environments or (EVERYWHERE,):
            call.demand("operate", environment)
        now = self._now()
        begins = now if asked.begins_at is None else asked.begins_at
        if asked.ends_at is not None and asked.ends_at <= max(begins, now):
            raise malformed("the freeze would be over before it begins", "body.ends_at")
        freezes = self._book.home.freezes
        if len(freezes) >= FREEZES_MAX:
            raise Problem(HTTPStatus.CONFLICT, "too many freezes", f"there have been {FREEZES_MAX}")
        name = f"f{len(freezes) + 1}"
        event = FreezeSet(
            at=now,
            by=call.who.name,
            freeze=name,
            reason=asked.reason,
            begins_at=begins,
            ends_at=asked.ends_at,
            projects=asked.projects,
            environments=asked.environments,
            services=asked.services,
        )
        await self._book.note(event)
        return Reply(self._frozen(name, self._book.home.freezes[name]))

    async def lift(self, call: Call) -> Reply:
        """End the freeze that the path names. Raises Problem."""
        name, now = call.params["freeze"], self._now()
        freeze = self._book.home.freezes.get(name)
        if freeze is None:
            raise unknown("freeze", name)
        for environment in freeze.set.environments or (EVERYWHERE,):
            call.demand("approve", environment)
        if freeze.lifted_at is not None or (freeze.set.ends_at or math.inf) <= now:
            raise Problem(HTTPStatus.CONFLICT, "not possible now", f"the freeze {name} is over already")
        await self._book.note(FreezeLifted(at=now, by=call.who.name, freeze=name))
        return Reply(self._frozen(name, self._book.home.freezes[name]))

    def _frozen(self, name: str, freeze: Freeze) -> FreezeState:
        event = freeze.set
        return FreezeState(
            freeze=name,
            reason=event.reason,
            by=event.by,
            begins_at=event.begins_at,
            ends_at=event.ends_at,
            lifted_at=freeze.lifted_at,
            active=freeze.active(self._now()),
            projects=event.projects,
            environments=event.environments,
            services=event.services,
        )

    # --- tokens ------------------------------------------------------------------------------------------------------

    async def _list(self, call: Call) -> Reply:
        """The tokens that the caller may see: all of those whose scope lies within the caller's own."""
        tokens = self._book.home.tokens
        names = [name for name in reversed(tokens) if _within(call.who, tokens[name].issued.environments)]
        return Reply(TokenStates([self._token(name) for name in names]))

    async def _issue(self, call: Call) -> Reply:
        asked: NewToken = call.body
        now = self._now()
        for environment in asked.environments or (EVERYWHERE,):
            call.demand("administer", environment)
        if asked.expires_at is not None and asked.expires_at <= now:
            raise malformed("the token would have expired already", "body.expires_at")
        grant = Grant(asked.name, asked.role, asked.environments, asked.expires_at, asked.person)
        try:
            text = await self._tokens.issue(grant, call.who.name, now)
        except TooMany as error:
            raise Problem(HTTPStatus.CONFLICT, "too many tokens", str(error)) from error
        return Reply(Issued(token_id(text), text), headers={"cache-control": "no-store"})

    async def _revoke(self, call: Call) -> Reply:
        name = call.params["token"]
        if name not in self._book.home.tokens:
            raise unknown("token", name)
        for environment in self._book.home.tokens[name].issued.environments or (EVERYWHERE,):
            call.demand("administer", environment)
        await self._tokens.revoke(name, call.who.name, self._now())
        return Reply(self._token(name))

    def _token(self, name: str) -> TokenState:
        token = self._book.home.tokens[name]
        issued = token.issued
        return TokenState(
            token=name,
            name=issued.name,
            role=issued.role,
            environments=issued.environments,
            by=issued.by,
            issued_at=issued.at,
            expires_at=issued.expires_at,
            revoked_at=token.revoked_at,
            good=token.good(self._now()),
            person=issued.person or issued.name,
        )


def _within(who: Who, environments: tuple[str, ...]) -> bool:
    return all(who.may("administer", one) for one in environments or (EVERYWHERE,))
