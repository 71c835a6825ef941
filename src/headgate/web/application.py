"""The applications that the controller serves: one behind the unix socket, one behind the front door."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from http import HTTPStatus
from typing import Any, cast

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from headgate.ledger import Ledger, MemoryLedger
from headgate.ports.artifacts import Artifacts
from headgate.ports.controller import Controller
from headgate.web.api import endpoints, metrics
from headgate.web.api.folds import Folds
from headgate.web.api.live import Live
from headgate.web.api.metrics import Metrics
from headgate.web.doors.dispatch import Identify, Refused, routes
from headgate.web.doors.front_door import FrontDoor
from headgate.web.doors.tokens import HomeBook
from headgate.web.http.endpoint import Endpoint
from headgate.web.http.following import Following
from headgate.web.http.idempotency import Keys
from headgate.web.http.openapi import document
from headgate.web.http.problems import Problem
from headgate.web.http.stream import Stream
from headgate.web.http.who import OWNER, Who, owner

PERSON = "x-headgate-person"
"""By the unix socket: which of the home's owners types this; goes on record."""

NAME_MAX_CHARACTERS = 100


@dataclass(frozen=True)
class WebServices:
    """What the API and the pages need: a controller, a ledger, who may ask. The stream is run by whoever made it."""

    controller: Controller
    ledger: Ledger
    door: FrontDoor
    stream: Stream
    metrics: Metrics | None = None
    artifacts: Artifacts | None = None
    following: Following | None = None
    keys: Keys = field(default_factory=Keys)

    @cached_property
    def folds(self) -> Folds:
        """What is known of each release: the same for the API and the pages."""
        return Folds(self.ledger)

    def endpoints(self, more: Sequence[Endpoint] = ()) -> tuple[Endpoint, ...]:
        """The API's endpoints, with `more` beside them."""
        return endpoints(
            self.controller, self.ledger, self.door, more, artifacts=self.artifacts, folds=self.folds
        )


def description() -> dict[str, Any]:
    """The API's description (OpenAPI 3.1), of no controller in particular."""
    ledger, nobody = MemoryLedger(), cast("Controller", None)
    door = FrontDoor(HomeBook(ledger))
    return document(endpoints(nobody, ledger, door, Live(Stream(ledger), door).endpoints()))


def behind_socket(web_services: WebServices) -> Starlette:
    """For the owner of the home, who alone can open the socket."""

    async def identify(request: Request) -> Who:
        return owner(request.headers.get(PERSON, "")[:NAME_MAX_CHARACTERS] or OWNER)

    async def refused(who: Who, endpoint: Endpoint, problem: Problem) -> None:
        """The owner is refused nothing for want of a right."""

    return _application(web_services, identify, refused)


def behind_door(web_services: WebServices, pages: Sequence[BaseRoute] = ()) -> Starlette:
    """For everybody else, by token or session. `pages` are the dashboard's routes."""
    return _application(web_services, web_services.door.identify, web_services.door.refused, pages)


def _application(
    web_services: WebServices, identify: Identify, refused: Refused, pages: Sequence[BaseRoute] = ()
) -> Starlette:
    live = Live(web_services.stream, web_services.door).endpoints()
    api = web_services.endpoints(live)
    found: list[BaseRoute] = [*routes(api, identify, refused, web_services.keys), *pages]
    if web_services.metrics is not None:
        expose = metrics.exposing(
            web_services.metrics, identify, web_services.controller, web_services.following
        )
        found.append(Route(metrics.PATH, expose, methods=["GET"]))
    handlers = {404: _missing, 405: _missing, Exception: _broken}
    application = Starlette(routes=found, exception_handlers=handlers)
    application.router.redirect_slashes = False
    return application


async def _missing(_: Request, error: Exception) -> Response:
    status = getattr(error, "status_code", HTTPStatus.NOT_FOUND)
    problem = Problem(status, HTTPStatus(status).phrase.lower())
    problem.headers.update(getattr(error, "headers", None) or {})
    return problem.response()


async def _broken(_: Request, __: Exception) -> Response:
    """A fault of ours. The server logs it; whoever asked learns nothing of our insides."""
    return Problem(
        HTTPStatus.INTERNAL_SERVER_ERROR, "a fault of ours", "the controller's log says more"
    ).response()
