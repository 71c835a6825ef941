"""Wait until an instance has started and is ready, or it is certain that it will not."""

import asyncio
from collections.abc import Awaitable, Callable

import msgspec

from headgate.core.model import CommandCheck, HttpCheck, Probe, Probes
from headgate.plugins.targets.local import checks, whereabouts
from headgate.plugins.targets.local.layout import VersionFolder
from headgate.plugins.targets.local.probes import Health, Kind, ready_within_s, with_readiness
from headgate.plugins.targets.local.record import Life, Spec
from headgate.plugins.targets.local.whereabouts import listening
from headgate.ports import Temporary
from headgate.ports.processes import ProcessStatus

POLL_S = 0.03
EAGER_S = 0.1
LOOK_S = 0.3
"""How often it is looked where the instance listens."""

LAUNCHES_MAX = 3
"""A version whose process ends this often while it is prepared does not run."""

FOREGROUND = (
    "If it put itself into the background, run it in the foreground, where it is looked after: without `--daemon` or "
    '`-d`, nginx by `-g "daemon off;"`, Apache by `-DFOREGROUND`, Redis by `--daemonize no`'
)

Follow = Callable[[str, str, bool], Awaitable[None]]
"""Takes in where an instance listens: its name, the address, and whether others than this host may reach it there."""

Status = Callable[[str], Awaitable[ProcessStatus | None]]
"""What the supervisor says of the program with this name now; None when it has none."""


class NotReady(Exception):  # noqa: N818 - a state of affairs
    """Instance `name` will not become ready; the message says why. `port_taken`: another port may help."""

    def __init__(self, name: str, reason: str, *, port_taken: bool = False) -> None:
        super().__init__(reason)
        self.name = name
        self.port_taken = port_taken


class Arrival:
    """One instance on its way. One that `was_ready` in its present life is not asked for its startup again.

    `follow` is told where it listens, once that is known: at which address, and whether others may reach it there.
    """

    def __init__(
        self,
        folder: VersionFolder,
        spec: Spec,
        probes: Probes,
        status: Status,
        *,
        follow: Follow | None = None,
        was_ready: bool = False,
    ) -> None:
        self._folder = folder
        self._spec = spec
        self._probes = with_readiness(probes)
        self._status = status
        self._follow = follow
        self._was_ready = was_ready
        self._listens: frozenset[whereabouts.Listener] = frozenset()
        self._looked = self._astray_since = 0.0
        self._launches = folder.life(spec.name).launches
        self._seen = "it was not asked"
        self._asked: float | None = None
        self._clock = asyncio.get_running_loop().time

    async def wait(self) -> None:
        """Return once the instance is ready. Raises NotReady, or Temporary when it was taken away meanwhile."""
        bound_s = ready_within_s(self._probes)
        deadline = self._clock() + bound_s
        while (life := await self._alive(deadline)) is not None:
            health = Health(self._probes, self._clock(), started=self._was_ready)
            if await self._ask(health, life, deadline):
                return
            self._was_ready, self._asked = False, None  # another life: everything is asked anew
        raise NotReady(self._spec.name, f"not ready after {bound_s:g} s: {self._seen}{self._elsewhere()}")

    async def _alive(self, deadline: float) -> Life | None:
        """Wait for a process; None when there is no time left. Raises NotReady when there will be none."""
        while self._clock() < deadline:
            status = await self._status(self._spec.name)
            if status is None:
                raise Temporary(f"{self._spec.name} was stopped by somebody else while it was prepared")
            life = self._folder.life(self._spec.name)
            self._give_up(status, life)
            if status.pid and life.pid == status.pid:
                return life
            await asyncio.sleep(POLL_S)
        return None

    def _give_up(self, status: ProcessStatus, life: Life) -> None:
        if life.refused and life.launches > self._launches:
            raise NotReady(self._spec.name, life.refused, port_taken=life.port_taken)
        ended = life.launches - self._launches - (1 if status.pid else 0)
        if life.left and life.launches > self._launches + 1:
            raise NotReady(self._spec.name, f"its process ended and left {life.left} running. {FOREGROUND}")
        if status.state == "fatal" or ended >= LAUNCHES_MAX:
            times = f" {ended} times" if ended > 1 else ""
            raise NotReady(
                self._spec.name, f"its process ended{times}", port_taken=listening(self._spec.port)
            )

    async def _ask(self, health: Health, life: Life, deadline: float) -> bool:
        """Probe one life until it is ready; False when it ended, or the time did."""
        while not health.ready:
            if not await self._until_due(health, life, deadline):
                return False
            due = health.due(self._clock())
            for kind in due or _eager(health):
                if await self._observe(health, kind, life, early=not due):
                    times = f"{health.probe(kind).failure_threshold} times in a row"
                    self._looked = 0.0
                    await self._look(life)
                    said = f"its {kind} probe failed {times}: {self._seen}{self._elsewhere()}"
                    raise NotReady(self._spec.name, said)
        self._looked = 0.0
        await self._look(life)
        await self._tell_where()
        if await asyncio.to_thread(whereabouts.held_by_another, life.pid, self._spec.port):
            said = f"port {self._spec.port} was taken by another process when it was about to listen"
            raise NotReady(self._spec.name, said, port_taken=True)
        return await self._lives(life)  # whoever answered was this process, not a stranger after its end

    async def _observe(self, health: Health, kind: Kind, life: Life, *, early: bool) -> bool:
        probe = health.probe(kind)
        outcome = await checks.ask(probe.check, self._spec, probe.timeout_s, life.pid)
        self._seen, self._asked = outcome.seen, self._clock()
        if early and not outcome.passed:
            return False  # asked before its time: a failure does not count
        return health.observe(kind, self._clock(), passed=outcome.passed)

    async def _until_due(self, health: Health, life: Life, deadline: float) -> bool:
        """Wait for the next probe. False: this life, or the time, has ended.

        What may be asked before its time is asked every `EAGER_S` seconds after the first: no period is waited out.
        """
        while not health.due(now := self._clock()):
            if now > deadline or not await self._lives(life):
                return False
            await self._look(life)
            if self._asked is not None and now - self._asked >= EAGER_S and _eager(health):
                return True
            await asyncio.sleep(min(POLL_S, max(0.0, health.next_due() - now)))
        return now <= deadline and await self._lives(life)

    async def _look(self, life: Life) -> None:
        """Where does it listen? Raises NotReady when that is elsewhere, and has been for longer than it may take."""
        now = self._clock()
        if now - self._looked < LOOK_S:
            return
        self._looked = now
        self._listens = await asyncio.to_thread(whereabouts.listeners, life.pid)
        host = await asyncio.to_thread(whereabouts.host_to_reach, self._spec, self._listens)
        if host is not None:
            self._spec = msgspec.structs.replace(self._spec, host=host)
            await self._tell_where()
        if not whereabouts.astray(self._spec, self._listens):
            self._astray_since = 0.0
            return
        self._astray_since = self._astray_since or now
        for_s = now - self._astray_since
        if for_s >= whereabouts.patience_s(self._spec) and (
            for_s >= whereabouts.TOLD_PATIENT_S or await self._serves_elsewhere()
        ):
            raise NotReady(self._spec.name, whereabouts.astray(self._spec, self._listens))

    async def _serves_elsewhere(self) -> bool:
        """Whether what is asked of it has an answer at another port: many a service opens one for other ends first."""
        probe = self._probes.readiness
        if probe is None or not isinstance(probe.check, HttpCheck):
            return True
        for one in self._listens:
            there = msgspec.structs.replace(self._spec, host=whereabouts.reachable(one), port=one.port)
            if (await checks.ask(probe.check, there, probe.timeout_s)).reply is not None:
                return True
        return False

    def _elsewhere(self) -> str:
        """What to add to a reason: it listens, and not where it was to."""
        found = whereabouts.astray(self._spec, self._listens)
        return f"; {found}" if found else ""

    async def _tell_where(self) -> None:
        if self._follow is not None:
            others = whereabouts.exposed(self._spec.port, self._listens)
            await self._follow(self._spec.name, self._spec.host, others)

    async def _lives(self, life: Life) -> bool:
        status = await self._status(self._spec.name)
        return (
            status is not None and status.pid == life.pid and not self._folder.life(self._spec.name).refused
        )


def _eager(health: Health) -> tuple[Kind, ...]:
    """What is due next and may be asked before its time: a pass is news then, and a failure is not counted.

    Not a command, which may cost much, nor what has to pass several times, a period apart.
    """
    return tuple(
        kind for kind in health.asked_next() if kind != "liveness" and _may_be_eager(health.probe(kind))
    )


def _may_be_eager(probe: Probe) -> bool:
    return probe.success_threshold == 1 and not isinstance(probe.check, CommandCheck)
