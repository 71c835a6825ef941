"""A target in memory: the same contract as the real ones, and nothing runs. For tests and the simulation."""

import asyncio
from collections import Counter, defaultdict

from headgate.core.machine.events import EffectId
from headgate.core.model import Answer, Applied, Command, Finding, Version
from headgate.ports import Instance, Permanent, PortError, Ran, Target


class MemoryTarget(Target):
    """Versions in a dict, ready as soon as `latency_s` has passed. Deterministic; no clock but the event loop's.

    Hooks: `fail_next` is raised by the next call and cleared; `broken` versions never become ready; `smoke_tests` are
    the names a version has; `answers` what a question about a version (its `check` in the finding) gets, otherwise
    `pass`; `lose` and `recover` are what the world does to an instance. `running` is what runs.
    `outcomes` is what becomes of a command, by its name, otherwise `applied`; `applied` has the changes that are there,
    and `runs` says how often each was made.
    """

    def __init__(self, latency_s: float = 0.0) -> None:
        self.latency_s = latency_s
        self.fail_next: PortError | None = None
        self.broken: set[Version] = set()
        self.smoke_tests: dict[Version, tuple[str, ...]] = {}
        self.answers: dict[tuple[Version, str], Answer] = {}
        self.running: dict[Version, tuple[Instance, ...]] = {}
        self.outcomes: dict[str, Applied] = {}
        self.applied: set[tuple[Version, str]] = set()
        self.runs: Counter[tuple[Version, str]] = Counter()
        self._ran: dict[EffectId, Ran] = {}
        self._begun: defaultdict[Version, list[EffectId]] = defaultdict(list)
        self._finished: set[tuple[Version, EffectId]] = set()

    async def prepare(self, effect: EffectId, version: Version, instances: int) -> None:
        """As the port says."""
        if not await self._begin(effect, version):
            return
        if version in self.broken:
            raise Permanent(f"{version} did not become ready: it is broken")
        before = {instance.name: instance for instance in self.running.get(version, ())}
        names = [f"{version.unit}@{version.key}.{n}" for n in range(1, instances + 1)]
        self.running[version] = tuple(
            Instance(
                name, _address(name), ready=True, restarts=before[name].restarts if name in before else 0
            )
            for name in names
        )
        self._finished.add((version, effect))

    async def stop(self, effect: EffectId, version: Version, drain_s: float) -> None:
        """As the port says; nobody has requests to finish."""
        if await self._begin(effect, version):
            self.running.pop(version, None)
            self._finished.add((version, effect))

    async def inspect(self, version: Version) -> tuple[Instance, ...]:
        """As the port says."""
        await self._answer()
        return self.running.get(version, ())

    async def check(self, version: Version, smoke: tuple[str, ...] | None = None) -> tuple[Finding, ...]:
        """As the port says. Readiness is asked as `readiness of NAME`, a smoke test as `smoke test NAME`."""
        try:
            await self._answer()
        except PortError as error:
            return (Finding("check", "unknown", str(error)),)
        instances = self.running.get(version, ())
        if not instances:
            return (Finding("check", "unknown", f"{version} is not running"),)
        if smoke is None:
            return tuple(self._readiness(version, instance) for instance in instances)
        known = self.smoke_tests.get(version, ())
        return tuple(self._smoke(version, name, known) for name in smoke or known)

    async def execute(
        self, effect: EffectId, version: Version, command: Command, *, undo: bool = False
    ) -> Ran:
        """As the port says; a command that is unknown to have been carried out may be there or not: it is not."""
        await self._answer()
        if effect not in self._ran:
            outcome = self.outcomes.get(f"undo {command.name}" if undo else command.name, "applied")
            if outcome == "not_applied" and not command.check:
                outcome = "unknown"
            self.runs[version, command.name] += 0 if undo else 1
            self._ran[effect] = Ran(outcome, "" if outcome == "applied" else "exit status 1")
            if outcome == "applied":
                (self.applied.discard if undo else self.applied.add)((version, command.name))
        return self._ran[effect]

    def addresses(self, version: Version) -> tuple[str, ...]:
        """`host:port` of each instance that may have traffic: those that are ready, or all when none is."""
        instances = self.running.get(version, ())
        return tuple(one.address for one in instances if one.ready) or tuple(one.address for one in instances)

    def lose(self, version: Version, name: str | None = None) -> None:
        """Instances are no longer ready: the one called `name`, or all of them."""
        self._set(version, name, ready=False)

    def recover(self, version: Version, name: str | None = None) -> None:
        """Instances are ready again, after a restart."""
        self._set(version, name, ready=True)

    def _set(self, version: Version, name: str | None, *, ready: bool) -> None:
        self.running[version] = tuple(
            Instance(
                one.name, one.address, ready, one.restarts + (1 if ready else 0), "" if ready else "lost"
            )
            if name in (None, one.name)
            else one
            for one in self.running.get(version, ())
        )

    def _readiness(self, version: Version, instance: Instance) -> Finding:
        check = f"readiness of {instance.name}"
        answer = self.answers.get((version, check), "pass" if instance.ready else "fail")
        return Finding(check, answer, instance.detail or "it was asked")

    def _smoke(self, version: Version, name: str, known: tuple[str, ...]) -> Finding:
        check = f"smoke test {name}"
        if name not in known:
            return Finding(check, "unknown", f"there is no smoke test called {name}")
        return Finding(check, self.answers.get((version, check), "pass"), "it was run")

    async def _begin(self, effect: EffectId, version: Version) -> bool:
        """Note the effect; False when it was carried out and others have come since. Raises Permanent if stale."""
        begun = self._begun[version]
        if (version, effect) in self._finished and begun[-1] != effect:
            return False
        self._refuse_stale(effect, begun)
        if not begun or begun[-1] != effect:
            begun.append(effect)
        await self._answer()
        self._refuse_stale(effect, begun)
        return True

    def _refuse_stale(self, effect: EffectId, begun: list[EffectId]) -> None:
        later = [one for one in begun if one.release == effect.release and one.sequence > effect.sequence]
        if later or (effect in begun and begun[-1] != effect):
            raise Permanent(f"effect {effect} is stale: a later one has been applied to this version")

    async def _answer(self) -> None:
        await asyncio.sleep(self.latency_s)
        if self.fail_next is not None:
            failure, self.fail_next = self.fail_next, None
            raise failure


def _address(name: str) -> str:
    """Some address, the same for the same name."""
    return f"127.0.0.1:{20_000 + sum(name.encode()) * 31 % 10_000}"
