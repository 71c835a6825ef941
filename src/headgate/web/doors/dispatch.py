"""From an HTTP request to an endpoint's handler and back: the same for every endpoint and every door."""

import asyncio
import hashlib
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from contextlib import aclosing
from http import HTTPStatus
from typing import Any, TypeVar

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from headgate.ledger import LedgerError
from headgate.ports.errors import UNREADABLE, why
from headgate.web.doors.front_door import address
from headgate.web.http import idempotency
from headgate.web.http.endpoint import Call, Endpoint, Reply, forbidden
from headgate.web.http.idempotency import Keys
from headgate.web.http.problems import Problem, malformed
from headgate.web.http.who import NOBODY, Who

Q = TypeVar("Q", bound=msgspec.Struct)

BODY_MAX_BYTES = 4 * 1024 * 1024
BODY_MAX_S = 30.0
"""How long a body may take to arrive."""

Identify = Callable[[Request], Awaitable[Who]]
"""Says who asks. Raises Problem (401) when nobody vouches for them."""

Refused = Callable[[Who, Endpoint, Problem], Awaitable[None]]
"""Told of every refusal for want of a right."""


def routes(
    endpoints: Iterable[Endpoint], identify: Identify, refused: Refused, keys: Keys | None = None
) -> list[Route]:
    """A route for each endpoint. `keys` are those that callers have sent with what they wanted done."""
    keys = keys or Keys()
    return [
        Route(
            endpoint.path,
            _served(endpoint, identify, refused, keys),
            methods=[endpoint.method],
            name=endpoint.name,
        )
        for endpoint in endpoints
    ]


def _served(
    endpoint: Endpoint, identify: Identify, refused: Refused, keys: Keys
) -> Callable[[Request], Awaitable[Response]]:
    async def serve(request: Request) -> Response:
        try:
            if endpoint.signed:
                return _response(request, endpoint, await endpoint.handler(_unknown_sender(request)))
            who = await identify(request)
            try:
                return _response(request, endpoint, await _answer(request, endpoint, who, keys))
            except Problem as problem:
                if problem.document.status == HTTPStatus.FORBIDDEN:
                    await refused(who, endpoint, problem)
                raise
        except Problem as problem:
            return problem.response()
        except LedgerError as error:
            return Problem(HTTPStatus.SERVICE_UNAVAILABLE, "the ledger is in trouble", str(error)).response()

    return serve


def _unknown_sender(request: Request) -> Call:
    return Call(
        NOBODY,
        request.path_params,
        headers=request.headers,
        address=address(request),
        read=lambda: read_body(request),
    )


async def _answer(request: Request, endpoint: Endpoint, who: Who, keys: Keys) -> Reply:
    if not who.may(endpoint.permission):
        raise forbidden(who, endpoint.permission)
    query = query_of(request, endpoint.query) if endpoint.query else None
    content = await _content(request) if endpoint.body else b""
    body = _decoded(content, endpoint.body) if endpoint.body else None
    call = Call(who, request.path_params, query, body, request.headers)
    key = request.headers.get(idempotency.HEADER)
    if key is None or not endpoint.keyed:
        return await endpoint.handler(call)
    digest = hashlib.sha256(request.url.path.encode() + b"\n" + content).hexdigest()
    return await keys.once(
        (f"{who.door}:{who.name}", endpoint.name, key), digest, lambda: endpoint.handler(call)
    )


def query_of(request: Request, kind: type[Q]) -> Q:
    """The query as `kind` has it. Raises Problem (422)."""
    given = request.query_params.multi_items()
    doubled = next((name for name, times in Counter(name for name, _ in given).items() if times > 1), None)
    if doubled is not None:
        raise malformed(f"the parameter {doubled!r} is given more than once", f"query.{doubled}")
    try:
        return msgspec.convert(dict(given), kind, strict=False)
    except msgspec.ValidationError as error:
        raise malformed(str(error), "query") from error


async def _content(request: Request) -> bytes:
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        detail = f"the body is {media_type or 'of no stated type'}; send application/json"
        raise Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "unsupported media type", detail)
    return await read_body(request)


def _decoded(content: bytes, kind: Any) -> Any:  # noqa: ANN401 - the endpoint's type
    try:
        return msgspec.json.decode(content, type=kind)
    except UNREADABLE as error:
        raise malformed(why(error), "body") from error


async def read_body(request: Request, limit_bytes: int = BODY_MAX_BYTES) -> bytes:
    """The body. Raises Problem: 413 over `limit_bytes`, without having read more; 408 after BODY_MAX_S."""
    announced = request.headers.get("content-length", "0")
    if announced.isascii() and announced.isdigit() and int(announced[:20]) > limit_bytes:
        raise _too_large(limit_bytes)
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_MAX_S), aclosing(request.stream()) as chunks:
            async for chunk in chunks:
                body += chunk
                if len(body) > limit_bytes:
                    raise _too_large(limit_bytes)
    except TimeoutError as error:
        detail = f"the body was not there within {BODY_MAX_S:g} s"
        raise Problem(HTTPStatus.REQUEST_TIMEOUT, "too slow", detail) from error
    except ClientDisconnect as error:
        raise Problem(HTTPStatus.REQUEST_TIMEOUT, "gone", "the body broke off") from error
    return bytes(body)


def _too_large(limit_bytes: int) -> Problem:
    detail = f"the body is larger than {limit_bytes} bytes"
    return Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too large", detail)


def _response(request: Request, endpoint: Endpoint, reply: Reply) -> Response:
    if isinstance(reply.content, Response):
        return reply.content
    content = msgspec.json.encode(reply.content)
    headers = dict(reply.headers)
    if endpoint.method == "GET":
        headers["etag"] = etag = f'"{reply.etag or hashlib.sha256(content).hexdigest()[:32]}"'
        headers.setdefault("cache-control", "no-cache")
        if _known(request, etag):
            return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    return Response(content, endpoint.status, headers, "application/json")


def _known(request: Request, etag: str) -> bool:
    """Whether the caller has this content already (RFC 9110, section 13.1.2)."""
    given = [one.strip().removeprefix("W/") for one in request.headers.get("if-none-match", "").split(",")]
    return etag in given or given == ["*"]
