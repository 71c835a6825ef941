"""The instances of a version as a whole: arranged, brought up, dropped. One change at a time, by the version's lock."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import msgspec

from headgate.core.machine.events import EffectId
from headgate.plugins.targets.local import effect_log, endpoints, launch, whereabouts, worktree
from headgate.plugins.targets.local.arrival import Arrival, NotReady
from headgate.plugins.targets.local.instance import program, specify
from headgate.plugins.targets.local.layout import Layout, VersionFolder
from headgate.plugins.targets.local.lock import locked
from headgate.plugins.targets.local.record import Desired, Endpoint, Spec
from headgate.plugins.targets.local.redaction import Redaction, tail
from headgate.ports import Permanent, Temporary
from headgate.ports.processes import Processes, ProcessStatus

PORT_CHANGES_MAX = 3
"""How often an instance whose port a stranger has taken may try another."""


class Fleet:
    """Starts and stops instances. `ports` are those that they may listen on."""

    def __init__(self, layout: Layout, processes: Processes, ports: Sequence[int]) -> None:
        self._layout = layout
        self._processes = processes
        self._ports = ports

    async def arrange(self, folder: VersionFolder, desired: Desired, tree: Path) -> None:
        """Have the desired instances started, ready or not. The caller holds the version's lock."""
        alive = {status.name for status in await self._processes.list(folder.prefix) if status.pid}
        await self._give_ports(folder, desired, alive)
        by_name = {endpoint.name: endpoint for endpoint in folder.endpoints()}
        specs = [self._spec(folder, desired, tree, by_name[name]) for name in desired.instances]
        folder.desire(desired)
        await _bring([spec for spec in specs if spec.name not in alive])
        await self._processes.ensure([program(folder, spec, desired.configuration) for spec in specs])

    async def bring_up(self, folder: VersionFolder, effect: EffectId) -> None:
        """Return once all are ready. Raises Permanent, after undoing what is new, when one will not be."""
        for _ in range(PORT_CHANGES_MAX):
            try:
                await self._arrive(folder)
                break
            except NotReady as problem:
                if not problem.port_taken:
                    raise await self._failure(folder, effect, problem) from None
                await self._move(folder, problem.name)
        else:
            reason = f"each of {PORT_CHANGES_MAX} ports it was given was taken by another process"
            raise await self._failure(folder, effect, NotReady(folder.prefix, reason))
        async with locked(folder.lock):
            if effect_log.overtaken(folder.effects(), effect) or (desired := folder.desired()) is None:
                raise Permanent(
                    f"effect {effect} was overtaken by a later one while {folder.prefix}* came up"
                )
            folder.desire(msgspec.structs.replace(desired, prepared=desired.instances))
            folder.publish(tuple(_found_ready(folder, one) for one in folder.endpoints()))
            folder.note(effect_log.finish(folder.effects(), effect))

    async def drop(self, folder: VersionFolder, effect: EffectId, drain_s: float) -> None:
        """Drain and stop the instances that are no longer desired, unless a later effect has taken over meanwhile."""
        surplus = await self._surplus(folder)
        if not surplus:
            return
        ports = [spec.port for name in surplus if (spec := folder.spec(name)) is not None]
        await whereabouts.drained(ports, drain_s)
        async with locked(folder.lock):
            if effect_log.overtaken(folder.effects(), effect):
                return
            names = await self._surplus(folder)
            await self._remove(folder, names)

    async def _surplus(self, folder: VersionFolder) -> tuple[str, ...]:
        desired = folder.desired()
        wanted = desired.instances if desired else ()
        running = [status.name for status in await self._processes.list(folder.prefix)]
        known = {*running, *(endpoint.name for endpoint in folder.endpoints())}
        return tuple(sorted(known - set(wanted)))

    async def _remove(self, folder: VersionFolder, names: Sequence[str]) -> None:
        await self._processes.remove(names)
        for name in names:
            await asyncio.to_thread(folder.clear, name)
        folder.publish(tuple(one for one in folder.endpoints() if one.name not in names))

    async def _give_ports(self, folder: VersionFolder, desired: Desired, alive: set[str]) -> None:
        """Endpoints for every desired instance. A running one keeps its port, as does any whose port is still free."""
        async with locked(self._layout.ports_lock):
            known = {endpoint.name: endpoint for endpoint in folder.endpoints()}
            kept = {
                name: known[name]
                for name in desired.instances
                if name in known and (name in alive or endpoints.is_free(known[name].port))
            }
            missing = [name for name in desired.instances if name not in kept]
            new = endpoints.allocate(missing, self._layout.taken_ports(), self._ports)
            by_name = kept | {endpoint.name: endpoint for endpoint in new}
            folder.publish(tuple(by_name[name] for name in desired.instances))

    def _spec(self, folder: VersionFolder, desired: Desired, tree: Path, endpoint: Endpoint) -> Spec:
        """The instance's spec as it is, if it has one: its command was resolved once. Otherwise a new one."""
        spec = folder.spec(endpoint.name)
        if spec is None or (spec.port, spec.source) != (endpoint.port, str(tree)):
            spec = specify(folder, desired, tree, endpoint)
        folder.specify(spec)
        return spec

    async def _arrive(self, folder: VersionFolder) -> None:
        desired = folder.desired()
        if desired is None:
            return
        statuses = Statuses(self._processes, folder.prefix)
        ready = {one.name for one in folder.endpoints() if one.ready and one.pid == folder.life(one.name).pid}
        specs = [spec for name in desired.instances if (spec := folder.spec(name)) is not None]

        async def follow(name: str, host: str, exposed: bool) -> None:  # noqa: FBT001 - as it is called
            await self._follow(folder, name, host, exposed=exposed)

        probes = desired.configuration.probes
        arrivals = [
            Arrival(folder, spec, probes, statuses.of, follow=follow, was_ready=spec.name in ready).wait()
            for spec in specs
        ]
        tasks = [asyncio.ensure_future(arrival) for arrival in arrivals]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _follow(self, folder: VersionFolder, name: str, host: str, *, exposed: bool) -> None:
        """Have the endpoint be where the instance listens, which only it decides."""
        async with locked(folder.lock):
            spec = folder.spec(name)
            if spec is None:
                return
            folder.specify(msgspec.structs.replace(spec, host=host))
            found = {"host": host, "exposed": exposed}
            folder.publish(
                tuple(
                    msgspec.structs.replace(one, **found) if one.name == name else one
                    for one in folder.endpoints()
                )
            )

    async def _move(self, folder: VersionFolder, name: str) -> None:
        """Give an instance another port, because a stranger has its own."""
        async with locked(folder.lock), locked(self._layout.ports_lock):
            desired, spec = folder.desired(), folder.spec(name)
            if desired is None or spec is None or name not in desired.instances:
                return
            (new,) = endpoints.allocate([name], self._layout.taken_ports(), self._ports)
            folder.publish(tuple(new if one.name == name else one for one in folder.endpoints()))
            folder.specify(specify(folder, desired, Path(spec.source), new))
            await self._processes.restart(name)

    async def _failure(self, folder: VersionFolder, effect: EffectId, problem: NotReady) -> Permanent:
        """What to raise; what never became ready is stopped first, so that nothing is left crashing."""
        async with locked(folder.lock):
            desired = folder.desired()
            if desired is None or effect_log.overtaken(folder.effects(), effect):
                return Permanent(
                    f"effect {effect} was overtaken by a later one while {folder.prefix}* came up"
                )
            running = await self._processes.list()
            redaction = Redaction.of(desired.configuration.secrets, [one.pid for one in running if one.pid])
            log = folder.output(problem.name)
            lines = redaction.clean(tail(log))
            new = [name for name in desired.instances if name not in desired.prepared]
            folder.desire(msgspec.structs.replace(desired, instances=desired.prepared))
            await self._remove(folder, new)
            if not desired.prepared:
                folder.retire()
        said = f"\nThe last lines of {log}:\n{lines}" if lines else f"\n{_silent(log)}"
        own = sorted(folder.own_logs(problem.name).glob("*.log"))
        said += f"\nIt wrote logs of its own: {', '.join(map(str, own))}" if own else ""
        return Permanent(f"{problem.name} did not become ready: {redaction.clean(str(problem))}{said}")


def _silent(log: Path) -> str:
    """What to say of a log without a line; one that is named is there."""
    return f"It wrote nothing to {log}" if log.exists() else "It has no log: none could be written"


async def _bring(specs: Sequence[Spec]) -> None:
    """Have the working trees there before the first start, which so takes no longer than any other."""
    for spec in specs:
        try:
            await asyncio.to_thread(launch.bring_tree, msgspec.to_builtins(spec))
        except worktree.TreeChanged as error:
            raise Permanent(str(error)) from error
        except OSError as error:
            raise Temporary(f"{spec.name} has no working tree in {spec.directory}: {error}") from error


def _found_ready(folder: VersionFolder, endpoint: Endpoint) -> Endpoint:
    return msgspec.structs.replace(endpoint, ready=True, pid=folder.life(endpoint.name).pid)


# What the supervisor says, asked once for all who want to know within a moment.

FRESH_S = 0.02


class Statuses:
    """The programs whose name starts with `prefix`; an answer is good for `FRESH_S` seconds."""

    def __init__(self, processes: Processes, prefix: str) -> None:
        self._processes = processes
        self._prefix = prefix
        self._lock = asyncio.Lock()
        self._known: dict[str, ProcessStatus] = {}
        self._asked = float("-inf")

    async def of(self, name: str) -> ProcessStatus | None:
        """The program called `name`, None when there is none. Raises Temporary."""
        async with self._lock:
            now = asyncio.get_running_loop().time()
            if now - self._asked > FRESH_S:
                self._known = {status.name: status for status in await self._processes.list(self._prefix)}
                self._asked = asyncio.get_running_loop().time()
            return self._known.get(name)
