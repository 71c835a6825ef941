"""The applications that the controller serves: one behind the unix socket, one behind the front door."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from headgate.ledger import Ledger
from headgate.ports.controller import Controller
from headgate.web import metrics
from headgate.web.access.front import FrontDoor
from headgate.web.api import endpoints
from headgate.web.dispatch import Identify, Refused, query_of, routes
from headgate.web.endpoint import Endpoint
from headgate.web.metrics import Metrics
from headgate.web.problems import Problem, malformed
from headgate.web.stream import LISTENERS_MAX, EventResponse, Frame, Stream
from headgate.web.who import Who, owner

STREAM = "/v1/stream"
LAST_EVENT_ID = "last-event-id"


@dataclass(frozen=True)
class Backstage:
    """What every application shows and steers. The stream is run by whoever made it."""

    controller: Controller
    ledger: Ledger
    door: FrontDoor
    stream: Stream
    metrics: Metrics | None = None


def behind_socket(backstage: Backstage) -> Starlette:
    """For the owner of the home, who alone can open the socket."""

    async def identify(_: Request) -> Who:
        return owner()

    async def refused(who: Who, endpoint: Endpoint, problem: Problem) -> None:
        """The owner is refused nothing for want of a right."""

    return _application(backstage, identify, refused)


def behind_door(backstage: Backstage, pages: Sequence[BaseRoute] = ()) -> Starlette:
    """For everybody else, by token or session. `pages` are the dashboard's routes."""
    return _application(backstage, backstage.door.identify, backstage.door.refused, pages)


def _application(
    backstage: Backstage, identify: Identify, refused: Refused, pages: Sequence[BaseRoute] = ()
) -> Starlette:
    api = endpoints(backstage.controller, backstage.ledger, backstage.door)
    found: list[BaseRoute] = [*routes(api, identify, refused), *pages]
    if backstage.metrics is not None:
        found.append(Route(metrics.PATH, metrics.exposing(backstage.metrics, identify), methods=["GET"]))
    found.append(Route(STREAM, _streaming(backstage.stream, identify), methods=["GET"]))
    return Starlette(routes=found, exception_handlers={404: _missing, 405: _missing})


async def _missing(_: Request, error: Exception) -> Response:
    status = getattr(error, "status_code", HTTPStatus.NOT_FOUND)
    return Problem(status, HTTPStatus(status).phrase.lower()).response()


class StreamQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to listen to. `after` is the sequence of the last entry seen; without it, only what is new comes.

    A browser that comes back says it by the header `Last-Event-ID`, which counts more.
    """

    release: str | None = None
    after: Annotated[int, msgspec.Meta(ge=0, le=2**62)] | None = None


def _streaming(stream: Stream, identify: Identify) -> Callable[[Request], Awaitable[Response]]:
    async def listen(request: Request) -> Response:
        try:
            who = await identify(request)
            query, after = _asked(request)
            _require_room(stream)
        except Problem as problem:
            return problem.response()

        def wanted(frame: Frame) -> bool:
            return who.may("read", frame.environment) and query.release in (None, frame.release)

        return EventResponse(stream.frames(stream.newest if after is None else after, wanted))

    return listen


def _require_room(stream: Stream) -> None:
    if stream.listeners >= LISTENERS_MAX:
        raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, "too many listeners", f"{LISTENERS_MAX} listen already")


def _asked(request: Request) -> tuple[StreamQuery, int | None]:
    """The query, and the place to begin after. Raises Problem (422)."""
    query = query_of(request, StreamQuery)
    last = request.headers.get(LAST_EVENT_ID)
    if last is None:
        return query, query.after
    if not last.isascii() or not last.isdigit():
        raise malformed(f"{last!r} is no id of an event", f"header.{LAST_EVENT_ID}")
    return query, int(last)
