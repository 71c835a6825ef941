"""HTTP/1.1 as proxies and browsers speak it, and a stop that loses nothing."""

import asyncio
import socket
import time

import pytest

from headgate.lab.load.address import parse_address
from headgate.lab.load.client import ConnectError, Pool
from tests.examples.shops import OpenShop, Shop, ask

LIVE = b"GET /healthz/live HTTP/1.1\r\nhost: shop\r\n\r\n"
OK = b'{"status":"ok"}'


def talk(shop: Shop, *parts: bytes) -> bytes:
    """Everything that is answered until the shop hangs up; the client says that it is done after the last part."""
    with shop.socket() as client:
        for part in parts:
            client.sendall(part)
            time.sleep(0.02)
        client.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: client.recv(65536), b""))


def test_a_connection_serves_many_requests(open_shop: OpenShop) -> None:
    connection = open_shop().connection()
    connection.connect()
    ours = connection.sock.getsockname()
    for _ in range(50):
        answer = ask(connection, "GET", "/healthz/live")
        assert answer.headers["connection"] == "keep-alive"
    assert connection.sock.getsockname() == ours
    connection.close()


def test_requests_that_are_sent_ahead_are_answered_in_order(open_shop: OpenShop) -> None:
    page = b"GET / HTTP/1.1\r\nhost: shop\r\n\r\n"
    said = talk(open_shop(), LIVE + page + LIVE + b"GET /nothing HTTP/1.1\r\n\r\n")
    order = [said.index(OK), said.index(b"<h1>"), said.rindex(OK), said.index(b"404 Not Found")]
    assert order == sorted(order)
    assert said.count(b"HTTP/1.1 ") == 4


def test_a_request_may_come_in_pieces(open_shop: OpenShop) -> None:
    post = b'POST /cart HTTP/1.1\r\nhost: shop\r\ncontent-length: 14\r\n\r\n{"item":"mug"}'
    said = talk(open_shop(), post[:3], post[3:40], post[40:60], post[60:])
    assert said.startswith(b"HTTP/1.1 201 Created\r\n")


@pytest.mark.parametrize(
    ("request_bytes", "connection"),
    [
        (LIVE[:-2] + b"connection: close\r\n\r\n", b"close"),
        (LIVE.replace(b"1.1", b"1.0"), b"close"),
        (LIVE.replace(b"1.1", b"1.0")[:-2] + b"connection: keep-alive\r\n\r\n", b"keep-alive"),
    ],
)
def test_who_wants_it_closed_gets_it_closed(
    request_bytes: bytes, connection: bytes, open_shop: OpenShop
) -> None:
    with open_shop().socket() as client:
        client.sendall(request_bytes)
        said = client.recv(65536)
        assert b"connection: " + connection + b"\r\n" in said
        if connection == b"close":
            assert client.recv(1) == b""


def test_head_has_no_body(open_shop: OpenShop) -> None:
    said = talk(open_shop(), b"HEAD /healthz/live HTTP/1.1\r\nhost: shop\r\n\r\n" + LIVE)
    assert said.count(b"content-length: 15\r\n") == 2
    assert said.count(OK) == 1


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"nonsense\r\n\r\n", b"400 Bad Request"),
        (b"GET / HTTP/2\r\n\r\n", b"400 Bad Request"),
        (b"GET / HTTP/1.1\r\nno colon\r\n\r\n", b"400 Bad Request"),
        (b"GET / HTTP/1.1\r\nhost : shop\r\n\r\n", b"400 Bad Request"),
        (b"POST / HTTP/1.1\r\ncontent-length: -1\r\n\r\n", b"400 Bad Request"),
        (b"POST / HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n", b"400 Bad Request"),
        (b"POST / HTTP/1.1\r\ncontent-length: 70000\r\n\r\n", b"413 "),
        (b"GET / HTTP/1.1\r\nx: " + b"x" * 20000 + b"\r\n\r\n", b"431 "),
        (b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", b"501 "),
    ],
)
def test_what_is_not_http_is_refused_and_the_connection_ends(
    request_bytes: bytes, status: bytes, open_shop: OpenShop
) -> None:
    said = talk(open_shop(), request_bytes + LIVE)
    assert said.startswith(b"HTTP/1.1 " + status)
    assert said.count(b"HTTP/1.1 ") == 1
    assert b"connection: close\r\n" in said


def test_a_quiet_connection_is_closed_after_its_time_and_not_before(open_shop: OpenShop) -> None:
    shop = open_shop("v1", SHOP_IDLE_S="0.4")
    with shop.socket() as client:
        client.sendall(LIVE)
        assert client.recv(65536).endswith(OK)
        began = time.monotonic()
        assert client.recv(1) == b""
        assert time.monotonic() - began >= 0.3


# --- stopping -----------------------------------------------------------------------------------------------


def test_a_stop_answers_what_is_in_flight_and_takes_nothing_new(open_shop: OpenShop) -> None:
    # Of these twelve, the last to arrive waits 400 ms or more for the audit log.
    shop = open_shop("v4-slow-tail")
    connections = [shop.connection() for _ in range(12)]
    for connection in connections[:11]:
        assert ask(connection, "GET", "/catalogue").status == 200
    slow = connections[11]
    slow.request("GET", "/catalogue")
    assert shop.ask("GET", "/healthz/live").status == 200  # sent later, so the slow one has arrived by now
    began = time.monotonic()
    shop.terminate()
    answer = slow.getresponse()
    assert (answer.status, answer.headers["connection"]) == (200, "close")
    assert len(answer.read()) > 1000
    assert shop.wait() == (0, "")
    assert time.monotonic() - began < 5
    with pytest.raises(ConnectionRefusedError):
        shop.socket()
    for connection in connections:
        connection.close()


def test_a_stop_loses_no_request_of_busy_clients(open_shop: OpenShop) -> None:
    """Eight clients that never pause: each gets an answer to all it sent, and then is told to go."""
    # The grace is long for the sake of slow machines; it costs no time, for all clients leave by themselves.
    shop = open_shop("v1", SHOP_GRACE_S="10", SHOP_DRAIN_S="20")
    answered = asyncio.run(stop_under(shop, clients=8, after=200))
    assert shop.wait() == (0, "")
    assert len(answered) == 8
    assert sum(answered) >= 200


async def stop_under(shop: Shop, *, clients: int, after: int) -> list[int]:
    """How many answers each client had when it was told to go. A request without an answer raises."""
    total = 0

    async def client() -> int:
        nonlocal total
        pool = Pool(parse_address(shop.url))
        count = 0
        while True:
            try:
                response = await pool.exchange("GET", "/catalogue", (), None)
            except ConnectError:
                assert count > 0
                return count
            assert response.status == 200
            count, total = count + 1, total + 1
            if total == after:
                shop.terminate()
            if response.header("connection") == "close":
                return count

    return list(await asyncio.gather(*(client() for _ in range(clients))))


def test_quiet_connections_do_not_hold_up_a_stop(open_shop: OpenShop) -> None:
    shop = open_shop()
    connection = shop.connection()
    ask(connection, "GET", "/healthz/live")
    began = time.monotonic()
    assert shop.stop() == (0, "")
    assert time.monotonic() - began < 3  # about 0.4 s; the rest is for a busy machine
    connection.close()


def test_who_asks_while_it_stops_is_answered_and_told(open_shop: OpenShop) -> None:
    shop = open_shop("v1", SHOP_GRACE_S="10", SHOP_DRAIN_S="20")
    first, second = shop.connection(), shop.connection()
    for connection in (first, second):
        ask(connection, "GET", "/healthz/live")
    shop.terminate()
    while True:  # the signal takes its time
        ready = ask(first, "GET", "/healthz/ready")
        if ready.status == 503:
            break
    assert ready.json()["status"] == "stopping"
    assert ready.headers["connection"] == "close"
    assert ask(second, "GET", "/catalogue").status == 200
    assert shop.wait() == (0, "")
    first.close()
    second.close()
