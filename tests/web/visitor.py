"""A browser's part of the work, without one: signed in, over ASGI, with the cookies and forms of the pages."""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable

import httpx2

from headgate.controller.steerable import Steerable
from headgate.core.home.facts import AccessRole
from headgate.core.model import Stage
from headgate.ports.artifacts import Artifacts
from headgate.web.application import WebServices, behind_door
from headgate.web.doors.front_door import FrontDoor
from headgate.web.doors.tokens import Grant, HomeBook
from headgate.web.http.stream import Stream
from headgate.web.pages.pages import Pages
from tests.controller.house import Home
from tests.web.shop import past, wish

HTTPS = "https://door"
LONG = (Stage(weight=20, bake_s=600.0),)
EVIL = "<script>alert('\"')</script>"

Play = Callable[["Visitor"], Awaitable[None]]


class Visitor:
    """Whoever visits. `release` bakes meanwhile."""

    def __init__(self, home: Home, door: FrontDoor, http: httpx2.AsyncClient) -> None:
        self.home, self.door, self.http = home, door, http
        self.release = ""

    async def enter(self, role: AccessRole = "admin") -> None:
        """Sign in with a new token of this role."""
        token = await self.door.tokens.issue(Grant("eve", role), "owner", time.time())
        answer = await self.http.post("/sign-in", data={"token": token})
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/")  # back to what was wanted, if anything was

    async def csrf(self) -> str:
        """The session's text against forgery, as a page has it."""
        found = re.search(r'name="csrf" value="([^"]+)"', (await self.http.get("/")).text)
        assert found is not None
        return found[1]

    async def post(self, path: str, **fields: str) -> httpx2.Response:
        """Send a form that the session made."""
        return await self.http.post(path, data={"csrf": await self.csrf(), **fields})


def play(
    story: Play,
    make: Callable[[], Home] = past,
    *,
    begin: bool = True,
    stages: tuple[Stage, ...] = LONG,
    artifacts: Artifacts | None = None,
) -> None:
    """Run a story in a home with a past; with `begin`, one more release bakes in it, or waits for a person."""
    home = make()

    async def run() -> None:
        home.wall = time.time()
        controller = await home.start()
        door = FrontDoor(HomeBook(home.ledger))
        web_services = WebServices(
            Steerable(controller), home.ledger, door, Stream(home.ledger), artifacts=artifacts
        )
        transport = httpx2.ASGITransport(behind_door(web_services, Pages(web_services).routes()))
        async with httpx2.AsyncClient(transport=transport, base_url=HTTPS) as http, asyncio.timeout(60):
            visitor = Visitor(home, door, http)
            if begin:
                unit = home.ledger.summaries(limit=1)[0].moves[0].unit
                visitor.release = await controller.submit(
                    wish("e", EVIL, unit=unit, stages=stages, author=EVIL)
                )
                asks = any(stage.pause for stage in stages)
                await home.until(visitor.release, "waiting for approval" if asks else "baking")
            await story(visitor)
        await controller.close()

    asyncio.run(run())
