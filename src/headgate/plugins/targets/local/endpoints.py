"""Ports for instances: free ones of a range, kept for as long as the instance exists."""

import errno
import hashlib
import socket
from collections.abc import Iterable, Sequence
from pathlib import Path

from headgate.plugins.targets.local.record import Endpoint
from headgate.ports import Permanent

HOST = "127.0.0.1"
PORTS = range(20_000, 30_000)
"""Below the ports that Linux gives to outgoing connections (32768 on), so that none of those is ever in our way."""

_EPHEMERAL = Path("/proc/sys/net/ipv4/ip_local_port_range")


def allocate(
    names: Iterable[str], taken: Iterable[int], ports: Sequence[int] = PORTS
) -> tuple[Endpoint, ...]:
    """A free port for each name, none of them in `taken`. The caller holds the home's lock on ports.

    Where the search begins depends on the name, so two homes on one machine seldom try the same port.
    Raises Permanent when no port is left.
    """
    used = set(taken)
    candidates = usable(ports)
    found: list[Endpoint] = []
    for name in names:
        first = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4]) % len(candidates)
        turned = (candidates[(first + step) % len(candidates)] for step in range(len(candidates)))
        port = next((port for port in turned if port not in used and is_free(port)), None)
        if port is None:
            raise Permanent(f"no port of {ports[0]}-{ports[-1]} is free for {name}")
        used.add(port)
        found.append(Endpoint(name, HOST, port))
    return tuple(found)


def usable(ports: Sequence[int]) -> Sequence[int]:
    """`ports` without those that the kernel gives to outgoing connections, unless that would leave none."""
    try:
        low, high = (int(word) for word in _EPHEMERAL.read_text().split())
    except (OSError, ValueError):
        return ports
    return [port for port in ports if not low <= port <= high] or ports


def is_free(port: int) -> bool:
    """True when nothing listens on `port`, at any address of this host."""
    with socket.socket() as probe:
        if not _binds(probe, "", port):
            return False
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            return _binds(probe, "::", port)
    except OSError:  # a host without IPv6
        return True


def _binds(probe: socket.socket, host: str, port: int) -> bool:
    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        probe.bind((host, port))
    except OSError as error:
        if error.errno in (errno.EADDRINUSE, errno.EACCES):
            return False
        raise
    return True
