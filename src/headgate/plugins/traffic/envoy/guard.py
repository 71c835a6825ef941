"""Is the proxy there, does it answer, listen, and route as its files say? Asked all the time, by whoever is alive.

What is not well is mended: the program is started again, with back-off and for ever, also where it hangs; a port that a
stranger held is asked for again until it is ours; a file that Envoy has not taken in is read once more.
"""

import contextlib
import os
import socket
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

from headgate.core.model.places import reached_at
from headgate.kit.backoff import Backoff
from headgate.plugins.traffic.envoy import proxy
from headgate.plugins.traffic.envoy.admin import Admin, admin_socket
from headgate.plugins.traffic.envoy.bootstrap import Options
from headgate.plugins.traffic.envoy.files import Folder, content, resources, swap, version_of
from headgate.plugins.traffic.envoy.threads import in_thread
from headgate.ports.errors import Temporary
from headgate.ports.guard import Trouble
from headgate.ports.processes import DOWN, Processes, ProcessStatus

RESTART_FIRST_S, RESTART_MAX_S = 0.5, 10.0
AGAIN_S = 1.0
"""How long after one try Envoy is made to read a file again."""

HUNG_S = 10.0
"""An Envoy that for so long has answered nobody, at no port, hangs."""

_NOT_HTTP, _ANSWER_S = b"headgate\r\n\r\n", 1.0
"""What an Envoy that lives answers by itself, with 400: no service hears of it."""

LATE_LOOKS = 2
"""How often in a row a file must be found unread until that counts: somebody may just be delivering it."""

Place = tuple[str, int]
"""Host and port of a listener."""

_DOWN = DOWN | {"backoff"}


class ProxyGuard:
    """The Envoy of `home`, under `processes`. Where nothing was ever to be served, there is nothing to look after."""

    def __init__(
        self,
        home: Path,
        processes: Processes,
        options: Options | None = None,
        backoff: Backoff | None = None,
        hung_s: float = HUNG_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._folder = Folder(home / "envoy")
        self._admin = Admin(admin_socket(home))
        self._processes = processes
        self._options = options or Options()
        self._clock = clock
        self._hung_s = hung_s
        self._restarts = backoff or Backoff(RESTART_FIRST_S, RESTART_MAX_S, clock)
        self._again: dict[Path, float] = {}
        self._late: dict[Path, int] = {}
        self._silent_since: float | None = None
        self._waits = False

    async def look(self) -> tuple[Trouble, ...]:
        """As the port says."""
        places = dict(self._places())
        if not places:
            return ()
        found = {status.name: status for status in await self._processes.list(proxy.NAME)}.get(proxy.NAME)
        if found is None or not found.pid or found.state in _DOWN:
            return (await self._bring_back(found),)
        if not await self._admin.ready():
            return (await self._silence(found, list(places.values())),)
        self._silent_since = None
        self._restarts.well()
        held = await in_thread(listening)
        own = await in_thread(sockets_of, found.pid)
        missing = {name: port for name, (_, port) in places.items() if not held.get(port, set()) & own}
        troubles = [await in_thread(_missing, port, held.get(port, set())) for port in missing.values()]
        if missing:
            await self._read_again(self._folder.listeners)
        return (*troubles, *await self._unread(set(places) - set(missing), listeners=not missing))

    def _places(self) -> Iterator[tuple[str, Place]]:
        """Every listener that Envoy shall have, and where."""
        for one in resources(self._folder.listeners):
            address = one["address"]["socket_address"]
            yield str(one["name"]), (str(address["address"]), int(address["port_value"]))

    async def _bring_back(self, status: ProcessStatus | None) -> Trouble:
        state = "not known to the process daemon" if status is None else status.state
        waits, self._waits = state == "backoff" and not self._waits, state == "backoff"
        if waits or not self._restarts.due():  # one look long the daemon may be just about to start it
            return Trouble("proxy", f"Envoy does not run ({state})", "it is started again, with pauses")
        self._restarts.tried()
        if status is None:
            await proxy.start(self._processes, self._admin, self._folder, self._options)
        else:
            await self._processes.restart(proxy.NAME)
        return Trouble("proxy", f"Envoy does not run ({state})", "it is being started again")

    async def _silence(self, status: ProcessStatus, places: list[Place]) -> Trouble:
        """Its admin interface is silent: it is starting, it hangs, or its socket was removed: nothing heals that."""
        now, what = self._clock(), f"Envoy (process {status.pid}) does not answer at {self._admin.path}"
        if proxy.outdated(self._admin, self._folder, self._options):
            await proxy.start(self._processes, self._admin, self._folder, self._options)
            return Trouble("proxy", f"{what}: an earlier Headgate started it", "it is started anew")
        if await in_thread(_alive, places):
            self._silent_since = None
            return Trouble(
                "proxy",
                f"{what}; it serves, and takes no new routes",
                "`headgate down --all` and `up` mend it",
            )
        self._silent_since = now if self._silent_since is None else self._silent_since
        if now - self._silent_since < self._hung_s or not self._restarts.due():
            return Trouble(
                "proxy", f"{what}, nor at any port", "it may be starting; where it hangs it is started again"
            )
        self._restarts.tried()
        self._silent_since = None
        await self._processes.restart(proxy.NAME)
        return Trouble("proxy", f"{what}, nor at any port: it hangs", "it is being started again")

    async def _unread(self, names: set[str], *, listeners: bool) -> tuple[Trouble, ...]:
        """What of the files Envoy has not taken in: routes of the listeners `names`, clusters, and listeners, too."""
        files = {f"http.{file.stem}.rds.{file.stem}": file for file in self._folder.route_files()}
        wanted = {one: file for one, file in files.items() if file.stem in names}
        wanted["cluster_manager.cds"] = self._folder.clusters
        if listeners:
            wanted["listener_manager.lds"] = self._folder.listeners
        stats = await self._admin.stats(
            r"(http\..*\.rds\..*|cluster_manager\.cds|listener_manager\.lds)\.version_text"
        )
        late = {
            file
            for subscription, file in wanted.items()
            if (data := content(file)) is not None
            and stats.get(f"{subscription}.version_text") != version_of(data)
        }
        self._late = {file: self._late.get(file, 0) + 1 for file in late}
        overdue = [file for file, looks in self._late.items() if looks >= LATE_LOOKS]
        for file in overdue:
            await self._read_again(file)
        return tuple(
            Trouble(f"proxy file {file.name}", "Envoy does not act by it", "it is made to read it again")
            for file in sorted(overdue)
        )

    async def _read_again(self, file: Path) -> None:
        """Have Envoy read `file` once more; nothing happens right after the last time, or when it is being changed."""
        now = self._clock()
        if now - self._again.get(file, -AGAIN_S) < AGAIN_S:
            return
        self._again[file] = now
        try:
            async with self._folder.locked(wait_s=AGAIN_S):
                data = content(file)
                if data is not None:
                    await in_thread(swap, file, data)
        except Temporary:  # whoever holds the lock is delivering, or the disk is full: another look comes
            self._again.pop(file, None)


def _alive(places: list[Place]) -> bool:
    """True when something at one of the places says that this was not HTTP."""
    for host, port in places:
        place = reached_at(host), port
        with contextlib.suppress(OSError), socket.create_connection(place, _ANSWER_S) as made:
            made.sendall(_NOT_HTTP)
            if made.recv(1):
                return True
    return False


def _missing(port: int, holders: set[str]) -> Trouble:
    what = f"it is held by {holder(holders)}" if holders else "Envoy does not listen on it"
    return Trouble(f"port {port}", f"{what}: nobody is served there", "Envoy asks for it again and again")


# Who listens on a port, as the kernel's tables show it: looking on, without a connection that Envoy would count.

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
