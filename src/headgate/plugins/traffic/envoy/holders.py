"""Who listens on a port, as the kernel's tables show it: looking on, without a connection that Envoy would count."""

import contextlib
import os
from collections import defaultdict
from pathlib import Path

_LISTEN = "0A"
_TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
_STATE, _LOCAL, _INODE = 3, 1, 9  # the columns of these tables


def listening() -> dict[int, set[str]]:
    """The sockets that listen on this host, by port; a socket is named as in /proc/PID/fd."""
    found: defaultdict[int, set[str]] = defaultdict(set)
    for table in _TABLES:
        with contextlib.suppress(OSError):
            for line in table.read_text().splitlines()[1:]:
                row = line.split()
                if row[_STATE] == _LISTEN:
                    found[int(row[_LOCAL].rpartition(":")[2], 16)].add(f"socket:[{row[_INODE]}]")
    return dict(found)


def sockets_of(pid: int) -> set[str]:
    """What process `pid` has open, by the same names; nothing when we may not look."""
    found: set[str] = set()
    with contextlib.suppress(OSError):
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(OSError):
                found.add(os.readlink(descriptor))  # noqa: PTH115 - no path: a name of the kernel's
    return found


def holder(sockets: set[str]) -> str:
    """Whose these sockets are, in words."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and sockets & sockets_of(int(entry.name)):
            with contextlib.suppress(OSError):
                return f"process {entry.name} ({(entry / 'comm').read_text().strip()})"
    return "another process"
