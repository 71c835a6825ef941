"""An endpoint of the API, as data: what it takes, what it gives, who may ask. Routing and OpenAPI both read it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Literal

import msgspec

from headgate.web.http.problems import Problem
from headgate.web.http.who import Permission, Who

Method = Literal["GET", "POST", "DELETE"]

Read = Callable[[], Awaitable[bytes]]
"""Gives the body as it came, bounded in size and time. Raises Problem."""


async def nothing() -> bytes:
    """The body of a request that has none."""
    return b""


@dataclass(frozen=True)
class Call:
    """One request, checked: `params` from the path, `query` and `body` as the endpoint's types have them.

    `headers` by their names in lower case. `address` is where the request comes from; `read` gives the raw body, of an
    endpoint that is `signed` only.
    """

    who: Who
    params: Mapping[str, str]
    query: Any = None
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    address: str = ""
    read: Read = nothing

    def demand(self, permission: Permission, environment: str) -> None:
        """Raises Problem (403) when the caller may not do this in `environment`."""
        if not self.who.may(permission, environment):
            raise forbidden(self.who, permission, environment)


@dataclass(frozen=True)
class Reply:
    """What an endpoint answers. `etag` names this state of the resource; the same etag is the same content.

    `content` may be a response that is sent as it is.
    """

    content: object
    etag: str = ""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


Handler = Callable[[Call], Awaitable[Reply]]


@dataclass(frozen=True)
class Endpoint:
    """`answer` is the type of the content. `problems` are the refusals beyond those that every endpoint has.

    `permission` is asked for before the handler runs, without an environment; where one is concerned, the handler
    demands again with it. `keyed`: a caller may send an Idempotency-Key. `headers` are those that it reads, with what
    they say. `signed`: whoever sends is known by the request itself, and the handler checks that; no door does.
    """

    method: Method
    path: str
    name: str
    summary: str
    handler: Handler
    answer: Any
    tag: str
    permission: Permission = "read"
    query: type[msgspec.Struct] | None = None
    body: Any = None
    status: int = HTTPStatus.OK
    problems: tuple[int, ...] = ()
    keyed: bool = False
    media_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    signed: bool = False


def forbidden(who: Who, permission: Permission, environment: str | None = None) -> Problem:
    """403: who asks may not."""
    where = f" in {environment}" if environment else ""
    detail = f"{who.name} has the role {who.role}, which does not {permission}{where}"
    if environment and who.may(permission):
        detail = f"{who.name} may {permission} only in {', '.join(who.environments)}"
    return Problem(HTTPStatus.FORBIDDEN, "not allowed", detail)
