"""Deliveries that arrive slowly keep nobody out who proves himself. Real sockets."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import httpx2
import pytest

from headgate.web.hooks.news import PER_ADDRESS_MAX, UNDER_WAY_MAX, Bodies
from headgate.web.http.problems import Problem
from headgate.web.http.serve import serving, tcp_listener
from headgate.web.http.stream import Stream
from tests.controller.house import Home
from tests.web.web_services import Place

HEAD = b"POST /v1/hooks/pager HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{"


def never() -> Awaitable[bytes]:
    return asyncio.get_running_loop().create_future()


async def at_once() -> bytes:
    return b"{}"


def test_slow_senders_of_one_address_shut_nobody_out() -> None:
    async def run() -> None:
        home = Home()
        supervisor = await home.start()
        place = Place(home, supervisor, Stream(home.ledger))
        body = {"name": "pager", "vendor": "alertmanager", "environments": ["production"]}
        secret = (await place.ask("POST", "/v1/hooks", body)).json()["secret"]
        news = {"version": "4", "status": "firing", "alerts": []}
        async with contextlib.AsyncExitStack() as held, asyncio.timeout(60):
            listener = held.enter_context(contextlib.closing(tcp_listener("127.0.0.1", 0)))
            await held.enter_async_context(serving(place.front, listener))
            port = listener.getsockname()[1]
            for _ in range(2 * UNDER_WAY_MAX):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                held.callback(writer.close)
                writer.write(HEAD)
                await writer.drain()
            await asyncio.sleep(0.2)
            http = await held.enter_async_context(httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}"))
            for _ in range(5):
                answer = await http.post(
                    "/v1/hooks/pager", json=news, headers={"authorization": f"Bearer {secret}"}
                )
                assert answer.status_code == 200, answer.text
        await supervisor.close()

    asyncio.run(run())


def play(story: Callable[[Bodies], Awaitable[None]], body_s: float = 30.0) -> None:
    async def run() -> None:
        async with asyncio.timeout(30):
            await story(Bodies(body_s))

    asyncio.run(run())


async def slow(bodies: Bodies, address: str, count: int) -> list[asyncio.Task[bytes]]:
    tasks = [asyncio.create_task(bodies.receive(address, never)) for _ in range(count)]
    await asyncio.sleep(0)
    return tasks


def test_the_oldest_of_an_address_gives_way() -> None:
    async def story(bodies: Bodies) -> None:
        others = await slow(bodies, "10.0.0.2", 1)
        tasks = await slow(bodies, "10.0.0.1", PER_ADDRESS_MAX)
        assert await bodies.receive("10.0.0.1", at_once) == b"{}"
        with pytest.raises(Problem, match="others came") as refused:
            await tasks[0]
        assert (refused.value.document.status, refused.value.headers["retry-after"]) == (503, "5")
        assert not any(task.done() for task in (*tasks[1:], *others))
        for task in (*tasks[1:], *others):
            task.cancel()

    play(story)


def test_where_there_are_too_many_whoever_has_most_gives_way() -> None:
    async def story(bodies: Bodies) -> None:
        crowd = await slow(bodies, "10.0.0.1", PER_ADDRESS_MAX)
        rest = [
            task
            for n in range(UNDER_WAY_MAX - PER_ADDRESS_MAX)
            for task in await slow(bodies, f"10.1.0.{n}", 1)
        ]
        assert await bodies.receive("10.2.0.1", at_once) == b"{}"
        await asyncio.wait({crowd[0]})
        assert crowd[0].exception() is not None
        assert not any(task.done() for task in (*crowd[1:], *rest))
        for task in (*crowd[1:], *rest):
            task.cancel()

    play(story)


def test_a_body_has_its_time_and_leaves_nothing_behind() -> None:
    async def story(bodies: Bodies) -> None:
        for _ in range(3):
            with pytest.raises(Problem, match="too slow"):
                await bodies.receive("10.0.0.1", never)
        gone = asyncio.create_task(bodies.receive("10.0.0.1", never))
        await asyncio.sleep(0)
        gone.cancel()
        await asyncio.gather(gone, return_exceptions=True)
        assert not bodies._under_way

    play(story, 0.01)


def test_what_reading_raises_is_raised() -> None:
    async def refused() -> bytes:
        raise Problem(413, "too large")

    async def story(bodies: Bodies) -> None:
        with pytest.raises(Problem, match="too large"):
            await bodies.receive("10.0.0.1", refused)
        assert not bodies._under_way

    play(story)
