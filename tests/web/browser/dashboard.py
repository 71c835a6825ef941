"""A dashboard to look at with a real browser: controller, stream and front door in a thread, in real time."""

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

from headgate.controller.steerable import Steerable
from headgate.controller.supervisor import Supervisor
from headgate.core.home.facts import AccessRole
from headgate.core.release.submission import Submission
from headgate.web.application import WebServices, behind_door
from headgate.web.doors.front_door import FrontDoor
from headgate.web.doors.tokens import Grant, HomeBook
from headgate.web.doors.vouching import Vouching
from headgate.web.http.serve import serving, tcp_listener
from headgate.web.http.stream import Stream
from headgate.web.http.who import owner
from headgate.web.pages.pages import Pages
from tests.controller.house import Home

ANSWER_S = 30.0
AXE = Path(__file__).parents[3] / ".tools" / "web" / "axe.min.js"

T = TypeVar("T")


class Dashboard:
    """One home and its front door. `make` makes the home, in the thread too. `url` is where it is.

    `vouch` says, for that address, who vouches for people.
    """

    home: Home
    door: FrontDoor
    controller: Supervisor

    def __init__(self, make: Callable[[], Home], vouch: Callable[[str], Vouching] | None = None) -> None:
        self.url = ""
        self._make = make
        self._vouch = vouch
        self._loop = asyncio.new_event_loop()
        self._open, self._done = threading.Event(), asyncio.Event()
        self._thread = threading.Thread(target=self._live, daemon=True)

    def call(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run it where the controller runs."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(ANSWER_S)

    def submit(self, wish: Submission) -> str:
        """Begin a release; returns its name."""
        return self.call(self.controller.submit(wish))

    def link(self) -> str:
        """A link that signs in as the owner, once."""
        return f"{self.url}/sign-in?ticket={self.door.tickets.issue(owner(), time.time())}"

    def token(self, role: AccessRole, name: str = "eve") -> str:
        """A token of this role."""
        return self.call(self.door.tokens.issue(Grant(name, role), "owner", time.time()))

    def until(self, fact: Callable[[], bool]) -> None:
        """Wait until it is so."""
        deadline = time.monotonic() + ANSWER_S
        while not fact():
            assert time.monotonic() < deadline, "it did not come to pass"
            time.sleep(0.02)

    def _live(self) -> None:
        self.home = self._make()
        self.home.wall = time.time()
        self.door = FrontDoor(HomeBook(self.home.ledger))
        self._loop.run_until_complete(self._serve())

    async def _serve(self) -> None:
        self.controller = self.home.controller()
        await self.controller.start()
        stream = Stream(self.home.ledger)
        web_services = WebServices(Steerable(self.controller), self.home.ledger, self.door, stream)
        with contextlib.closing(tcp_listener("127.0.0.1", 0)) as listener:
            self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
            self.door.vouching = self._vouch(self.url) if self._vouch else None
            async with (
                stream.running(),
                serving(behind_door(web_services, Pages(web_services).routes()), listener),
            ):
                self._open.set()
                await self._done.wait()
        await self.controller.close()

    @contextlib.contextmanager
    def running(self) -> Iterator["Dashboard"]:
        """Serve for as long as the context lasts."""
        self._thread.start()
        assert self._open.wait(ANSWER_S)
        try:
            yield self
        finally:
            self._loop.call_soon_threadsafe(self._done.set)
            self._thread.join(ANSWER_S)
            self._loop.close()
