"""Unix sockets that only their owner can open."""

import contextlib
import socket
from collections.abc import Generator
from pathlib import Path

from headgate.folders import private_folder
from headgate.unix_sockets import bound

BACKLOG = 512


@contextlib.contextmanager
def unix_listener(path: Path) -> Generator[socket.socket]:
    """A socket at `path` that only its owner can open, gone again afterwards.

    Whoever calls holds the lock of who may listen there: a socket that is there already was left by one that died.
    """
    private_folder(path.parent)
    path.unlink(missing_ok=True)
    with contextlib.closing(bound(path)) as listener:
        listener.listen(BACKLOG)  # from now on, whoever connects waits for the server to start
        try:
            yield listener
        finally:
            path.unlink(missing_ok=True)
