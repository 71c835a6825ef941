"""From an HTTP request to an endpoint's handler and back: the same for every endpoint and every door."""

import hashlib
from collections.abc import Awaitable, Callable, Iterable
from http import HTTPStatus
from typing import Any, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from headgate.web.endpoint import Call, Endpoint, Reply, forbidden
from headgate.web.problems import Problem, malformed
from headgate.web.who import Who

Q = TypeVar("Q", bound=msgspec.Struct)

BODY_MAX_BYTES = 4 * 1024 * 1024

Identify = Callable[[Request], Awaitable[Who]]
"""Says who asks. Raises Problem (401) when nobody vouches for them."""

Refused = Callable[[Who, Endpoint, Problem], Awaitable[None]]
"""Told of every refusal for want of a right."""


def routes(endpoints: Iterable[Endpoint], identify: Identify, refused: Refused) -> list[Route]:
    """A route for each endpoint."""
    return [
        Route(
            endpoint.path, _served(endpoint, identify, refused), methods=[endpoint.method], name=endpoint.name
        )
        for endpoint in endpoints
    ]


def _served(
    endpoint: Endpoint, identify: Identify, refused: Refused
) -> Callable[[Request], Awaitable[Response]]:
    async def serve(request: Request) -> Response:
        try:
            who = await identify(request)
            try:
                return _response(request, endpoint, await _answer(request, endpoint, who))
            except Problem as problem:
                if problem.document.status == HTTPStatus.FORBIDDEN:
                    await refused(who, endpoint, problem)
                raise
        except Problem as problem:
            return problem.response()

    return serve


async def _answer(request: Request, endpoint: Endpoint, who: Who) -> Reply:
    if not who.may(endpoint.permission):
        raise forbidden(who, endpoint.permission)
    query = query_of(request, endpoint.query) if endpoint.query else None
    body = await _body(request, endpoint.body) if endpoint.body else None
    return await endpoint.handler(Call(who, request.path_params, query, body))


def query_of(request: Request, kind: type[Q]) -> Q:
    """The query as `kind` has it. Raises Problem (422)."""
    given = request.query_params.multi_items()
    names = [name for name, _ in given]
    doubled = next((name for name in names if names.count(name) > 1), None)
    if doubled:
        raise malformed(f"the parameter {doubled!r} is given more than once", f"query.{doubled}")
    try:
        return msgspec.convert(dict(given), kind, strict=False)
    except msgspec.ValidationError as error:
        raise malformed(str(error), "query") from error


async def _body(request: Request, kind: Any) -> Any:  # noqa: ANN401 - the endpoint's type
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        detail = f"the body is {media_type or 'of no stated type'}; send application/json"
        raise Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "unsupported media type", detail)
    try:
        return msgspec.json.decode(await read_body(request), type=kind)
    except msgspec.MsgspecError as error:
        raise malformed(str(error), "body") from error


async def read_body(request: Request) -> bytes:
    """The body. Raises Problem (413) over BODY_MAX_BYTES, without having read more."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_MAX_BYTES:
            detail = f"the body is larger than {BODY_MAX_BYTES} bytes"
            raise Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too large", detail)
    return bytes(body)


def _response(request: Request, endpoint: Endpoint, reply: Reply) -> Response:
    content = msgspec.json.encode(reply.content)
    headers = dict(reply.headers)
    if endpoint.method == "GET":
        headers["etag"] = etag = f'"{reply.etag or hashlib.sha256(content).hexdigest()[:32]}"'
        headers.setdefault("cache-control", "no-cache")
        if etag in (one.strip() for one in request.headers.get("if-none-match", "").split(",")):
            return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    return Response(content, endpoint.status, headers, "application/json")
