"""To the safe side without controller and ledger: `python -m headgate.plugins.traffic.envoy.retreat HOME WHY`.

What Envoy's route files say of themselves is enough: where a canary is exposed and stable answers, all traffic goes to
stable. The files are written first and confirmed afterwards; what was done is left in `run/retreated.json` of the home
for the controller that comes back.
"""

import asyncio
import contextlib
import socket
import sys
import time
from collections.abc import AsyncGenerator
from pathlib import Path

from msgspec.structs import replace

from headgate.core.machine.events import EffectId
from headgate.core.model import Version
from headgate.plugins.traffic.envoy import confirmation
from headgate.plugins.traffic.envoy.admin import Admin, admin_socket
from headgate.plugins.traffic.envoy.clusters import address_of
from headgate.plugins.traffic.envoy.files import Folder, resources, size, version_of
from headgate.plugins.traffic.envoy.names import unit_name
from headgate.plugins.traffic.envoy.routes import Applied
from headgate.plugins.traffic.envoy.threads import in_thread
from headgate.plugins.traffic.envoy.way_back import WayBack
from headgate.ports.errors import PortError, Temporary
from headgate.ports.retreat import Retreated, note_retreats

CONNECT_S = 1.0
LOCK_S = 3.0
"""How long another writer is waited for: one that hangs in the middle keeps nobody from safety."""


async def retreat(home: Path, reason: str) -> tuple[Retreated, ...]:
    """Take every exposed canary off the traffic, where stable answers; the preview still reaches it. Returns the units.

    Where a unit's file cannot be written, Envoy is told by its runtime, which it forgets when it dies: call it again.
    Raises Temporary when neither can be done; what was done until then is noted all the same.
    """
    folder, admin = Folder(home / "envoy"), Admin(admin_socket(home))
    done: list[Retreated] = []
    async with _one_writer(folder):
        try:
            for applied in folder.every_applied():
                found = _safe(applied, reason)
                if found is not None and await in_thread(_answers, folder, found.after.stable):
                    way = WayBack(folder, admin, applied, found.effect, found.after)
                    await _take_back(way)
                    done.append(found)
        finally:
            with contextlib.suppress(OSError):  # the disk may be what keeps the file from being written, too
                note_retreats(home, done)
    for one in done:
        await _confirm(admin, folder, one)
    return tuple(done)


async def _take_back(way: WayBack) -> None:
    """By the files, or by the runtime where those cannot be written. Raises Temporary when neither can be done."""
    in_the_way = await in_thread(way.write)
    if not in_the_way:
        return
    try:
        await way.switch_off()
    except Temporary as error:
        raise Temporary(f"{in_the_way}; nor can the proxy be told otherwise ({error})") from error


def _safe(applied: Applied, reason: str) -> Retreated | None:
    """The way back for one unit; None where nobody reaches a canary, stable is not there, or going back is illegal.

    Its effect is newer than the newest that its release has applied, and older than any of a later event.
    """
    before = applied.routing
    if not before.exposed or before.one_way or before.stable is None or not applied.effects:
        return None
    last = applied.effects[-1]
    effect = EffectId(last.release, last.sequence, last.n + 1)
    after = replace(before, weight=0, matches=(), mirror=0, fresh=None)
    return Retreated(before.unit, last.release, time.time(), reason, effect, before, after)


def _answers(folder: Folder, stable: Version | None) -> bool:
    """True when an instance of `stable` takes connections: to nobody at all, traffic is not sent."""
    if stable is None:
        return False
    for assignment in resources(folder.endpoints(stable)):
        for locality in assignment.get("endpoints", ()):
            for one in locality.get("lb_endpoints", ()):
                host, _, port = address_of(one["endpoint"]["address"]).rpartition(":")
                with contextlib.suppress(OSError):
                    socket.create_connection((host.strip("[]"), int(port)), CONNECT_S).close()
                    return True
    return False


@contextlib.asynccontextmanager
async def _one_writer(folder: Folder) -> AsyncGenerator[None]:
    """Hold the folder's lock; after LOCK_S go on without it."""
    async with contextlib.AsyncExitStack() as held:
        with contextlib.suppress(Temporary):
            await held.enter_async_context(folder.locked(wait_s=LOCK_S))
        yield


async def _confirm(admin: Admin, folder: Folder, done: Retreated) -> None:
    """Wait until Envoy acts by it. Where it does not say so, the proxy's guard has it read the file again."""
    name, version = (
        confirmation.routes_of(unit_name(done.unit)),
        version_of(folder.routes(done.unit).read_bytes()),
    )
    with contextlib.suppress(PortError):
        await confirmation.wait(admin, {name: version}, {}, folder.log, size(folder.log))


def main(home: str, reason: str = "a person asked for it") -> int:
    """Retreat, and say from what."""
    for one in asyncio.run(retreat(Path(home), reason)):
        sys.stdout.write(
            f"{one.unit}: all traffic is on {one.after.stable} ({one.release} had {one.before.weight}%)\n"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
