"""Whether a controller answers: it has to say so itself."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Generator
from pathlib import Path

import pytest

from headgate.ipc.alive import answers
from headgate.ipc.frames import framed, receive_frame
from headgate.ipc.messages import Answer, Healthy, Noted, Reply, question, written
from headgate.ports.controller import Health

SAYS: dict[str, bytes] = {
    "nothing": b"",
    "rubbish": framed(b"\xff{"),
    "a frame without an end": framed(b"{}" * 100)[:50],
    "a frame that is too long": b"\xff\xff\xff\xff",
}


@contextlib.contextmanager
def listening(path: Path, says: bytes | Answer) -> Generator[None]:
    """Somebody who takes one question and says this."""

    def serve() -> None:
        connection, _ = listener.accept()
        with contextlib.closing(connection):
            asked = question(receive_frame(connection))
            connection.sendall(
                says if isinstance(says, bytes) else framed(written(Reply(asked.number, says)))
            )

    with contextlib.closing(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)) as listener:
        listener.bind(str(path))
        listener.listen()
        server = threading.Thread(target=serve)
        server.start()
        yield
        server.join()


def test_one_that_says_how_it_is_answers(tmp_path: Path) -> None:
    with listening(tmp_path / "c.sock", Healthy(Health())):
        assert asyncio.run(answers(tmp_path / "c.sock", 5))


@pytest.mark.parametrize("says", [*SAYS.values(), Noted()], ids=[*SAYS, "another answer"])
def test_whatever_else_is_said_is_no_answer(tmp_path: Path, says: bytes | Answer) -> None:
    with listening(tmp_path / "c.sock", says):
        assert not asyncio.run(answers(tmp_path / "c.sock", 5))


def test_one_that_hangs_does_not_answer_though_the_kernel_takes_connections(tmp_path: Path) -> None:
    with contextlib.closing(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)) as listener:
        listener.bind(str(tmp_path / "c.sock"))
        listener.listen()
        assert not asyncio.run(answers(tmp_path / "c.sock", 0.05))
    assert not asyncio.run(answers(tmp_path / "none", 0.05))
