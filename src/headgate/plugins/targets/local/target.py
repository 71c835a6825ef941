"""The port `Target` on this host."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from difflib import get_close_matches
from pathlib import Path

import msgspec

from headgate.core.machine.events import EffectId
from headgate.core.model import Command, Finding, Version
from headgate.plugins.targets.local import checks, deep_health, effect_log, smoke
from headgate.plugins.targets.local.commands import Commands
from headgate.plugins.targets.local.endpoints import PORTS
from headgate.plugins.targets.local.fleet import Fleet
from headgate.plugins.targets.local.footprint import usages
from headgate.plugins.targets.local.instances import Instances
from headgate.plugins.targets.local.keeper_program import keeper_of, keeper_program
from headgate.plugins.targets.local.layout import Layout, VersionFolder
from headgate.plugins.targets.local.lock import locked
from headgate.plugins.targets.local.probes import readiness_of
from headgate.plugins.targets.local.record import Desired, Endpoint, Spec
from headgate.plugins.targets.local.redaction import Redaction
from headgate.ports import Artifacts, Instance, Permanent, PortError, Ran, Target
from headgate.ports.processes import Processes, Program
from headgate.ports.target import Usage
from headgate.ports.wires import Wires

SURPLUS_DRAIN_S = 10.0
"""How long instances that are no longer wanted may finish their requests."""

AddressesChanged = Callable[[Version], Awaitable[None]]


class LocalTarget(Target):
    """Versions as processes of `home`, under `processes`; what they run comes from `artifacts`.

    `addresses_changed` is awaited whenever `addresses(version)` has changed and before anything that had traffic is
    stopped: whoever routes by addresses must have taken the change in when it returns. `keeper` says how the keeper,
    a process of its own, makes its `Processes`: `module:name` of something that takes the home; None: the class of
    `processes`; empty: there shall be no keeper, and nobody looks after liveness and memory. `guards` says in the same
    way what makes the guards that the keeper has look (`ports.guard`).
    """

    def __init__(
        self,
        home: Path,
        processes: Processes,
        artifacts: Artifacts,
        *,
        addresses_changed: AddressesChanged | None = None,
        keeper: str | None = None,
        guards: str = "",
        ports: Sequence[int] = PORTS,
    ) -> None:
        self._layout = Layout(home)
        self._instances = Instances(home, processes)
        self._processes = processes
        self._artifacts = artifacts
        self._addresses_changed = addresses_changed
        self._fleet = Fleet(self._layout, processes, ports)
        self._keeper: Program | None = keeper_of(home, processes, guards)
        if keeper is not None:
            self._keeper = keeper_program(self._layout.home, keeper, guards) if keeper else None

    # --- the port -----------------------------------------------------------------------------------------------------

    async def prepare(self, effect: EffectId, version: Version, instances: int) -> None:
        """As the port says. Permanent's message ends with the last lines of the instance's log, without secrets."""
        tree = await asyncio.to_thread(self._artifacts.verify, version.artifact)
        configuration = await asyncio.to_thread(self._artifacts.configuration, version.configuration)
        commit = await asyncio.to_thread(self._commit, version.artifact)
        folder = self._layout.folder(version)
        await asyncio.to_thread(folder.note_tree, tree)
        async with locked(folder.lock):
            log = effect_log.begin(folder.effects(), effect, "prepare")
            if log is None:
                return
            folder.note(log)
            before = folder.desired() or Desired(version, configuration)
            wanted = folder.names(instances)
            release = before.release if before.instances else effect.release
            prepared = tuple(name for name in before.prepared if name in wanted)
            desired = Desired(version, configuration, wanted, prepared, release, commit)
            await self._fleet.arrange(folder, desired, tree)
        await self._announce(version)
        await self._fleet.drop(folder, effect, SURPLUS_DRAIN_S)
        if self._keeper is not None:
            await self._processes.ensure([self._keeper])
        await self._fleet.bring_up(folder, effect)
        await self._announce(version)

    async def stop(self, effect: EffectId, version: Version, drain_s: float) -> None:
        """As the port says. The time to drain ends early when nobody is connected any more."""
        folder = self._layout.folder(version)
        async with locked(folder.lock):
            log = effect_log.begin(folder.effects(), effect, "stop")
            if log is None:
                return
            folder.note(log)
            if desired := folder.desired():
                folder.desire(msgspec.structs.replace(desired, instances=(), prepared=()))
        await self._fleet.drop(folder, effect, drain_s)
        async with locked(folder.lock):
            if not effect_log.overtaken(folder.effects(), effect):
                folder.note(effect_log.finish(folder.effects(), effect))
                folder.retire()

    async def inspect(self, version: Version) -> tuple[Instance, ...]:
        """As the port says."""
        return await self._instances.inspect(version)

    async def check(self, version: Version, smoke: tuple[str, ...] | None = None) -> tuple[Finding, ...]:
        """As the port says. A health answer that names dependencies gives a finding for each of them, too."""
        what = "readiness" if smoke is None else "smoke tests"
        folder = self._layout.folder(version)
        try:
            desired = folder.desired()
            instances = await self.inspect(version)
            if desired is None or not instances:
                return (Finding(what, "unknown", f"{version} is not running", "prepare it first"),)
            if smoke is None:
                found = await asyncio.gather(*(self._readiness(folder, desired, one) for one in instances))
                return tuple(finding for findings in found for finding in findings)
            return await self._smoke(folder, desired, instances, smoke)
        except PortError as error:
            return (Finding(what, "unknown", str(error)),)

    async def execute(
        self, effect: EffectId, version: Version, command: Command, *, undo: bool = False
    ) -> Ran:
        """As the port says. What it wrote is kept with the version's logs, bounded."""
        tree = await asyncio.to_thread(self._artifacts.verify, version.artifact)
        configuration = await asyncio.to_thread(self._artifacts.configuration, version.configuration)
        folder = self._layout.folder(version)
        await asyncio.to_thread(folder.note_tree, tree)
        return await Commands(folder, version, configuration, tree).run(effect, command, undo=undo)

    # --- where versions are -------------------------------------------------------------------------------------------

    def endpoints(self, version: Version) -> tuple[Endpoint, ...]:
        """Where every instance is; also in `endpoints.json` in the version's folder, for watchers."""
        return self._layout.folder(version).endpoints()

    def addresses(self, version: Version) -> tuple[str, ...]:
        """`host:port` of each instance that may have traffic: those that are ready, or all when none is."""
        endpoints = self.endpoints(version)
        return tuple(one.address for one in endpoints if one.ready) or tuple(one.address for one in endpoints)

    def metrics_urls(self, version: Version) -> tuple[str, ...]:
        """Where each instance shows its own metrics; empty when it does not."""
        desired = self._layout.folder(version).desired()
        if desired is None or not desired.configuration.metrics_path:
            return ()
        path = desired.configuration.metrics_path
        return tuple(f"http://{endpoint.address}{path}" for endpoint in self.endpoints(version))

    def usage(self, version: Version) -> dict[str, Usage]:
        """See ports.usage.Measurable."""
        folder = self._layout.folder(version)
        lives = {endpoint.name: folder.life(endpoint.name).pid for endpoint in folder.endpoints()}
        return usages({f"{name}/{pid}": pid for name, pid in lives.items() if pid})

    # --- how they are -------------------------------------------------------------------------------------------------

    async def _readiness(
        self, folder: VersionFolder, desired: Desired, instance: Instance
    ) -> tuple[Finding, ...]:
        probe = readiness_of(desired.configuration.probes)
        spec, pid = _spec(folder, instance.name), folder.life(instance.name).pid
        question = f"readiness of {instance.name}"
        outcome = await checks.ask(probe.check, spec, probe.timeout_s, pid)
        for _ in range(1, probe.failure_threshold):  # one failure is not "not ready", as for a probe
            if outcome.passed:
                break
            await asyncio.sleep(probe.period_s)
            outcome = await checks.ask(probe.check, spec, probe.timeout_s, pid)
        clean = _redaction(desired, pid).clean
        body = outcome.reply.body if outcome.reply else b""
        depended = deep_health.findings(body, question)
        return (
            Finding(question, "pass" if outcome.passed else "fail", clean(outcome.seen), instance.detail),
            *(msgspec.structs.replace(finding, evidence=clean(finding.evidence)) for finding in depended),
        )

    async def _smoke(
        self, folder: VersionFolder, desired: Desired, instances: tuple[Instance, ...], names: tuple[str, ...]
    ) -> tuple[Finding, ...]:
        instance = next((one for one in instances if one.ready), instances[0])
        spec, pid = _spec(folder, instance.name), folder.life(instance.name).pid
        tests = {test.name: test for test in desired.configuration.smoke}
        redaction = _redaction(desired, pid)
        found = [
            await smoke.run(tests[name], spec, pid, redaction)
            if name in tests
            else _unknown_test(name, list(tests))
            for name in names or tests
        ]
        return tuple(found)

    def _commit(self, artifact: str) -> str:
        """What an artifact was built from, as far as the store knows; nothing fails for want of it."""
        try:
            return self._artifacts.find(artifact).provenance.commit
        except PortError:
            return ""

    async def _announce(self, version: Version) -> None:
        if self._addresses_changed is not None:
            await self._addresses_changed(version)


def _spec(folder: VersionFolder, name: str) -> Spec:
    spec = folder.spec(name)
    if spec is None:
        raise Permanent(f"{name} has no spec in {folder.instance(name)}")
    return spec


def _redaction(desired: Desired, pid: int) -> Redaction:
    return Redaction.of(desired.configuration.secrets, [pid])


def _unknown_test(name: str, known: list[str]) -> Finding:
    near = get_close_matches(name, known, 1)
    hint = f"did you mean {near[0]}?" if near else f"this version has: {', '.join(known) or 'none'}"
    return Finding(f"smoke test {name}", "unknown", f"there is no smoke test called {name}", hint)


def create(wires: Wires) -> LocalTarget:
    """The plugin's factory."""
    return LocalTarget(
        wires.home,
        wires.processes,
        wires.artifacts,
        addresses_changed=wires.addresses_changed,
        guards=wires.guards,
    )
