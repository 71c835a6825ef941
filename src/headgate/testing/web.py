"""What the web must do for plugins, and a local HTTP server for their tests.

Subclass `WebContract` in a test file, and say how yours is made. `http_server` answers from a script on a free port of
the loopback: give it a function from a request (its `url` whole, the names of its headers in lower case) to an answer.
"""

import asyncio
import contextlib
import threading
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from typing import Protocol

import pytest

from headgate.ports.errors import Permanent, PortError, Temporary
from headgate.ports.web import BODY_MAX_BYTES, Answer, Request, Web

Script = Callable[[Request], Answer]
"""Answers a request, with any status. Raises ConnectionError (the connection is closed without an answer), TimeoutError
(nothing is said until the client goes) or EOFError (the answer breaks off)."""

HOST = "127.0.0.1"
_LONGEST_LINE = 256 * 1024


@contextlib.asynccontextmanager
async def http_server(script: Script) -> AsyncGenerator[str]:
    """Answer from `script` for as long as the context lasts; gives the origin (`http://127.0.0.1:...`)."""
    clients: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        clients.add(task)
        try:
            while await _served_one(script, reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the client has gone, or the server ends
        finally:
            clients.discard(task)
            writer.close()

    server = await asyncio.start_server(serve, HOST, 0, limit=_LONGEST_LINE)
    try:
        yield f"http://{HOST}:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for task in clients:
            task.cancel()
        await asyncio.gather(*clients)


@contextlib.contextmanager
def http_server_aside(script: Script) -> Generator[str]:
    """The same in a thread of its own, for tests that are not coroutines or whose loop has virtual time."""
    loop = asyncio.new_event_loop()
    opened, ready = http_server(script), threading.Event()
    origin: list[str] = []

    def run() -> None:
        asyncio.set_event_loop(loop)
        origin.append(loop.run_until_complete(opened.__aenter__()))
        ready.set()
        loop.run_forever()
        loop.run_until_complete(opened.__aexit__(None, None, None))
        loop.close()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    ready.wait()
    try:
        yield origin[0]
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()


async def _served_one(script: Script, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    """Answer one request; returns whether the connection goes on."""
    line = (await reader.readline()).decode("latin-1").split()
    if len(line) != 3:
        return False
    headers: dict[str, str] = {}
    while (text := (await reader.readline()).decode("latin-1").strip()) != "":
        name, _, value = text.partition(":")
        headers[name.lower()] = value.strip()
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    request = Request(line[0], f"http://{headers.get('host', HOST)}{line[1]}", headers, body)
    try:
        answer = script(request)
    except TimeoutError:
        await reader.read()  # returns when the client has closed
        return False
    except EOFError:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{")
        await writer.drain()
        return False
    except ConnectionError:
        return False
    head = [f"HTTP/1.1 {answer.status} x", f"content-length: {len(answer.body)}"]
    head += [f"{name}: {value}" for name, value in answer.headers.items()]
    writer.write("\r\n".join([*head, "", ""]).encode("latin-1") + answer.body)
    await writer.drain()
    return True


class Served(Protocol):
    """A web under test, and an origin that answers it."""

    @property
    def web(self) -> Web:
        """The port."""
        ...

    @property
    def origin(self) -> str:
        """Where the script answers."""
        ...


SECRET = "s3cr3t/with space"  # noqa: S105 - made up, and looked for
GOOD = Answer(200, {"content-type": "application/json", "x-shop": "open"}, b'{"ok":true}')
_TIMEOUT_S = 5.0
"""Long enough for a busy machine; only silence takes it, and asks for less."""


class WebContract(ABC):
    """The promises of ports.Web."""

    @abstractmethod
    def served(self, script: Script) -> AbstractAsyncContextManager[Served]:
        """A web whose requests `script` answers."""

    def test_a_request_arrives_whole_and_its_answer_comes_back(self) -> None:
        seen: list[Request] = []

        def script(request: Request) -> Answer:
            seen.append(request)
            return GOOD

        async def scenario(served: Served) -> None:
            request = _request(served, method="POST", headers={"x-tenant": "shop"}, body=b"hello")
            answer = await served.web.ask(request)
            assert (answer.status, answer.body) == (200, GOOD.body)
            assert answer.headers["x-shop"] == "open"
            assert [one.url for one in seen] == [request.url]
            assert (seen[0].method, seen[0].headers["x-tenant"], seen[0].body) == ("POST", "shop", b"hello")

        self._run(script, scenario)

    @pytest.mark.parametrize(
        ("status", "kind"),
        [(status, Temporary) for status in (408, 425, 429, 500, 502, 503, 504)]
        + [(status, Permanent) for status in (400, 401, 403, 404, 405, 410, 422)],
    )
    def test_a_refusal_is_typed_and_told_without_secrets(self, status: int, kind: type[PortError]) -> None:
        said = f"no such \n thing for {SECRET} ".encode()

        async def scenario(served: Served) -> None:
            with pytest.raises(kind) as raised:
                await served.web.ask(_request(served))
            told = str(raised.value)
            for part in (f"GET {served.origin}/api/", str(status), "no such thing for"):
                assert part in told, told
            _tells_nothing(told)

        self._run(lambda _: Answer(status, {}, said), scenario)

    @pytest.mark.parametrize("trouble", [ConnectionError, EOFError, TimeoutError])
    def test_no_answer_is_temporary(self, trouble: type[Exception]) -> None:
        def script(_: Request) -> Answer:
            raise trouble

        async def scenario(served: Served) -> None:
            with pytest.raises(Temporary) as raised:
                await served.web.ask(_request(served, timeout_s=0.2))
            assert served.origin in str(raised.value)
            _tells_nothing(str(raised.value))

        self._run(script, scenario)

    def test_a_question_is_asked_again(self) -> None:
        answers = [Answer(503, {}, b""), Answer(502, {}, b""), GOOD]

        async def scenario(served: Served) -> None:
            assert (await served.web.ask(_request(served))).body == GOOD.body
            assert not answers

        self._run(lambda _: answers.pop(0), scenario)

    def test_it_gives_up_in_the_end(self) -> None:
        asked: list[Request] = []

        def script(request: Request) -> Answer:
            asked.append(request)
            return Answer(503, {}, b"overloaded")

        async def scenario(served: Served) -> None:
            with pytest.raises(Temporary, match="overloaded"):
                await served.web.ask(_request(served))
            assert 1 < len(asked) <= 10

        self._run(script, scenario)

    @pytest.mark.parametrize("status", [500, 503, 0])
    def test_what_must_not_be_done_twice_is_sent_once(self, status: int) -> None:
        asked: list[Request] = []

        def script(request: Request) -> Answer:
            asked.append(request)
            if not status:
                raise EOFError
            return Answer(status, {}, b"")

        async def scenario(served: Served) -> None:
            with pytest.raises(Temporary):
                await served.web.ask(_request(served, method="POST", retry=False))
            assert len(asked) == 1

        self._run(script, scenario)

    def test_an_answer_over_the_bound_is_refused(self) -> None:
        async def scenario(served: Served) -> None:
            with pytest.raises(Permanent, match="more than"):
                await served.web.ask(_request(served))

        self._run(lambda _: Answer(200, {}, b"x" * (BODY_MAX_BYTES + 1)), scenario)

    @pytest.mark.parametrize(
        "host", ["169.254.169.254", "[::ffff:169.254.169.254]", "2852039166", "0xa9fea9fe"]
    )
    def test_what_is_out_of_reach_is_not_asked(self, host: str) -> None:
        asked: list[Request] = []

        def script(request: Request) -> Answer:
            asked.append(request)
            return GOOD

        async def scenario(served: Served) -> None:
            there = replace(_request(served), url=f"http://s3cr3t@{host}/latest?query=hidden")
            with pytest.raises(Permanent, match="link-local") as raised:
                await served.web.ask(there)
            assert "--reach 169.254.169.254" in str(raised.value)
            _tells_nothing(str(raised.value))
            assert not asked

        self._run(script, scenario)

    @pytest.mark.parametrize(
        "value", ["two\nlines", "two\r\nX-More: lines", "bell\x07", "nul\0", "\u20ac", "\xe9"]
    )
    def test_what_cannot_be_sent_is_refused_before_it_is(self, value: str) -> None:
        asked: list[Request] = []

        def script(request: Request) -> Answer:
            asked.append(request)
            return GOOD

        async def scenario(served: Served) -> None:
            secret = f"s3cr3t{value}hidden"
            headers = {"authorization": f"Bearer {secret}"}
            for request in (
                replace(_request(served, headers=headers), secrets=(SECRET, secret)),
                replace(_request(served), url=f"{served.origin}/{secret}", secrets=(SECRET, secret)),
            ):
                with pytest.raises(Permanent, match="cannot hold") as raised:
                    await served.web.ask(request)
                _tells_nothing(str(raised.value).replace("meant, and has its file more than one?", ""))
            assert not asked

        self._run(script, scenario)

    def test_many_at_once_are_all_answered(self) -> None:
        async def scenario(served: Served) -> None:
            requests = [
                replace(_request(served), url=f"{served.origin}/{n}", timeout_s=30.0) for n in range(100)
            ]
            answers = await asyncio.gather(*map(served.web.ask, requests))
            assert [answer.body for answer in answers] == [f"/{n}".encode() for n in range(100)]

        self._run(lambda request: Answer(200, {}, request.url[request.url.rindex("/") :].encode()), scenario)

    def _run(self, script: Script, scenario: "Scenario") -> None:
        async def run() -> None:
            async with self.served(script) as served:
                await scenario(served)

        asyncio.run(run())


class Scenario(Protocol):
    """What one test does with a web."""

    async def __call__(self, served: Served) -> None:
        """Do it."""
        ...


def _request(  # what a test wants to be special
    served: Served,
    *,
    method: str = "GET",
    headers: dict[str, str] | None = None,
    body: bytes = b"",
    timeout_s: float = _TIMEOUT_S,
    retry: bool = True,
) -> Request:
    return Request(
        method,
        f"{served.origin}/api/s3cr3t%2Fwith%20space/query?query=hidden&key=s3cr3t%2Fwith%20space",
        {"authorization": f"Bearer {SECRET}"} | (headers or {}),
        body,
        timeout_s,
        retry,
        (SECRET,),
    )


def _tells_nothing(told: str) -> None:
    for hidden in (SECRET, "s3cr3t", "hidden", "?"):
        assert hidden not in told, told
