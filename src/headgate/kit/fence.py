"""Holds a library that connects by itself within bounds: what it connects to in this context is looked at as it does.

By Python's audit hooks (PEP 578), which see each address that a socket is about to be connected to, after every
resolution, redirect and proxy. Meant for libraries that are trusted and know no such bounds, not as a prison for
others: a thread of theirs that is given another context (`contextvars`) is not held.
"""

import asyncio
import contextlib
import socket
import sys
from collections.abc import Awaitable, Callable, Generator, Sequence
from contextvars import ContextVar
from functools import lru_cache
from typing import cast

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


# From a host's name to the addresses that may be connected to: resolved once, checked, and then used as they are.
#
# Whoever connects to what is returned here, and not to the name again, cannot be led elsewhere by another answer.

ADDRESSES_MAX = 8
"""So many addresses of a name are tried; all of its addresses are checked."""

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""The addresses of a name, for a port. Raises OSError."""


async def resolve(host: str, port: int) -> tuple[str, ...]:
    """As the system has it, in the order in which they should be tried. Raises OSError."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(address[0]) for *_, address in found))


async def reachable(host: str, port: int, bounds: Bounds, resolve: Resolve = resolve) -> tuple[str, ...]:
    """The addresses to connect to. Raises Permanent where one of the host's is out of reach, OSError for no address."""
    spelt = literal(host)
    if spelt:
        require_reachable(spelt, bounds)
        return (spelt,)
    addresses = await resolve(host, port)
    for address in addresses:
        require_reachable(address, bounds, host)
    if not addresses:
        raise OSError(f"{host} has no address")
    return tuple(addresses[:ADDRESSES_MAX])


def require_reachable(address: str, bounds: Bounds, name: str = "") -> None:
    """Raises Permanent where `address`, to which `name` resolves, may not be connected to."""
    if objection := bounds.objection(address, name):
        raise Permanent(f"{name} leads to {objection}" if name else objection)
