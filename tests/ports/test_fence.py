"""A library that connects by itself is held within bounds, in the context that says so and nowhere else."""

import socket
import threading
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context

import pytest

from headgate.kit.fence import OutOfReachError, fenced
from headgate.ports.reach import Bounds, bounds_of

DOOR = Bounds(public=True)
HOST = "127.0.0.1"


@pytest.fixture
def port() -> Generator[int]:
    with socket.create_server((HOST, 0)) as server:
        yield server.getsockname()[1]


def test_what_is_out_of_reach_is_not_connected_to(port: int) -> None:
    with fenced(DOOR) as fence:
        for host in (HOST, "localhost"):
            with pytest.raises(ConnectionError):
                socket.create_connection((host, port), timeout=5)
        assert "127.0.0.0/8" in fence.refused or "::1" in fence.refused
    with fenced(bounds_of([HOST]).narrowed()) as fence, socket.create_connection((HOST, port), timeout=5):
        assert fence.refused == ""


def test_a_name_given_to_a_socket_cannot_be_checked(port: int) -> None:
    with fenced(DOOR), socket.socket() as client, pytest.raises(OutOfReachError, match="by its name"):
        client.connect(("localhost", port))


def test_datagrams_and_unix_sockets_count_too(port: int) -> None:
    with (
        fenced(DOOR),
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams,
        socket.socket(socket.AF_UNIX) as unix,
    ):
        with pytest.raises(OutOfReachError, match="loopback"):
            datagrams.sendto(b"x", (HOST, port))
        with pytest.raises(OutOfReachError, match="loopback"):
            datagrams.sendmsg([b"x"], [], 0, (HOST, port))
        with pytest.raises(OutOfReachError, match="unix socket"):
            unix.connect("/nowhere")


def test_threads_that_are_given_the_context_are_held(port: int) -> None:
    with fenced(DOOR) as fence, ThreadPoolExecutor(1) as pool:
        context = copy_context()
        future = pool.submit(context.run, socket.create_connection, (HOST, port), 5)
        assert isinstance(future.exception(), OutOfReachError)
        assert fence.refused


def test_other_threads_and_later_calls_are_free(port: int) -> None:
    ended: list[bool] = []

    def elsewhere() -> None:
        with socket.create_connection((HOST, port), timeout=5):
            ended.append(True)

    with fenced(DOOR):
        thread = threading.Thread(target=elsewhere)
        thread.start()
        thread.join()
    with socket.create_connection((HOST, port), timeout=5):
        assert ended == [True]
