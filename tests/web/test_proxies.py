"""Who asks, where a proxy stands before the door: believed of declared proxies, and of nobody else. Real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import closing

import httpx2
import pytest

from headgate.core.home.facts import ActionDenied
from headgate.ledger import MemoryLedger
from headgate.web.application import WebServices, behind_door
from headgate.web.doors.front_door import COOKIE, FrontDoor
from headgate.web.doors.limits import FAILURES
from headgate.web.doors.tokens import Grant, HomeBook
from headgate.web.entrance import Entrance, Shut
from headgate.web.http.serve import serving, tcp_listener
from headgate.web.http.stream import Stream
from headgate.web.pages.pages import Pages

Story = Callable[[httpx2.AsyncClient, FrontDoor], Awaitable[None]]


def play(story: Story, proxies: Sequence[str] = (), url: str = "") -> None:
    async def run() -> None:
        ledger = MemoryLedger()
        door = FrontDoor(HomeBook(ledger))
        door.url = url
        nobody: object = None
        web_services = WebServices(nobody, ledger, door, Stream(ledger))  # type: ignore[arg-type]
        with closing(tcp_listener("127.0.0.1", 0)) as listener:
            async with (
                serving(behind_door(web_services, Pages(web_services).routes()), listener, None, proxies),
                httpx2.AsyncClient(base_url=f"http://127.0.0.1:{listener.getsockname()[1]}") as http,
                asyncio.timeout(30),
            ):
                await story(http, door)

    asyncio.run(run())


def denials(door: FrontDoor) -> list[ActionDenied]:
    return [note.event for note in door.book._ledger.notes() if isinstance(note.event, ActionDenied)]


async def knock(http: httpx2.AsyncClient, forwarded: str) -> int:
    headers = {"authorization": "Bearer bad", "x-forwarded-for": forwarded, "x-forwarded-proto": "https"}
    return (await http.get("/v1/health", headers=headers)).status_code


def test_nobody_is_believed_where_no_proxy_is_declared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "*")

    async def story(http: httpx2.AsyncClient, door: FrontDoor) -> None:
        found = [await knock(http, f"203.0.113.{number}") for number in range(int(FAILURES.burst) + 2)]
        assert found[-1] == 429, "another name each time is the same caller"
        assert {one.by for one in denials(door)} == {"127.0.0.1"}

    play(story)


def test_a_declared_proxy_is_believed() -> None:
    async def story(http: httpx2.AsyncClient, door: FrontDoor) -> None:
        for _ in range(int(FAILURES.burst)):
            assert await knock(http, "198.51.100.1, 203.0.113.7") == 401
        assert await knock(http, "203.0.113.7") == 429
        assert await knock(http, "203.0.113.8") == 401
        assert {one.by for one in denials(door)} == {"203.0.113.7", "203.0.113.8"}

    play(story, ["127.0.0.0/8"])


def test_what_a_proxy_says_is_an_address_or_nothing() -> None:
    async def story(http: httpx2.AsyncClient, door: FrontDoor) -> None:
        for said in ("grace", "<script>", "a" * 4000, "\x7f", "::1%eth0; drop"):
            await knock(http, said)
        assert {one.by for one in denials(door)} <= {"unknown", "::1"}

    play(story, ["127.0.0.1"])


@pytest.mark.parametrize(
    ("proxies", "url", "proto", "secure"),
    [
        ((), "", "https", False),
        (("127.0.0.1",), "", "https", True),
        (("127.0.0.1",), "", "http", False),
        (("10.0.0.1",), "", "https", False),
        ((), "https://releases.example.com", "http", True),
    ],
)
def test_a_session_goes_by_tls_alone_where_people_come_by_tls(
    proxies: tuple[str, ...], url: str, proto: str, *, secure: bool
) -> None:
    async def story(http: httpx2.AsyncClient, door: FrontDoor) -> None:
        token = await door.tokens.issue(Grant("grace", "viewer"), "owner", door.now())
        answer = await http.post("/sign-in", data={"token": token}, headers={"x-forwarded-proto": proto})
        assert answer.status_code == 303
        said = answer.headers["set-cookie"]
        assert said.startswith(COOKIE)
        assert ("; Secure" in said) == secure

    play(story, proxies, url)


@pytest.mark.parametrize("proxies", [("nobody",), ("10.0.0.1/8",), ("0.0.0.0/0",), ("::/0",), ("*",)])
def test_what_is_no_proxy_keeps_the_door_shut(proxies: tuple[str, ...]) -> None:
    with pytest.raises(Shut, match="--trusted-proxy"):
        Entrance(proxies=proxies).check()
    Entrance(proxies=("10.0.0.7", "10.1.0.0/16", "::1")).check()
