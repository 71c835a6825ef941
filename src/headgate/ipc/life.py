"""The life of a process beside the controller, as it sees it: its link, its limits, and its end."""

import asyncio
import contextlib
import os
import resource
import select
import socket
import sys
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path

GRACE_S = 6.0
"""Between the controller's end and ours, if our own loop does not bring it about before."""

TAKE_OVER_S = 10.0
"""How long a predecessor, whose controller has ended, may take to end."""

_HUNG_UP = select.POLLRDHUP | select.POLLHUP | select.POLLERR


Live = Callable[[Path, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
"""What the process does, until its link ends."""


def live(what: Live, nice: int = 0) -> None:
    """Be the process that `sys.argv` names: `HOME FD`. Returns when the controller has ended, or closed the link.

    `nice` is how far it steps back behind others on a busy machine.
    """
    home, link = Path(sys.argv[1]), int(sys.argv[2])
    os.nice(nice)
    raise_descriptors()
    threading.Thread(target=_end_with, args=(link,), name="link", daemon=True).start()
    with socket.socket(fileno=link) as ours:
        asyncio.run(_lived(what, home, ours))


async def _lived(what: Live, home: Path, ours: socket.socket) -> None:
    reader, writer = await asyncio.open_connection(sock=ours)
    await what(home, reader, writer)


def raise_descriptors() -> int:
    """Raise this process's soft limit on open files to the hard one; returns what it is then."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        return hard
    return soft


def _end_with(link: int) -> None:
    """End this process GRACE_S after the other side of its link has, whatever its loop is busy with."""
    poll = select.poll()
    poll.register(link, _HUNG_UP)
    poll.poll()
    threading.Event().wait(GRACE_S)
    os._exit(0)
