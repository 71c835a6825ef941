"""One question over a connection of its own, without an event loop. Light: commands that only read load no asyncio."""

import contextlib
from socket import socket

from headgate.ipc.frames import framed, receive_frame
from headgate.ipc.messages import Answer, Ask, Question, reply, written


def asked_once(connection: socket, ask: Ask) -> Answer:
    """The answer; the connection ends with it, and its own time-out counts for each part.

    Raises OSError, Broken, and ValueError for what is no answer.
    """
    with contextlib.closing(connection):
        connection.sendall(framed(written(Question(1, ask))))
        return reply(receive_frame(connection)).answer
