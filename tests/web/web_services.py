"""The API over a real controller in virtual time, asked as HTTP, by both doors."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

import httpx2
import msgspec
from starlette.applications import Starlette

from headgate.controller.steerable import Steerable
from headgate.controller.supervisor import Supervisor
from headgate.core.home.facts import AccessRole, ActionDenied, AnyHomeEvent
from headgate.core.model import Rollout, Stage
from headgate.core.release.submission import Submission
from headgate.web.api import endpoints
from headgate.web.application import WebServices, behind_door, behind_socket
from headgate.web.doors.front_door import FrontDoor
from headgate.web.doors.tokens import Grant, HomeBook
from headgate.web.http.endpoint import Endpoint
from headgate.web.http.stream import Stream
from tests.controller.house import ONE, TWO, Home, House, play, wish

ASKING = Rollout(stages=(Stage(weight=20, bake_s=2.0, pause="look at it"),), warm_s=5.0, drain_s=0.5)
"""A rollout that asks a person."""


class Place:
    """A home with its controller and both doors. `supervisor` runs; `at` is the doors' clock."""

    def __init__(self, home: Home, supervisor: Supervisor, stream: Stream) -> None:
        self.home = home
        self.supervisor = supervisor
        self.at = 1000.0
        self.door = FrontDoor(HomeBook(home.ledger), lambda: self.at)
        self.controller = Steerable(supervisor)
        self.web_services = WebServices(self.controller, home.ledger, self.door, stream)
        self.front: Starlette = behind_door(self.web_services)
        self.socket: Starlette = behind_socket(self.web_services)

    async def ask(
        self, method: str, path: str, body: object = None, *, token: str | None = None, **headers: str
    ) -> httpx2.Response:
        """Ask at the front door with a token (an empty one: without), or, with none, at the socket."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        if token:
            given["authorization"] = f"Bearer {token}"
        content = None
        if body is not None:
            content = body if isinstance(body, bytes) else msgspec.json.encode(body)
            given.setdefault("content-type", "application/json")
        transport = httpx2.ASGITransport(self.socket if token is None else self.front)
        async with httpx2.AsyncClient(transport=transport, base_url="http://headgate") as client:
            return await client.request(method, path, content=content, headers=given)

    async def read(self, path: str, token: str | None = None) -> Any:  # noqa: ANN401 - JSON
        """What is answered to a GET that succeeds."""
        response = await self.ask("GET", path, token=token)
        assert response.status_code == 200, response.text
        return json.loads(response.content)

    async def token(self, role: AccessRole, *environments: str, name: str = "") -> str:
        """A new token."""
        grant = Grant(name or role, role, environments)
        return await self.door.tokens.issue(grant, "ada", self.at)

    def denials(self) -> list[ActionDenied]:
        """What is written down of those who may not."""
        return [event for event in self.notes(ActionDenied) if isinstance(event, ActionDenied)]

    def notes(self, kind: type[AnyHomeEvent]) -> list[AnyHomeEvent]:
        """What is written down of the home."""
        return [note.event for note in self.home.ledger.notes() if isinstance(note.event, kind)]

    def endpoints(self) -> tuple[Endpoint, ...]:
        """The table of all endpoints, but for the stream, and for those that no door guards."""
        found = endpoints(self.controller, self.home.ledger, self.door)
        return tuple(endpoint for endpoint in found if not endpoint.signed)


def at(story: Callable[[Place], Awaitable[None]], house: House | None = None) -> None:
    """Run a story in virtual time, in a home where version one was released."""

    async def whole() -> None:
        home = Home(house)
        supervisor = await home.with_one()
        try:
            await story(Place(home, supervisor, Stream(home.ledger)))
        finally:
            await supervisor.close()

    play(whole)


def second(rollout: Rollout | None = None) -> Submission:
    """A wish for version two."""
    return wish(TWO, rollout)


__all__ = ["ASKING", "ONE", "TWO", "Place", "at", "second"]
