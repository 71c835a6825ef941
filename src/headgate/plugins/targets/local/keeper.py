"""Looks after every instance of a home: `python -m headgate.plugins.targets.local.keeper HOME MODULE:NAME [GUARDS]`.

It probes liveness and readiness, holds instances to their memory limits and starts again what the supervisor has given
up, whether or not any controller runs. It knows what is to run from the target's files, and says in its log what it did
and why. Its own supervisor's death it notices at once, has another one take over, and ends: that one starts it again.
`GUARDS`, `module:name`, makes what else is looked after (see `ports.guard`) from the home and its processes.
"""

import asyncio
import importlib
import logging
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from headgate.plugins.targets.local.footprint import footprints
from headgate.plugins.targets.local.layout import Layout, VersionFolder
from headgate.plugins.targets.local.watch import Watch
from headgate.ports import Permanent, PortError
from headgate.ports.guard import Guard, Trouble, write_troubles
from headgate.ports.processes import Lasting, ProcessStatus

ROUND_S = 0.5
PARENT_S = 0.1
"""How often it looks whether its supervisor lives."""

REVIVALS_MAX = 1000

MEMORY_ROUNDS = 2
"""Memory is measured every other round."""

log = logging.getLogger("headgate.keeper")


class Keeper:
    """The watches of a home, kept in step with what is to run."""

    def __init__(self, home: Path, processes: Lasting, guards: Sequence[Guard] = ()) -> None:
        self._layout = Layout(home)
        self._processes = processes
        self._guarding = Guarding(home, guards)
        self._watches: dict[str, tuple[Watch, asyncio.Task[None]]] = {}
        self._statuses: dict[str, ProcessStatus] = {}
        self._round_count = 0

    async def run(self) -> None:
        """Look after the home until our own supervisor is gone; then have another one take over what runs."""
        parent = os.getppid()
        log.info("keeper: looking after %s", self._layout.home)
        rounds = [asyncio.create_task(self._rounds(parent)), asyncio.create_task(self._guarding.run())]
        try:
            while os.getppid() == parent and self._layout.home.is_dir():  # noqa: ASYNC110 - a process, no event
                await asyncio.sleep(PARENT_S)
        finally:
            for task in rounds:
                task.cancel()
            await asyncio.gather(*rounds, return_exceptions=True)
        if self._layout.home.is_dir():
            await self._revive()

    async def _revive(self) -> None:
        log.warning("keeper: the process daemon is gone; another one takes over what it ran")
        for _ in range(REVIVALS_MAX):
            try:
                await self._processes.revive()
            except PortError as error:
                log.error("keeper: %s", error)  # noqa: TRY400 - what stands in its way: no traceback
                await asyncio.sleep(ROUND_S)
            else:
                return

    async def _rounds(self, parent: int) -> None:
        while True:
            try:
                await self._round()
            except PortError as error:
                if os.getppid() == parent:  # else it is known why
                    log.warning("keeper: %s", error)
            await asyncio.sleep(ROUND_S)

    async def _round(self) -> None:
        self._round_count += 1
        self._statuses = {status.name: status for status in await self._processes.list()}
        await self._reap()
        wanted = {watch.name: watch for folder in self._layout.running() for watch in self._wanted(folder)}
        for name in self._watches.keys() - wanted.keys():
            self._watches.pop(name)[1].cancel()
        for name in wanted.keys() - self._watches.keys():
            watch = wanted[name]
            self._watches[name] = (watch, asyncio.create_task(watch.run(), name=name))
        if self._round_count % MEMORY_ROUNDS == 0:
            await self._hold_to_memory()

    def _wanted(self, folder: VersionFolder) -> list[Watch]:
        try:
            desired = folder.desired()
        except Permanent as error:
            log.error("keeper: %s", error)  # noqa: TRY400 - a broken file, not a defect of ours: no traceback
            return []
        if desired is None:
            return []
        names = desired.prepared
        return [
            Watch(folder, name, desired.configuration, self._processes, self._statuses_get) for name in names
        ]

    def _statuses_get(self, name: str) -> ProcessStatus | None:
        return self._statuses.get(name)

    async def _reap(self) -> None:
        """A watch that failed is reported, and made anew in this round."""
        for name, (_, task) in list(self._watches.items()):
            if task.done():
                del self._watches[name]
                error = None if task.cancelled() else task.exception()
                if isinstance(error, PortError):
                    log.warning("%s: %s", name, error)
                elif error is not None:
                    log.error("%s: the watch broke", name, exc_info=error)

    async def _hold_to_memory(self) -> None:
        limited = {
            status.pid: (watch, watch.memory_max_bytes)
            for name, (watch, _) in self._watches.items()
            if watch.memory_max_bytes is not None and (status := self._statuses.get(name)) and status.pid
        }
        if not limited:
            return
        for pid, used in (await asyncio.to_thread(footprints, tuple(limited))).items():
            watch, limit = limited[pid]
            if used > limit:  # at once, however often: waiting would endanger everything else on this host
                watch.demand = f"it uses {used / 1e6:.1f} MB of memory, and {limit / 1e6:.1f} MB are allowed"


def main(home: str, made_of: str, guards: str = "") -> int:
    """Run the keeper of `home`; `made_of` is `module:name` of what makes a `Processes` from a home."""
    logging.basicConfig(stream=sys.stdout, level=logging.INFO, format="%(asctime)s %(message)s")
    processes: Lasting = _named(made_of)(Path(home))
    found: Sequence[Guard] = _named(guards)(Path(home), processes) if guards else ()
    asyncio.run(Keeper(Path(home), processes, found).run())
    return 0


def _named(what: str) -> Any:  # noqa: ANN401 - whatever has that name
    module, _, name = what.partition(":")
    return getattr(importlib.import_module(module), name)


# Has the home's guards look, each on its own, and says what they found: in the log when it is news, and in a file.

LOOK_S = 1.0
BROKEN_S = 10.0
"""How long a guard rests that failed in a way nobody foresaw."""


class Guarding:
    """The guards of `home`. `look_s` is how long one rests between two looks."""

    def __init__(self, home: Path, guards: Sequence[Guard], look_s: float = LOOK_S) -> None:
        self._home = home
        self._guards = guards
        self._look_s = look_s
        self._found: dict[int, tuple[Trouble, ...]] = {}
        self._written: tuple[Trouble, ...] = ()

    async def run(self) -> None:
        """Look, until cancelled."""
        self._write(())  # what a keeper before this one wrote
        await asyncio.gather(*(self._watch(number, guard) for number, guard in enumerate(self._guards)))

    async def _watch(self, number: int, guard: Guard) -> None:
        while True:
            rest_s = self._look_s
            try:
                found = await guard.look()
            except PortError as error:
                found = (Trouble(type(guard).__name__, str(error)),)
            except Exception:
                log.exception("keeper: %s broke; it looks again in %.0f s", type(guard).__name__, BROKEN_S)
                found, rest_s = (), BROKEN_S
            self._note(number, found)
            await asyncio.sleep(rest_s)

    def _note(self, number: int, found: tuple[Trouble, ...]) -> None:
        """Date what is new, log what is news, and write all down."""
        before = {trouble.about: trouble for trouble in self._found.get(number, ())}
        now = time.time()
        dated = tuple(
            msgspec.structs.replace(one, since=before[one.about].since if one.about in before else now)
            for one in found
        )
        for one in dated:
            if one.about not in before or one.what != before[one.about].what:
                log.warning("%s", one)
        for about in before.keys() - {one.about for one in dated}:
            log.info("%s: well again after %.1f s", about, now - before[about].since)
        self._found[number] = dated
        everything = tuple(one for key in sorted(self._found) for one in self._found[key])
        if everything != self._written:
            self._write(everything)

    def _write(self, troubles: tuple[Trouble, ...]) -> None:
        try:
            write_troubles(self._home, troubles)
        except OSError as error:
            log.warning("keeper: cannot write down what is wrong: %s", error)
        else:
            self._written = troubles


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
