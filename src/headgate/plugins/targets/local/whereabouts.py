"""Where an instance listens, by the kernel's own tables: at which port, and for this host alone or for others."""

import asyncio
import contextlib
import ipaddress
import os
import socket
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import NamedTuple

import psutil

from headgate import marks
from headgate.plugins.targets.local.record import Spec

_LISTEN, _LOCAL, _STATE, _INODE = "0A", 1, 3, 9
_TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))

PATIENT_S, TOLD_PATIENT_S = 1.2, 10.0
"""How long an instance may serve elsewhere and not at its port: where its command names the port, it may yet come."""


class Listener(NamedTuple):
    """A socket that takes connections; `host` as it was bound, `0.0.0.0` and `::` mean all addresses."""

    host: str
    port: int

    def __str__(self) -> str:
        """`host:port`."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def listeners(pid: int) -> frozenset[Listener]:
    """Every TCP socket at which process `pid`, and all that it has started, listens; as far as that can be seen."""
    inodes = set(_sockets(_family(pid)))
    return frozenset(listener for inode, listener in _listening() if inode in inodes)


def held_by_another(pid: int, port: int) -> bool:
    """True when an instance of another program, of whatever home, listens on the port, and not process `pid`.

    Two homes may choose one port at one moment; then one of them answers for both until the other has noticed.
    """
    there = {inode for inode, listener in _listening() if listener.port == port}
    if not there or there & set(_sockets(_family(pid))):
        return False
    carrying = marks.marked()
    own = carrying.get(pid)
    others = (one for one, mark in carrying.items() if own is not None and mark != own)
    return bool(there & set(_sockets(others)))


def reachable(listener: Listener) -> str:
    """The address at which this host reaches a listener."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(listener.host, listener.host)  # noqa: S104 - compared


def host_to_reach(spec: Spec, found: Collection[Listener]) -> str | None:
    """The address at which the instance listens on its port, where that is not the spec's; None: it is."""
    hosts = {one.host for one in found if one.port == spec.port}
    if not hosts or hosts & {spec.host, "0.0.0.0", "::ffff:127.0.0.1"}:  # noqa: S104 - compared
        return None
    if hosts == {"::"}:  # which takes IPv4 as well, unless it was told not to
        return None if _connects(spec.host, spec.port) else "::1"
    return min(hosts - {"::"}, key=lambda host: (not ipaddress.ip_address(host).is_loopback, host))


def exposed(port: int, found: Collection[Listener]) -> bool:
    """True when others than this host may reach it there."""
    return any(one.port == port and not ipaddress.ip_address(one.host).is_loopback for one in found)


def astray(spec: Spec, found: Collection[Listener]) -> str:
    """What to say of an instance that listens, and not at its port; empty: it does, or not at all yet."""
    if not found or any(one.port == spec.port for one in found):
        return ""
    where = ", ".join(str(one) for one in sorted(found)[:3])
    return (
        f"it listens at {where}, and not at port {spec.port}, which it was given: have its command pass `{{port}}` on "
        "(`run: ... --port {port}`), or have it read the variable PORT"
    )


def patience_s(spec: Spec) -> float:
    """How long it may be astray."""
    told = any(str(spec.port) in word or "PORT" in word for word in spec.argv)
    return TOLD_PATIENT_S if told else PATIENT_S


def _family(pid: int) -> Iterator[int]:
    """The process and what it has started: whatever carries its mark, or else its descendants."""
    yield pid
    carrying = marks.marked()
    if mark := carrying.get(pid):
        yield from (one for one, found in carrying.items() if found == mark and one != pid)
        return
    with contextlib.suppress(psutil.Error):
        yield from (child.pid for child in psutil.Process(pid).children(recursive=True))


def _sockets(pids: Iterator[int]) -> Iterator[str]:
    for pid in pids:
        with contextlib.suppress(OSError):
            for entry in Path(f"/proc/{pid}/fd").iterdir():
                with contextlib.suppress(OSError):
                    target = os.readlink(entry)  # noqa: PTH115 - `socket:[7]` is no path
                    if target.startswith("socket:["):
                        yield target[8:-1]


def _listening() -> Iterator[tuple[str, Listener]]:
    for table in _TABLES:
        try:
            lines = table.read_text().splitlines()[1:]
        except OSError:
            continue
        for row in (line.split(maxsplit=10) for line in lines):
            if row[_STATE] == _LISTEN:
                host, _, port = row[_LOCAL].rpartition(":")
                yield row[_INODE], Listener(_address(host), int(port, 16))


def _address(digits: str) -> str:
    """An address as the kernel prints it: words of four bytes, each in the machine's own order."""
    words = [bytes.fromhex(digits[at : at + 8])[::-1] for at in range(0, len(digits), 8)]
    address = ipaddress.ip_address(b"".join(words))
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return f"::ffff:{mapped}" if mapped is not None else str(address)


def _connects(host: str, port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection((host, port), 0.5):
        return True
    return False


# Who listens and who is connected, as the kernel's tables show it: looking on, without touching any port.

POLL_S = 0.05
_ESTABLISHED = "01"


async def drained(ports: Collection[int], within_s: float) -> bool:
    """Wait until no connection to any of `ports` is open; False when some still are after `within_s` seconds.

    A proxy that keeps an idle connection open looks like one that waits for an answer: then the whole time passes.
    """
    clock = asyncio.get_running_loop().time
    deadline = clock() + within_s
    while connections(ports):
        if clock() >= deadline:
            return False
        await asyncio.sleep(min(POLL_S, max(0.0, deadline - clock())))
    return True


def connections(ports: Collection[int]) -> int:
    """How many connections that were made to `ports` are open now."""
    return _count(_ESTABLISHED, ports)


def listening(port: int) -> bool:
    """True when something on this host listens on `port`."""
    return _count(_LISTEN, (port,)) > 0


def _count(state: str, ports: Collection[int]) -> int:
    return sum(_count_in(table, state, ports) for table in _TABLES) if ports else 0


def _count_in(table: Path, state: str, ports: Collection[int]) -> int:
    try:
        lines = table.read_text().splitlines()[1:]
    except OSError:
        return 0
    rows = (line.split(maxsplit=4) for line in lines)
    return sum(1 for row in rows if row[3] == state and int(row[1].rpartition(":")[2], 16) in ports)
