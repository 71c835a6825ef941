"""HTTP as servers really speak it."""

import asyncio

import pytest

from headgate.lab.load.address import parse_address
from headgate.lab.load.client import BODY_BYTES_MAX, BrokenError, ConnectError, Pool, Response
from tests.load.scripted import Talk, answering, reply, saying, serving, take_request


async def ask(talk: Talk, times: int = 1) -> list[Response]:
    async with serving(talk) as url:
        pool = Pool(parse_address(url))
        try:
            return [await pool.exchange("GET", "/", (), None) for _ in range(times)]
        finally:
            pool.close()


@pytest.mark.parametrize(
    ("answer", "status", "body"),
    [
        (reply(200, b"hello"), 200, b"hello"),
        (
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
            200,
            b"abcde",
        ),
        (b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nuntil the end", 200, b"until the end"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", 204, b""),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + reply(201, b"x"), 201, b"x"),
        (b"HTTP/1.0 500 Oops\r\n\r\nold", 500, b"old"),
        (reply(302, b"", "location: http://10.0.0.1/"), 302, b""),
    ],
)
def test_an_answer_is_read_however_it_is_framed(answer: bytes, status: int, body: bytes) -> None:
    (response,) = asyncio.run(ask(saying(answer)))
    assert (response.status, response.body) == (status, body)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200 OK\r\ncontent-le",
        b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n",
        b"SSH-2.0-OpenSSH_9.6\r\n\r\n",
    ],
)
def test_half_an_answer_is_a_broken_connection(answer: bytes) -> None:
    with pytest.raises(BrokenError):
        asyncio.run(ask(saying(answer)))


def test_nobody_listens() -> None:
    async def scenario() -> None:
        async with serving(saying()) as url:
            address = parse_address(url)
        with pytest.raises(ConnectError, match="no connection to 127"):
            await Pool(address).exchange("GET", "/", (), None)

    asyncio.run(scenario())


def test_connections_are_kept_alive_one_after_another() -> None:
    clients = 0

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal clients
        clients += 1
        while True:
            await take_request(reader)
            writer.write(reply(200, str(clients).encode()))

    answers = asyncio.run(ask(talk, times=5))
    assert [answer.body for answer in answers] == [b"1"] * 5


@pytest.mark.parametrize(
    "answer",
    [
        reply(200, b"x", "connection: close"),
        b"HTTP/1.0 200 OK\r\ncontent-length: 1\r\n\r\nx",
        reply() + reply(),
    ],
)
def test_a_connection_is_not_used_again_where_it_must_not_be(answer: bytes) -> None:
    clients = 0

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal clients
        clients += 1
        await take_request(reader)
        writer.write(answer)
        await reader.read()

    asyncio.run(ask(talk, times=3))
    assert clients == 3


def test_a_connection_that_the_server_closed_while_quiet_is_not_used() -> None:
    async def scenario() -> int:
        gone = asyncio.Event()
        clients = 0

        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal clients
            clients += 1
            await take_request(reader)
            writer.write(reply())
            await writer.drain()
            writer.close()
            gone.set()

        async with serving(talk) as url:
            pool = Pool(parse_address(url))
            for _ in range(3):
                gone.clear()
                assert (await pool.exchange("GET", "/", (), None)).status == 200
                await gone.wait()
                await asyncio.sleep(0.02)  # for the end of the connection to arrive
            pool.close()
        return clients

    assert asyncio.run(scenario()) == 3


def test_a_cancelled_exchange_does_not_leave_its_answer_to_the_next() -> None:
    async def scenario() -> bytes:
        hung_up = asyncio.Event()

        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            head, _ = await take_request(reader)
            if head.startswith("GET /quick"):
                writer.write(reply(200, b"quick"))
                return
            try:
                await reader.read(1)
            finally:
                hung_up.set()

        async with serving(talk) as url:
            pool = Pool(parse_address(url))
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.02):
                    await pool.exchange("GET", "/slow", (), None)
            found = (await pool.exchange("GET", "/quick", (), None)).body
            await asyncio.wait_for(hung_up.wait(), 10)  # nor does its connection stay open
            pool.close()
            return found

    assert asyncio.run(scenario()) == b"quick"


def test_a_huge_body_is_read_to_its_end_and_kept_in_part() -> None:
    huge = reply(200, b"x" * (BODY_BYTES_MAX + 5000))
    first, second = asyncio.run(ask(saying(huge, reply(200, b"y")), times=2))
    assert len(first.body) == BODY_BYTES_MAX
    assert second.body == b"y"


def test_what_is_sent() -> None:
    seen: list[tuple[str, bytes]] = []

    async def scenario() -> None:
        async def answer(head: str, body: bytes) -> bytes:
            seen.append((head.lower(), body))
            return reply()

        async with serving(answering(answer)) as url:
            pool = Pool(parse_address(url + "/shop/"))
            await pool.exchange("POST", "/cart", [("x-canary", "always")], b'{"a":1}')
            pool.close()

    asyncio.run(scenario())
    ((head, body),) = seen
    assert head.startswith("post /shop/cart http/1.1\r\nhost: 127.0.0.1:")
    assert "x-canary: always\r\n" in head
    assert "content-type: application/json\r\n" in head
    assert "content-length: 7\r\n" in head
    assert body == b'{"a":1}'
