"""What HttpWeb does beyond the port's promises: bounds, pauses (drawn as nothing here), the breaker, redirects."""

import asyncio
import contextlib
import gzip
from collections.abc import AsyncGenerator, Awaitable, Callable
from email.utils import formatdate

import pytest

from headgate.plugins.web.client import HttpWeb, Limits
from headgate.plugins.web.client.client import pause_s, retry_after_s
from headgate.plugins.web.client.origin import Breaker
from headgate.ports import Permanent, Temporary
from headgate.ports.web import Answer, Request
from headgate.testing.web import Script, http_server

NOW = 1_700_000_000.0
OK = Answer(200, {}, b"ok")


def play(
    script: Script, scenario: Callable[[HttpWeb, str], Awaitable[None]], limits: Limits | None = None
) -> None:
    @contextlib.asynccontextmanager
    async def opened() -> AsyncGenerator[tuple[HttpWeb, str]]:
        async with http_server(script) as origin:
            web = HttpWeb(limits, now=lambda: NOW, draw=lambda: 0.0)
            try:
                yield web, origin
            finally:
                await web.aclose()

    async def inside() -> None:
        async with opened() as (web, origin):
            await scenario(web, origin)

    asyncio.run(inside())


def get(url: str, timeout_s: float = 5.0, *, retry: bool = True) -> Request:
    return Request("GET", url, timeout_s=timeout_s, retry=retry)


# --- the breaker and the pauses are pure -----------------------------------------------------------------------------


def test_the_breaker_opens_tries_once_and_closes() -> None:
    breaker = Breaker(Limits(failures=3, open_s=10.0))
    for at in range(3):
        assert breaker.objection(at) == ""
        breaker.failed(at, "silence")
    assert "failed 3 times in a row, at last: silence; it is asked again in 5 s" in breaker.objection(7)
    assert breaker.objection(12) == ""
    assert "trying" in breaker.objection(12)
    breaker.failed(13, "silence")
    assert breaker.objection(14)
    assert breaker.objection(23) == ""
    breaker.gave_up()
    assert breaker.objection(23) == ""
    breaker.succeeded()
    assert (breaker.objection(24), breaker.objection(24)) == ("", "")


def test_what_it_asks_for_is_heeded_within_bounds() -> None:
    breaker = Breaker(Limits(retry_after_max_s=60.0))
    breaker.asked_to_wait(0, 5.0)
    assert "Retry-After" in breaker.objection(4)
    assert breaker.objection(5) == ""
    breaker.asked_to_wait(10, 1e9)
    assert breaker.objection(69)
    assert breaker.objection(70) == ""


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7.0),
        (" 7 ", 7.0),
        (formatdate(NOW + 30, usegmt=True), 30.0),
        (formatdate(NOW - 30, usegmt=True), 0.0),
    ]
    + [
        (value, 0.0) for value in ("", "soon", "-5", "1.5", "9" * 400 + "x", "Fri, 31 Dec 99999 23:59:59 GMT")
    ],
)
def test_retry_after(value: str, seconds: float) -> None:
    assert retry_after_s(value, NOW) == seconds


def test_pauses_double_up_to_a_bound() -> None:
    limits = Limits(pause_first_s=0.1, pause_max_s=0.5)
    assert [pause_s(limits, attempt, lambda: 1.0) for attempt in range(1, 6)] == [0.1, 0.2, 0.4, 0.5, 0.5]
    assert pause_s(limits, 3, lambda: 0.0) == 0.0


# --- with a server ---------------------------------------------------------------------------------------------------


def test_a_server_that_fails_is_left_alone() -> None:
    asked: list[Request] = []

    def script(request: Request) -> Answer:
        asked.append(request)
        return Answer(500, {}, b"")

    async def scenario(web: HttpWeb, origin: str) -> None:
        for _ in range(3):
            with pytest.raises(Temporary):
                await web.ask(get(origin))
        assert len(asked) == 5
        with pytest.raises(Temporary, match="failed 5 times in a row, at last: answered 500"):
            await web.ask(get(origin))
        assert len(asked) == 5

    play(script, scenario)


def test_it_is_asked_again_after_a_time() -> None:
    answers = [Answer(500, {}, b""), OK]

    async def scenario(web: HttpWeb, origin: str) -> None:
        with pytest.raises(Temporary):
            await web.ask(get(origin, retry=False))
        deadline = asyncio.get_running_loop().time() + 30
        while asyncio.get_running_loop().time() < deadline:
            with contextlib.suppress(Temporary):
                assert (await web.ask(get(origin))).body == b"ok"
                return
        raise AssertionError("it was never asked again")

    play(lambda _: answers.pop(0), scenario, Limits(failures=1, open_s=0.05))


def test_a_long_retry_after_is_not_waited_for_and_not_forgotten() -> None:
    asked: list[Request] = []

    def script(request: Request) -> Answer:
        asked.append(request)
        return Answer(429, {"retry-after": "60"}, b"quota")

    async def scenario(web: HttpWeb, origin: str) -> None:
        with pytest.raises(Temporary, match="429"):
            await web.ask(get(origin))
        with pytest.raises(Temporary, match="asked to be left alone"):
            await web.ask(get(origin))
        assert len(asked) == 1

    play(script, scenario)


def test_a_short_retry_after_is_waited_for() -> None:
    answers = [Answer(503, {"retry-after": formatdate(NOW + 1, usegmt=True)}, b""), OK]

    async def scenario(web: HttpWeb, origin: str) -> None:
        assert (await web.ask(get(origin, 20.0))).body == b"ok"

    play(lambda _: answers.pop(0), scenario)


def test_redirects_stay_within_the_origin() -> None:
    def script(request: Request) -> Answer:
        path = request.url.rpartition("/")[2]
        there = {
            "old": "/new",
            "away": "http://elsewhere.example/x?key=1",
            "round": "/round",
            "odd": "http://[::1",
        }.get(path)
        return Answer(302, {"location": there}, b"") if there else Answer(200, {}, path.encode())

    async def scenario(web: HttpWeb, origin: str) -> None:
        assert (await web.ask(get(f"{origin}/old"))).body == b"new"
        with pytest.raises(
            Permanent, match=r"redirects to http://elsewhere\.example/x, which is not followed"
        ):
            await web.ask(get(f"{origin}/away"))
        with pytest.raises(Permanent, match="redirects to what is no address"):
            await web.ask(get(f"{origin}/odd"))
        with pytest.raises(Permanent, match="more than 3 times"):
            await web.ask(get(f"{origin}/round"))
        with pytest.raises(Permanent, match="is not followed"):
            await web.ask(Request("POST", f"{origin}/old", timeout_s=5.0))

    play(script, scenario)


def test_nobody_listens() -> None:
    async def scenario(web: HttpWeb, _: str) -> None:
        with pytest.raises(Temporary, match="no connection"):
            await web.ask(Request("POST", "http://127.0.0.1:1/x", timeout_s=5.0, retry=False))

    play(lambda _: OK, scenario)


@pytest.mark.parametrize("url", ["ftp://x/y", "prometheus:9090/x", "http:///x", "/x"])
def test_what_is_no_address(url: str) -> None:
    async def scenario(web: HttpWeb, _: str) -> None:
        with pytest.raises(Permanent, match="is no address"):
            await web.ask(get(url))

    play(lambda _: OK, scenario)


def test_too_many_waiting_are_turned_away_and_those_that_time_out_leave_their_place() -> None:
    hang = [True]

    def script(request: Request) -> Answer:
        if hang[0]:
            raise TimeoutError
        return OK

    async def scenario(web: HttpWeb, origin: str) -> None:
        asked = [web.ask(get(origin, 0.5, retry=False)) for _ in range(8)]
        told = [str(one) for one in await asyncio.gather(*asked, return_exceptions=True)]
        assert sum("waiting already" in one for one in told) == 4
        assert sum("no answer within" in one for one in told) == 4
        hang[0] = False
        assert (await web.ask(get(origin))).body == b"ok"

    play(script, scenario, Limits(connections=2, waiting=2, failures=100))


def test_an_impatient_caller_leaves_nothing_behind() -> None:
    hang = [True]

    def script(request: Request) -> Answer:
        if hang[0]:
            raise TimeoutError
        return OK

    async def scenario(web: HttpWeb, origin: str) -> None:
        for _ in range(5):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.05):
                    await web.ask(get(origin))
        hang[0] = False
        assert (await web.ask(get(origin))).body == b"ok"

    play(script, scenario, Limits(connections=1))


def test_cookies_are_not_kept() -> None:
    seen: list[str] = []

    def script(request: Request) -> Answer:
        seen.append(request.headers.get("cookie", ""))
        return Answer(200, {"set-cookie": "session=1"}, b"")

    async def scenario(web: HttpWeb, origin: str) -> None:
        await web.ask(get(origin))
        await web.ask(get(origin))
        assert seen == ["", ""]

    play(script, scenario)


def test_a_compressed_answer_is_bounded_by_what_it_unfolds_to() -> None:
    async def scenario(web: HttpWeb, origin: str) -> None:
        with pytest.raises(Permanent, match="more than"):
            await web.ask(get(origin))

    bomb = gzip.compress(b"0" * 3_000_000)
    play(
        lambda _: Answer(200, {"content-encoding": "gzip"}, bomb), scenario, Limits(body_max_bytes=1_000_000)
    )


def test_idle_origins_are_forgotten() -> None:
    async def scenario(web: HttpWeb, origin: str) -> None:
        for port in (1, 2, 3):
            with pytest.raises(Temporary):
                await web.ask(get(f"http://127.0.0.1:{port}", retry=False))
        assert len(web._origins) == 2
        assert (await web.ask(get(origin))).body == b"ok"

    play(lambda _: OK, scenario, Limits(origins=2))
