"""From a host's name to the addresses that may be connected to: resolved once, checked, and then used as they are.

Whoever connects to what is returned here, and not to the name again, cannot be led elsewhere by another answer.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence

from headgate.ports.errors import Permanent
from headgate.ports.reach import Bounds, literal

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
