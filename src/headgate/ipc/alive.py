"""Does the controller answer? A connection alone says little: the kernel takes it for a process that hangs."""

import asyncio
import contextlib
from pathlib import Path

from headgate.ipc.frames import Broken, framed, receive_frame
from headgate.ipc.messages import Healthy, HowAreYou, Question, reply, written
from headgate.unix_sockets import connect


async def answers(path: Path, within_s: float) -> bool:
    """True when whoever listens at the steering socket `path` says how it is within so many seconds."""
    return await asyncio.to_thread(_asked, path, within_s)


def _asked(path: Path, within_s: float) -> bool:
    try:
        with contextlib.closing(connect(path, within_s)) as connection:
            connection.sendall(framed(written(Question(1, HowAreYou()))))
            return isinstance(reply(receive_frame(connection)).answer, Healthy)
    except (OSError, Broken, ValueError):
        return False
