import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.core.model import CommandCheck, HttpCheck, JsonExpectation, TcpCheck
from headgate.plugins.targets.local import checks, http_request
from headgate.plugins.targets.local.checks import Outcome
from headgate.plugins.targets.local.http_request import Unanswered, parse, render
from headgate.plugins.targets.local.record import Spec

Conversation = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def spec(port: int, directory: str = "/") -> Spec:
    return Spec(
        "a.1",
        "127.0.0.1",
        port,
        ("/bin/true",),
        directory,
        "/",
        "/",
        {"PATH": "/usr/bin:/bin"},
        {"PORT": str(port)},
    )


def answering(*parts: bytes, pause_s: float = 0.0, hold: bool = False) -> Conversation:
    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        for part in parts:
            writer.write(part)
            await asyncio.sleep(pause_s)
        if hold:
            await reader.read()

    return converse


def ask(check: HttpCheck | TcpCheck, converse: Conversation, timeout_s: float = 2.0) -> Outcome:
    async def go() -> Outcome:
        conversations: list[asyncio.Task[None]] = []

        async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task
            conversations.append(task)
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
                await converse(reader, writer)
            writer.close()

        async with await asyncio.start_server(accept, "127.0.0.1", 0) as server:
            outcome = await checks.ask(check, spec(server.sockets[0].getsockname()[1]), timeout_s)
        await asyncio.gather(*conversations)
        await asyncio.sleep(0.01)
        return outcome

    return asyncio.run(go())


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@pytest.mark.parametrize(
    "parts",
    [
        (OK,),
        (OK[:10], OK[10:40], OK[40:]),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\no\r\n", b"1\r\nk\r\n0\r\n\r\n"),
        (b"HTTP/1.0 200 OK\r\n\r\nok",),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\no", b"k"),
        (b"HTTP/1.1 100 Continue\r\n\r\n", OK),
    ],
)
def test_an_answer_is_read_however_it_comes(parts: tuple[bytes, ...]) -> None:
    outcome = ask(HttpCheck("/", contains="ok"), answering(*parts, pause_s=0.01))
    assert outcome.passed, outcome.seen
    assert outcome.reply
    assert outcome.reply.body == b"ok"


def test_a_whole_answer_is_not_waited_for_any_longer() -> None:
    assert ask(HttpCheck("/"), answering(OK, hold=True), timeout_s=1.0).passed


@pytest.mark.parametrize(
    ("status", "expected", "passed"),
    [
        (200, (), True),
        (399, (), True),
        (404, (), False),
        (503, (), False),
        (404, (404,), True),
        (200, (201, 204), False),
    ],
)
def test_the_status_is_as_on_kubernetes(status: int, expected: tuple[int, ...], *, passed: bool) -> None:
    answer = b"HTTP/1.1 %d X\r\nContent-Length: 0\r\n\r\n" % status
    assert ask(HttpCheck("/", status=expected), answering(answer)).passed is passed


def json_check(*expectations: JsonExpectation) -> HttpCheck:
    return HttpCheck("/", json=expectations)


@pytest.mark.parametrize(
    ("check", "seen"),
    [
        (HttpCheck("/", status=(201,)), "expected status 201, got 200"),
        (HttpCheck("/", contains="bye"), "expected the answer to contain 'bye'"),
        (json_check(JsonExpectation("$.a", 2)), "expected $.a to be 2, got 1"),
        (json_check(JsonExpectation("$.a", equals=True)), "expected $.a to be true, got 1"),
        (json_check(JsonExpectation("$.b.c")), "expected $.b.c: nothing at $.b"),
        (json_check(JsonExpectation("nonsense")), "is no JSON path"),
    ],
)
def test_it_says_what_was_expected_and_what_was_seen(check: HttpCheck, seen: str) -> None:
    answer = b'HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n{"a": 1, "s": "yes"}'
    outcome = ask(check, answering(answer))
    assert not outcome.passed
    assert seen in outcome.seen


def test_json_that_is_as_expected() -> None:
    answer = b'HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n{"a": 1, "s": "yes"}'
    check = json_check(JsonExpectation("$.a", 1), JsonExpectation("$.s", "yes"), JsonExpectation("$.s"))
    assert ask(check, answering(answer)).passed


@pytest.mark.parametrize(
    ("parts", "seen"),
    [
        ((), "the connection was closed"),
        ((b"SSH-2.0-OpenSSH\r\n",), "not HTTP"),
        ((b"\0\0\0\4\0\0\0\0\0",), "it speaks HTTP/2 only, as gRPC does: check it with `tcp`"),
        ((OK[:-1],), "broken off"),
        ((b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",), "broken off"),
        ((b"HTTP/1.1 200 OK\r\nContent-Len",), "HTTP"),
    ],
)
def test_half_an_answer_is_none(parts: tuple[bytes, ...], seen: str) -> None:
    outcome = ask(HttpCheck("/", contains="ok"), answering(*parts))
    assert not outcome.passed
    assert seen in outcome.seen


@pytest.mark.parametrize("parts", [(), (OK[:20],), tuple(bytes([byte]) for byte in OK[:30])])
def test_it_takes_no_longer_than_it_may(parts: tuple[bytes, ...]) -> None:
    began = time.monotonic()
    outcome = ask(HttpCheck("/", contains="never"), answering(*parts, pause_s=0.05, hold=True), timeout_s=0.2)
    assert outcome.seen == "GET /: no answer within 0.2 s"
    assert time.monotonic() - began < 3.0


def test_an_endless_answer_is_cut() -> None:
    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(b"x" * 65536)
            await writer.drain()

    outcome = ask(HttpCheck("/"), endless, timeout_s=10.0)
    assert outcome.passed
    assert outcome.reply
    assert outcome.reply.truncated
    assert len(outcome.reply.body) == http_request.BODY_BYTES_MAX
    assert "longer than" in ask(HttpCheck("/", contains="y"), endless, timeout_s=10.0).seen


def test_who_does_not_listen_refuses() -> None:
    for check in (HttpCheck("/"), TcpCheck()):
        outcome = asyncio.run(checks.ask(check, spec(1), 1.0))
        assert outcome.refused
        assert not outcome.passed


def test_a_connection_is_enough_for_tcp() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    assert ask(TcpCheck(), silent).passed


@pytest.mark.parametrize(
    ("path", "headers"), [("no-slash", {}), ("/a b", {}), ("/a\r\nX: y", {}), ("/", {"X": "a\r\nY: b"})]
)
def test_no_request_can_be_smuggled(path: str, headers: dict[str, str]) -> None:
    with pytest.raises(Unanswered, match="cannot ask"):
        render("h", 1, "GET", path, headers, b"")


def test_a_request_is_written_as_asked() -> None:
    lines = render("h", 1, "POST", "/a?b=c", {"Host": "shop", "Connection": "x"}, b"{}").split(b"\r\n")
    assert lines[0] == b"POST /a?b=c HTTP/1.1"
    assert b"Host: shop" in lines
    assert b"Content-Length: 2" in lines
    assert b"Connection: close" in lines
    assert b"Connection: x" not in lines
    assert lines[-2:] == [b"", b"{}"]


@given(data=st.binary(max_size=200), whole=st.booleans())
def test_any_bytes_are_an_answer_or_none(data: bytes, *, whole: bool) -> None:
    for received in (
        data,
        b"HTTP/1.1 200 OK\r\n" + data,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + data,
    ):
        try:
            parse(received, "GET", whole=whole)
        except Unanswered:
            continue


@given(st.binary(max_size=50), st.integers(0, 80))
def test_wherever_an_answer_is_cut_the_rest_completes_it(body: bytes, cut: int) -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    first = parse(answer[:cut], "GET", whole=False)
    assert first is None or (first.body == body and cut >= len(answer))
    whole = parse(answer, "GET", whole=False)
    assert whole
    assert whole.body == body


@pytest.mark.parametrize(
    ("argv", "passed", "seen"),
    [
        (("sh", "-c", "exit 0"), True, "sh exited with 0"),
        (("sh", "-c", "echo why; exit 7"), False, "sh exited with 7, expected 0: why"),
        (("sh", "-c", 'test "$PORT" = {port}'), True, "exited with 0"),
        (("sh", "-c", "sleep 5"), False, "sh did not end within 0.5 s"),
        (("no-such-command",), False, "cannot be run"),
        (("sh", "-c", "yes | head -c 300000; exit 1"), False, "exited with 1"),
    ],
)
def test_a_command_must_exit_with_0(argv: tuple[str, ...], seen: str, *, passed: bool) -> None:
    outcome = asyncio.run(checks.ask(CommandCheck(argv), spec(8080), 0.5))
    assert outcome.passed is passed
    assert seen in outcome.seen
    assert len(outcome.seen) < 400
