"""Holds a library that connects by itself within bounds: what it connects to in this context is looked at as it does.

By Python's audit hooks (PEP 578), which see each address that a socket is about to be connected to, after every
resolution, redirect and proxy. Meant for libraries that are trusted and know no such bounds, not as a prison for
others: a thread of theirs that is given another context (`contextvars`) is not held.
"""

import contextlib
import socket
import sys
from collections.abc import Generator
from contextvars import ContextVar
from functools import lru_cache
from typing import cast

from headgate.kit.resolving import require_reachable
from headgate.ports.errors import Permanent
from headgate.ports.reach import SOCKET, Bounds, literal

_WATCHED = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg"})


class OutOfReachError(ConnectionError):
    """What the library sees: as if nobody listened there."""


class Fence:
    """What was refused inside: `refused` is the first objection, empty while there is none."""

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self.refused = ""

    def pass_or_raise(self, family: int, address: object) -> None:
        """Raises OutOfReachError."""
        try:
            self._require(family, address)
        except Permanent as error:
            self.refused = self.refused or str(error)
            raise OutOfReachError(str(error)) from None

    def _require(self, family: int, address: object) -> None:
        if address is None:  # where it is connected to already
            return
        if family not in (socket.AF_INET, socket.AF_INET6):
            if self._bounds.public:
                raise Permanent(SOCKET)
            return
        host = str(cast("tuple[object, ...]", address)[0])
        if spelt := literal(host):
            require_reachable(spelt, self._bounds)
        elif self._bounds.public:
            raise Permanent(f"{host} would be connected to by its name, which cannot be checked")


_here: ContextVar[Fence | None] = ContextVar("fence", default=None)


@contextlib.contextmanager
def fenced(bounds: Bounds) -> Generator[Fence]:
    """Within the context, nothing is connected to that is out of `bounds`."""
    _watch()
    fence = Fence(bounds)
    token = _here.set(fence)
    try:
        yield fence
    finally:
        _here.reset(token)


@lru_cache(maxsize=1)
def _watch() -> None:
    """Once, and not before somebody needs it: a hook stays as long as the process."""
    sys.addaudithook(_heard)


def _heard(event: str, arguments: tuple[object, ...]) -> None:
    if event not in _WATCHED:
        return
    fence = _here.get()
    if fence is not None and isinstance(arguments[0], socket.SocketType):
        fence.pass_or_raise(arguments[0].family, arguments[1])
