"""Who listens and who is connected, as the kernel's tables show it: looking on, without touching any port."""

import asyncio
from collections.abc import Collection
from pathlib import Path

POLL_S = 0.05
_ESTABLISHED, _LISTEN = "01", "0A"
_TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))


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
