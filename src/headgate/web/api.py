"""The controller's API: submit a release, and hand a person's word to one. Reading is done from the ledger.

Errors are problem documents (RFC 9457): `title`, `detail`, `status`.
"""

import os
from collections.abc import Callable

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from headgate import __version__
from headgate.core.events import (
    STAMPED_LATER,
    AnyEvent,
    PromotionForced,
    ReleaseAborted,
    ReleasePaused,
    ReleaseResumed,
    StepApproved,
)
from headgate.core.machine import Illegal
from headgate.core.submission import Submission
from headgate.ports.controller import Controller, Stopped, UnknownRelease

BODY_MAX_BYTES = 4 * 1024 * 1024

VERBS: dict[str, Callable[..., AnyEvent]] = {
    "pause": ReleasePaused,
    "resume": ReleaseResumed,
    "approve": StepApproved,
    "promote": PromotionForced,
    "abort": ReleaseAborted,
}


class Word(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who says something about a release, and why."""

    by: str
    reason: str = ""


def application(controller: Controller) -> Starlette:
    """The ASGI application of one controller."""

    async def health(_: Request) -> Response:
        return _json(200, controller.health() | {"pid": os.getpid(), "version": __version__})

    async def submit(request: Request) -> Response:
        try:
            wish = msgspec.json.decode(await _body(request), type=Submission)
        except (msgspec.MsgspecError, ValueError) as error:
            return _problem(422, "malformed request", str(error))
        return _json(201, {"release": await controller.submit(wish)})

    async def tell(request: Request) -> Response:
        release, verb = request.path_params["release"], request.path_params["verb"]
        kind = VERBS.get(verb)
        if kind is None:
            return _problem(404, "unknown action", f"{verb!r} is none of {', '.join(VERBS)}")
        try:
            word = msgspec.json.decode(await _body(request), type=Word)
        except (msgspec.MsgspecError, ValueError) as error:
            return _problem(422, "malformed request", str(error))
        return await _told(release, kind(at=STAMPED_LATER, by=word.by, reason=word.reason))

    async def _told(release: str, event: AnyEvent) -> Response:
        try:
            await controller.tell(release, event)
        except UnknownRelease as error:
            return _problem(404, "unknown release", str(error))
        except Illegal as error:
            return _problem(409, "not possible now", str(error))
        except Stopped as error:
            return _problem(503, "the controller is stopping", str(error))
        return _json(200, {"release": release, "phase": controller.phase(release)})

    routes = [
        Route("/v1/health", health, methods=["GET"]),
        Route("/v1/releases", submit, methods=["POST"]),
        Route("/v1/releases/{release}/{verb}", tell, methods=["POST"]),
    ]
    return Starlette(routes=routes)


async def _body(request: Request) -> bytes:
    """The body, within BODY_MAX_BYTES. Raises ValueError over it."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_MAX_BYTES:
            message = f"the body is larger than {BODY_MAX_BYTES} bytes"
            raise ValueError(message)
    return bytes(body)


def _json(status: int, content: object) -> Response:
    return Response(msgspec.json.encode(content), status, media_type="application/json")


def _problem(status: int, title: str, detail: str) -> Response:
    content = {"title": title, "detail": detail, "status": status}
    return Response(msgspec.json.encode(content), status, media_type="application/problem+json")
