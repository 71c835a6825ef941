"""The API: JSON over HTTP, the same for commands, scripts and pages. Each file has one kind of endpoint."""

import os
from http import HTTPStatus
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response

from headgate import __version__
from headgate.ledger import Ledger
from headgate.ports.controller import Controller
from headgate.web.access.who import Who, owner
from headgate.web.api.reading import Reading
from headgate.web.api.steering import Steering
from headgate.web.dispatch import routes
from headgate.web.endpoint import Call, Endpoint, Reply
from headgate.web.folds import Folds
from headgate.web.openapi import document
from headgate.web.problems import Problem


class Health(msgspec.Struct, frozen=True):
    """The controller: its process, its version, its open releases, and what stands in their way (by release)."""

    open: list[str]
    trouble: dict[str, str]
    pid: int
    version: str


def endpoints(controller: Controller, ledger: Ledger) -> tuple[Endpoint, ...]:
    """Every endpoint there is; the last one describes them all."""

    async def health(_: Call) -> Reply:
        found = controller.health() | {"pid": os.getpid(), "version": __version__}
        return Reply(msgspec.convert(found, Health))

    async def describe(_: Call) -> Reply:
        return Reply(document(described))

    described = (
        Endpoint("GET", "/v1/health", "getHealth", "How the controller is", health, Health, "controller"),
        *Reading(ledger, Folds(ledger)).endpoints(),
        *Steering(controller).endpoints(),
        Endpoint(
            "GET", "/v1/openapi.json", "describe", "This description", describe, dict[str, Any], "controller"
        ),
    )
    return described


def application(controller: Controller, ledger: Ledger) -> Starlette:
    """The ASGI application behind the unix socket, which only the owner of the home can open."""

    async def identify(_: Request) -> Who:
        return owner()

    async def refused(who: Who, endpoint: Endpoint, problem: Problem) -> None:
        """The owner is refused nothing for want of a right."""

    async def missing(_: Request, error: Exception) -> Response:
        status = getattr(error, "status_code", HTTPStatus.NOT_FOUND)
        return Problem(status, HTTPStatus(status).phrase.lower()).response()

    found = routes(endpoints(controller, ledger), identify, refused)
    return Starlette(routes=found, exception_handlers={404: missing, 405: missing})
