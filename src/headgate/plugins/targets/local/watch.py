"""One instance under watch: probed for as long as it lives, restarted when its probes or its memory say so."""

import asyncio
import logging
import os
from collections.abc import Callable
from pathlib import Path

import msgspec

from headgate.core.model import Configuration
from headgate.plugins.targets.local import checks
from headgate.plugins.targets.local.layout import VersionFolder
from headgate.plugins.targets.local.lock import locked
from headgate.plugins.targets.local.probes import Health, Kind
from headgate.plugins.targets.local.record import Endpoint, Life, Spec
from headgate.plugins.targets.local.redaction import Redaction
from headgate.ports.processes import DOWN, Processes, ProcessStatus

LOOK_S = 0.5
"""How often it looks whether the process is still the same one."""

STOPPED_S = 5.0
"""A program may be `stopped` this long, by somebody who restarts it, until it counts as forgotten."""

LOCK_S = 5.0

log = logging.getLogger("headgate.keeper")


class Watch:
    """The instance called `name`; `status` says what the supervisor last said of it."""

    def __init__(
        self,
        folder: VersionFolder,
        name: str,
        configuration: Configuration,
        processes: Processes,
        status: Callable[[str], ProcessStatus | None],
    ) -> None:
        self.name = name
        self.memory_max_bytes = configuration.memory_max_bytes
        self.demand = ""  # why it must be restarted at once, when others have found that out
        self._folder = folder
        self._probes = configuration.probes
        self._secrets = configuration.secrets
        self._processes = processes
        self._status = status
        self._backoff = Backoff()
        self._clock = asyncio.get_running_loop().time

    async def run(self) -> None:
        """Watch one life after another, until cancelled."""
        while True:
            life = await self._next_life()
            spec = self._folder.spec(self.name)
            if life is None or spec is None:
                await asyncio.sleep(LOOK_S)
                continue
            # A process that was found ready before we watched it need not begin anew because of us.
            ready = any(one.ready and one.pid == life.pid for one in self._endpoint())
            health = Health(self._probes, self._clock() - _age_s(life), started=ready, ready=ready)
            self.demand = ""
            await self._live(life, spec, health)

    async def restart(self, reason: str) -> bool:
        """Restart it, unless it is no longer wanted. False when it was not."""
        async with locked(self._folder.lock, LOCK_S):
            desired = self._folder.desired()
            if desired is None or self.name not in desired.prepared:
                return False
            log.warning("%s: restarting it: %s", self.name, reason)
            self._publish(0, ready=False)
            self._backoff.restarted(self._clock())
            await self._processes.restart(self.name)
        return True

    async def set_ready(self, pid: int, reason: str, *, ready: bool) -> None:
        """Publish whether its process `pid` may have traffic, and log it when that is news."""
        if all((one.ready, one.pid) == (ready, pid if ready else 0) for one in self._endpoint()):
            return
        async with locked(self._folder.lock, LOCK_S):
            if self._publish(pid, ready=ready):
                log.info("%s: %s: %s", self.name, "ready" if ready else "not ready", reason)

    async def _next_life(self) -> Life | None:
        """The process that runs now, once there is one. A program that has been given up is started again."""
        stopped_since = self._clock()
        while True:
            status = self._status(self.name)
            life = self._folder.life(self.name)
            if status is not None and status.pid and status.pid == life.pid and not life.refused:
                return life
            if status is None:
                return None
            why = f": {life.refused}" if life.refused else ""
            await self.set_ready(0, f"its process is gone ({status.state}){why}", ready=False)
            now = self._clock()
            if status.state != "stopped":
                stopped_since = now
            patient = status.state == "stopped" and now - stopped_since < STOPPED_S
            if status.state in DOWN and not patient and now >= self._backoff.due(now):
                await self.restart(f"it is {status.state}{why}")
                await asyncio.sleep(LOOK_S)  # until the supervisor's word is newer than this
            await asyncio.sleep(LOOK_S)

    async def _live(self, life: Life, spec: Spec, health: Health) -> None:
        """Probe one life until it ends."""
        if not health.ready:
            await self.set_ready(0, f"process {life.pid} has started", ready=False)
        while self._is(life):
            if self.demand and await self.restart(self.demand):
                return
            now = self._clock()
            kinds = health.due(now)
            asked = await asyncio.gather(*(self._ask(health, kind, spec, life) for kind in kinds))
            for kind, outcome in zip(kinds, asked, strict=True):
                was_ready = health.ready
                failed = health.observe(kind, now, passed=outcome.passed)
                if health.ready != was_ready:
                    await self.set_ready(life.pid, self._clean(outcome.seen, life), ready=health.ready)
                if failed and await self._restart_in_time(
                    f"its {kind} probe failed: {self._clean(outcome.seen, life)}"
                ):
                    return
            await asyncio.sleep(min(LOOK_S, max(0.0, health.next_due() - self._clock())))

    async def _restart_in_time(self, reason: str) -> bool:
        """Restart it, when it has not been restarted too often: then every further failure asks again."""
        due = self._backoff.due(self._clock())
        if self._clock() < due:
            log.warning("%s: %s; next restart in %.0f s", self.name, reason, due - self._clock())
            return False
        await self.restart(reason)
        return True

    async def _ask(self, health: Health, kind: Kind, spec: Spec, life: Life) -> checks.Outcome:
        probe = health.probe(kind)
        return await checks.ask(probe.check, spec, probe.timeout_s, life.pid)

    def _is(self, life: Life) -> bool:
        status = self._status(self.name)
        return (status is None or status.pid == life.pid) and self._folder.life(self.name).pid == life.pid

    def _endpoint(self) -> list[Endpoint]:
        return [one for one in self._folder.endpoints() if one.name == self.name]

    def _publish(self, pid: int, *, ready: bool) -> bool:
        before = self._folder.endpoints()
        found = {"ready": ready, "pid": pid if ready else 0}
        after = tuple(
            msgspec.structs.replace(one, **found) if one.name == self.name else one for one in before
        )
        self._folder.publish(after)
        return after != before

    def _clean(self, text: str, life: Life) -> str:
        return Redaction.of(self._secrets, [life.pid]).clean(text)


def _age_s(life: Life) -> float:
    """How long ago the process was started."""
    uptime_s = float(Path("/proc/uptime").read_text().split()[0])
    return max(0.0, uptime_s - life.started / os.sysconf("SC_CLK_TCK"))


# How long to wait before the next restart: Kubernetes' schedule. Pure.

FIRST_S = 10.0
MAX_S = 300.0
FORGOTTEN_AFTER_S = 600.0
"""An instance that ran this long has its past forgiven."""


class Backoff:
    """The first restart is due at once, then after 10, 20, 40 ... 300 seconds from the restart before."""

    def __init__(self) -> None:
        self._restarts = 0
        self._last = 0.0

    def due(self, now: float) -> float:
        """When the next restart may happen, at the earliest; seconds on the clock of `now`."""
        if self._restarts and now - self._last > FORGOTTEN_AFTER_S:
            self._restarts = 0
        if not self._restarts:
            return now
        return float(self._last + min(MAX_S, FIRST_S * 2 ** min(self._restarts - 1, 10)))

    def restarted(self, now: float) -> None:
        """It was restarted at `now`."""
        self._restarts += 1
        self._last = now
