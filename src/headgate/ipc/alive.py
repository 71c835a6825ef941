"""A question whether the controller answers: the kernel takes a connection for a process that hangs, too."""

import asyncio
from pathlib import Path

from headgate.ipc.frames import Broken
from headgate.ipc.messages import Healthy, HowAreYou
from headgate.ipc.once import asked_once
from headgate.unix_sockets import connect


async def answers(path: Path, within_s: float) -> bool:
    """True when whoever listens at the steering socket `path` says how it is within so many seconds."""
    return await asyncio.to_thread(_asked, path, within_s)


def _asked(path: Path, within_s: float) -> bool:
    try:
        return isinstance(asked_once(connect(path, within_s), HowAreYou()), Healthy)
    except (OSError, Broken, ValueError):
        return False
