"""What every `Target` does, as tests: subclass `TargetContract` and give it the two fixtures it asks for.

class TestMyTarget(TargetContract):
    @pytest.fixture
    def target(self) -> Target: ...

    @pytest.fixture
    def versions(self) -> Versions: ...
"""

import asyncio
import itertools
from collections.abc import Coroutine
from typing import Any, Literal, Protocol, TypeVar

import msgspec

from headgate.core.machine.events import EffectId
from headgate.core.model import Command, Finding, Version, worst
from headgate.ports import Instance, Permanent, Target

T = TypeVar("T")

PASSING, FAILING = "passes", "fails"
"""The smoke tests that a good version has, named by what they do."""


Does = Literal["works", "fails", "dies halfway"]
"""What a command for the tests does: its work, nothing but an error, or its work and an error."""


class Versions(Protocol):
    """Versions for the tests to run, fresh in every test."""

    def good(self, service: str = "web", label: str = "a") -> Version:
        """One that becomes ready and has the smoke tests `PASSING` and `FAILING`. Another label: another version."""
        ...

    def command(self, does: Does) -> Command:
        """A command of a good version: `check` says whether its change is there, and `undo` takes that back."""
        ...

    def runs(self, version: Version, command: Command) -> int:
        """How often `apply` has really run."""
        ...

    def broken(self) -> Version:
        """One that never becomes ready, and soon enough for a test."""
        ...


class TargetContract:
    """The tests. Each has a target of its own, with nothing running."""

    def test_prepared_is_ready(self, target: Target, versions: Versions) -> None:
        version = versions.good()
        run(target.prepare(effect(), version, 2))
        instances = run(target.inspect(version))
        assert [instance.ready for instance in instances] == [True, True]
        assert len({instance.name for instance in instances}) == 2
        assert len({instance.address for instance in instances}) == 2
        assert all(instance.restarts == 0 for instance in instances)

    def test_what_was_never_prepared_is_not_there(self, target: Target, versions: Versions) -> None:
        assert run(target.inspect(versions.good())) == ()

    def test_the_same_effect_again_changes_nothing(self, target: Target, versions: Versions) -> None:
        version, once = versions.good(), effect()
        run(target.prepare(once, version, 2))
        before = run(target.inspect(version))
        run(target.prepare(once, version, 2))
        assert _same(run(target.inspect(version)), before)

    def test_another_effect_that_asks_for_the_same_changes_nothing(
        self, target: Target, versions: Versions
    ) -> None:
        version = versions.good()
        run(target.prepare(effect(), version, 1))
        before = run(target.inspect(version))
        run(target.prepare(effect(), version, 1))
        assert _same(run(target.inspect(version)), before)

    def test_more_instances_keep_those_that_run(self, target: Target, versions: Versions) -> None:
        version = versions.good()
        run(target.prepare(effect(), version, 1))
        (first,) = run(target.inspect(version))
        run(target.prepare(effect(), version, 3))
        instances = run(target.inspect(version))
        assert len(instances) == 3
        assert (first.name, first.address) in {(one.name, one.address) for one in instances}

    def test_fewer_instances_stop_the_surplus(self, target: Target, versions: Versions) -> None:
        version = versions.good()
        run(target.prepare(effect(), version, 3))
        before = {instance.address for instance in run(target.inspect(version))}
        run(target.prepare(effect(), version, 1))
        (left,) = run(target.inspect(version))
        assert left.ready
        assert left.address in before

    def test_stopped_is_gone_and_stopping_again_is_nothing(self, target: Target, versions: Versions) -> None:
        version = versions.good()
        run(target.prepare(effect(), version, 2))
        once = effect()
        for identity in (once, once, effect()):
            run(target.stop(identity, version, 0.1))
            assert run(target.inspect(version)) == ()

    def test_absent_is_stopped(self, target: Target, versions: Versions) -> None:
        run(target.stop(effect(), versions.good(), 0.1))

    def test_a_stopped_version_can_be_prepared_again(self, target: Target, versions: Versions) -> None:
        version = versions.good()
        run(target.prepare(effect(), version, 1))
        run(target.stop(effect(), version, 0.1))
        run(target.prepare(effect(), version, 1))
        assert [instance.ready for instance in run(target.inspect(version))] == [True]

    def test_a_replayed_stop_does_not_stop_what_came_later(self, target: Target, versions: Versions) -> None:
        version = versions.good()
        run(target.prepare(effect(), version, 1))
        old = effect()
        run(target.stop(old, version, 0.1))
        run(target.prepare(effect(), version, 1))
        run(target.stop(old, version, 0.1))
        assert len(run(target.inspect(version))) == 1

    def test_a_replayed_prepare_does_not_start_what_was_stopped(
        self, target: Target, versions: Versions
    ) -> None:
        version, old = versions.good(), effect()
        run(target.prepare(old, version, 1))
        run(target.stop(effect(), version, 0.1))
        run(target.prepare(old, version, 1))
        assert run(target.inspect(version)) == ()

    def test_an_effect_that_comes_too_late_is_refused(self, target: Target, versions: Versions) -> None:
        version, late = versions.good(), effect()
        run(target.prepare(effect(), version, 1))
        assert _refused(target.stop(late, version, 0.1))
        assert len(run(target.inspect(version))) == 1

    def test_what_cannot_run_is_refused_and_leaves_nothing(self, target: Target, versions: Versions) -> None:
        version = versions.broken()
        assert _refused(target.prepare(effect(), version, 2))
        assert not any(instance.ready for instance in run(target.inspect(version)))
        run(target.stop(effect(), version, 0.1))
        assert run(target.inspect(version)) == ()

    def test_versions_and_services_live_side_by_side(self, target: Target, versions: Versions) -> None:
        all_of_them = [versions.good(), versions.good(label="b"), versions.good(service="api")]
        for version in all_of_them:
            run(target.prepare(effect(), version, 1))
        instances = [run(target.inspect(version)) for version in all_of_them]
        assert [len(found) for found in instances] == [1, 1, 1]
        assert len({found[0].address for found in instances}) == len(all_of_them)
        run(target.stop(effect(), all_of_them[0], 0.1))
        assert [len(run(target.inspect(version))) for version in all_of_them] == [0, 1, 1]

    def test_readiness_is_asked_of_every_instance(self, target: Target, versions: Versions) -> None:
        version = versions.good()
        run(target.prepare(effect(), version, 2))
        findings = run(target.check(version))
        assert len(findings) >= 2
        assert worst(findings) == "pass"

    def test_named_smoke_tests_run_and_all_when_none_is_named(
        self, target: Target, versions: Versions
    ) -> None:
        version = versions.good()
        run(target.prepare(effect(), version, 1))
        assert _answers(run(target.check(version, (PASSING,)))) == ["pass"]
        assert _answers(run(target.check(version, (FAILING,)))) == ["fail"]
        assert sorted(_answers(run(target.check(version, ())))) == ["fail", "pass"]

    def test_what_cannot_be_asked_is_unknown(self, target: Target, versions: Versions) -> None:
        version = versions.good()
        assert worst(run(target.check(version))) == "unknown"
        assert worst(run(target.check(version, ()))) == "unknown"
        run(target.prepare(effect(), version, 1))
        assert _answers(run(target.check(version, ("no such test",)))) == ["unknown"]

    # --- commands ------------------------------------------------------------------------------------------------

    def test_a_command_runs_and_is_undone(self, target: Target, versions: Versions) -> None:
        version, command = versions.good(), versions.command("works")
        assert run(target.execute(effect(), version, command)).outcome == "applied"
        assert run(target.execute(effect(), version, command, undo=True)).outcome == "applied"
        assert versions.runs(version, command) == 1

    def test_the_same_effect_never_runs_a_command_twice(self, target: Target, versions: Versions) -> None:
        version, command, once = versions.good(), versions.command("works"), effect()
        for _ in range(3):
            assert run(target.execute(once, version, command)).outcome == "applied"
        assert versions.runs(version, command) == 1
        assert run(target.execute(effect(), version, command)).outcome == "applied"
        assert versions.runs(version, command) == 2

    def test_a_command_that_fails_is_asked_about(self, target: Target, versions: Versions) -> None:
        version = versions.good()
        failed = run(target.execute(effect(), version, versions.command("fails")))
        assert (failed.outcome, bool(failed.note)) == ("not_applied", True)
        halfway = run(target.execute(effect(), version, versions.command("dies halfway")))
        assert halfway.outcome == "applied"

    def test_of_a_failure_that_cannot_be_asked_about_nothing_is_known(
        self, target: Target, versions: Versions
    ) -> None:
        command = msgspec.structs.replace(versions.command("fails"), check=())
        assert run(target.execute(effect(), versions.good(), command)).outcome == "unknown"


_sequence = itertools.count(1)


def effect(release: str = "r1") -> EffectId:
    """The identity of a new effect, later than all before it."""
    return EffectId(release, next(_sequence), 0)


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """The result of `coroutine`, on an event loop of its own."""
    return asyncio.run(coroutine)


def _refused(coroutine: Coroutine[Any, Any, None]) -> bool:
    try:
        run(coroutine)
    except Permanent:
        return True
    return False


def _same(after: tuple[Instance, ...], before: tuple[Instance, ...]) -> bool:
    def identity(instances: tuple[Instance, ...]) -> set[tuple[str, str, bool, int]]:
        return {(one.name, one.address, one.ready, one.restarts) for one in instances}

    return identity(after) == identity(before)


def _answers(findings: tuple[Finding, ...]) -> list[str]:
    return [finding.answer for finding in findings]
