"""What the played systems share: a table of routes, marks kept as they were sent, and the real web in a hurry."""

import contextlib
import json
import re
from collections.abc import AsyncGenerator, Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

from headgate.plugins.web.client import HttpWeb, Limits
from headgate.ports.web import Answer, Request, Web
from headgate.testing.markers import SECRET, MarkerContract

Handler = Callable[..., Answer]


def said(status: int, content: object) -> Answer:
    return Answer(status, {"content-type": "application/json"}, json.dumps(content).encode())


class System:
    """Answers from `routes` (method and path as a regex), after `admits` has seen the credential."""

    def __init__(self) -> None:
        self.kept: list[dict[str, Any]] = []
        self.routes: dict[tuple[str, str], Handler] = {}
        self.requests: list[Request] = []

    def admits(self, request: Request) -> bool:
        return request.headers.get("authorization") == f"Bearer {SECRET}"

    def marks(self) -> list[dict[str, Any]]:
        return self.kept

    def answer(self, request: Request) -> Answer:
        self.requests.append(request)
        if not self.admits(request):
            return said(401, {"message": "who are you?"})
        path = urlsplit(request.url).path
        for (method, pattern), handler in self.routes.items():
            found = re.fullmatch(pattern, path)
            if found and method == request.method:
                return handler(request, *found.groups())
        return said(404, {"message": f"no {request.method} {path}"})


def body(request: Request) -> dict[str, Any]:
    assert request.headers["content-type"].startswith("application/json")
    return dict(json.loads(request.body))


def query(request: Request) -> dict[str, list[str]]:
    return parse_qs(urlsplit(request.url).query)


class OverHttp(MarkerContract):
    """The contract over the real web."""

    @contextlib.asynccontextmanager
    async def web(self) -> AsyncGenerator[Web]:
        web = HttpWeb(Limits(attempts=2, pause_first_s=0.001, pause_max_s=0.002))
        try:
            yield web
        finally:
            await web.aclose()
