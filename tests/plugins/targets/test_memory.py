import asyncio

import pytest

from headgate.core.machine.events import EffectId
from headgate.core.model import Command, Unit, Version
from headgate.ports import Permanent, Target, Temporary
from headgate.testing.fakes.target import MemoryTarget
from headgate.testing.target import FAILING, PASSING, Does, TargetContract, Versions


class MemoryVersions:
    def __init__(self, target: MemoryTarget) -> None:
        self._target = target

    def good(self, service: str = "web", label: str = "a") -> Version:
        version = Version(Unit("shop", "production", service), label * 64, "c" * 64)
        self._target.smoke_tests[version] = (PASSING, FAILING)
        self._target.answers[version, f"smoke test {FAILING}"] = "fail"
        return version

    def command(self, does: Does) -> Command:
        if does == "fails":
            self._target.outcomes[does] = "not_applied"
        return Command(does, ("do",), ("ask",), ("undo",))

    def runs(self, version: Version, command: Command) -> int:
        return self._target.runs[version, command.name]

    def broken(self) -> Version:
        version = self.good(label="f")
        self._target.broken.add(version)
        return version


class TestMemoryTarget(TargetContract):
    @pytest.fixture
    def target(self) -> Target:
        return MemoryTarget()

    @pytest.fixture
    def versions(self, target: MemoryTarget) -> Versions:
        return MemoryVersions(target)


def test_a_planned_failure_happens_once() -> None:
    target = MemoryTarget()
    version, effect = MemoryVersions(target).good(), EffectId("r", 1, 0)
    target.fail_next = Temporary("no answer")
    with pytest.raises(Temporary):
        asyncio.run(target.prepare(effect, version, 1))
    assert target.running == {}
    asyncio.run(target.prepare(effect, version, 1))
    assert len(target.running[version]) == 1


def test_instances_can_be_lost_and_come_back() -> None:
    target = MemoryTarget()
    version = MemoryVersions(target).good()
    asyncio.run(target.prepare(EffectId("r", 1, 0), version, 2))
    first, second = asyncio.run(target.inspect(version))
    target.lose(version, first.name)
    assert [one.ready for one in asyncio.run(target.inspect(version))] == [False, True]
    assert target.addresses(version) == (second.address,)
    target.lose(version)
    assert target.addresses(version) == (first.address, second.address)
    target.recover(version)
    assert [(one.ready, one.restarts) for one in asyncio.run(target.inspect(version))] == [
        (True, 1),
        (True, 1),
    ]


def test_a_slow_effect_that_is_overtaken_changes_nothing() -> None:
    async def race() -> MemoryTarget:
        target = MemoryTarget(latency_s=0.01)
        version = MemoryVersions(target).good()
        slow = asyncio.create_task(target.prepare(EffectId("r", 1, 0), version, 1))
        await asyncio.sleep(0)
        await target.stop(EffectId("r", 2, 0), version, 0)
        with pytest.raises(Permanent, match="stale"):
            await slow
        return target

    assert asyncio.run(race()).running == {}
