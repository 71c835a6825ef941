"""Unix sockets in a folder of any depth: their address has room for 107 bytes, a home's path may be longer.

Such a socket is bound and reached through a descriptor of its folder (`/proc/self/fd/N/name`), so that it can stay in
the home: what lies in a temporary folder is removed by whoever cleans there, and who listens is then never found again.
"""

import contextlib
import os
import socket
import struct
from collections.abc import Generator
from pathlib import Path

ADDRESS_BYTES_MAX = 107
"""What the kernel's `sockaddr_un` holds, without the last NUL."""

_CREDENTIALS = struct.Struct("3i")  # process, user and group of whoever is at the other end


@contextlib.contextmanager
def address(path: Path) -> Generator[str]:
    """A name for the socket at `path` that is short enough, for as long as the context lasts; OSError as `open`."""
    plain = str(path)
    if len(os.fsencode(plain)) <= ADDRESS_BYTES_MAX:
        yield plain
        return
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


def connect(path: Path, timeout_s: float) -> socket.socket:
    """A connection to whoever listens at `path`; it keeps the time-out. Raises OSError when nobody does."""
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        made.settimeout(timeout_s)
        with address(path) as short:
            made.connect(short)
    except BaseException:
        made.close()
        raise
    return made


def bind(listener: socket.socket, path: Path) -> None:
    """Give `listener` the address `path`. Raises OSError when something is there already."""
    with address(path) as short:
        listener.bind(short)


def bound(path: Path) -> socket.socket:
    """A new socket at `path` that only its owner can open. Raises OSError when something is there already."""
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    mask = os.umask(0o177)
    try:
        bind(made, path)
    except BaseException:
        made.close()
        raise
    finally:
        os.umask(mask)
    return made


def listens(path: Path, timeout_s: float = 2.0) -> bool:
    """True when somebody takes connections at `path`."""
    try:
        connect(path, timeout_s).close()
    except OSError:
        return False
    return True


def listener_of(path: Path, timeout_s: float = 2.0) -> int:
    """The process that listens at `path`, as the kernel knows it; 0 when nobody takes connections there."""
    try:
        with contextlib.closing(connect(path, timeout_s)) as made:
            answer = made.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    except OSError:
        return 0
    return int(_CREDENTIALS.unpack(answer)[0])
