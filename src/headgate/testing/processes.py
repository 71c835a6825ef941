"""What every `Processes` does, as tests: subclass `ProcessesContract` and give it a fixture.

class TestMyProcesses(ProcessesContract):
    @pytest.fixture
    def processes(self) -> Processes: ...      # with no programs
"""

import asyncio
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from headgate.ports import Permanent
from headgate.ports.processes import Lasting, Processes, ProcessStatus, Program

T = TypeVar("T")

WAIT_S = 10.0
UP = ("starting", "running")


class ProcessesContract:
    """The tests. Programs sleep; their logs are in the test's own folder."""

    def test_what_is_ensured_runs(self, processes: Processes, tmp_path: Path) -> None:
        run(processes.ensure([sleeper("a", tmp_path), sleeper("b", tmp_path)]))
        statuses = run(processes.list())
        assert [status.name for status in statuses] == ["a", "b"]
        assert all(status.state in UP and status.pid > 0 for status in statuses)
        assert statuses[0].pid != statuses[1].pid

    def test_nothing_is_listed_before(self, processes: Processes) -> None:
        assert run(processes.list()) == ()
        run(processes.ensure([]))
        assert run(processes.list()) == ()

    def test_ensured_again_it_goes_on_undisturbed(self, processes: Processes, tmp_path: Path) -> None:
        run(processes.ensure([sleeper("a", tmp_path)]))
        before = pid(processes, "a")
        run(processes.ensure([sleeper("a", tmp_path)]))
        assert pid(processes, "a") == before

    def test_another_definition_replaces_it(self, processes: Processes, tmp_path: Path) -> None:
        run(processes.ensure([sleeper("a", tmp_path)]))
        before = pid(processes, "a")
        run(processes.ensure([msgspec.structs.replace(sleeper("a", tmp_path), env={"X": "1"})]))
        assert pid(processes, "a") != before

    def test_a_change_to_one_disturbs_no_other(self, processes: Processes, tmp_path: Path) -> None:
        run(processes.ensure([sleeper("a", tmp_path), sleeper("b", tmp_path)]))
        before = pid(processes, "a")
        run(processes.ensure([sleeper("c", tmp_path)]))
        run(processes.ensure([msgspec.structs.replace(sleeper("b", tmp_path), stop_wait_s=3)]))
        run(processes.restart("c"))
        run(processes.remove(["b", "c"]))
        assert [status.name for status in run(processes.list())] == ["a"]
        assert pid(processes, "a") == before

    def test_a_restart_is_another_process(self, processes: Processes, tmp_path: Path) -> None:
        run(processes.ensure([sleeper("a", tmp_path)]))
        before = pid(processes, "a")
        run(processes.restart("a"))
        assert pid(processes, "a") != before

    def test_what_is_not_there_cannot_be_restarted(self, processes: Processes) -> None:
        assert _refused(processes.restart("a"))

    def test_removed_is_gone_and_removing_again_is_nothing(
        self, processes: Processes, tmp_path: Path
    ) -> None:
        run(processes.ensure([sleeper("a", tmp_path), sleeper("ab", tmp_path)]))
        for _ in range(2):
            run(processes.remove(["a", "never"]))
            assert [status.name for status in run(processes.list())] == ["ab"]
        run(processes.ensure([sleeper("a", tmp_path)]))
        assert pid(processes, "a") > 0

    def test_a_prefix_selects(self, processes: Processes, tmp_path: Path) -> None:
        run(processes.ensure([sleeper(name, tmp_path) for name in ("x.2", "x.1", "y.1")]))
        assert [status.name for status in run(processes.list("x."))] == ["x.1", "x.2"]

    def test_a_name_that_is_none_is_refused(self, processes: Processes, tmp_path: Path) -> None:
        for name in ("", "A", "a b", "a/b", "a\nb", "ü"):
            assert _refused(processes.ensure([msgspec.structs.replace(sleeper("a", tmp_path), name=name)]))
        assert run(processes.list()) == ()


class LastingContract(ProcessesContract):
    """What those do whose daemon may die under them; `kill_daemon` is to end it as the kernel would."""

    def kill_daemon(self, processes: Lasting) -> None:
        """End the daemon of `processes` by SIGKILL, and nothing else; it does nothing where there is none to kill."""
        raise AssertionError("say how")

    def test_what_runs_outlives_the_daemon_and_is_looked_after_again(
        self, processes: Lasting, tmp_path: Path
    ) -> None:
        run(processes.ensure([sleeper("a", tmp_path), sleeper("b", tmp_path)]))
        # What has only just begun has written nothing down yet that it could be found by.
        before = {name: pid(processes, name, "running") for name in ("a", "b")}
        self.kill_daemon(processes)
        run(processes.revive())
        assert {name: pid(processes, name) for name in ("a", "b")} == before
        run(processes.ensure([sleeper("a", tmp_path)]))
        assert pid(processes, "a") == before["a"]
        run(processes.restart("a"))
        assert pid(processes, "a") != before["a"]
        run(processes.remove(["b"]))
        assert [status.name for status in run(processes.list())] == ["a"]

    def test_reviving_what_lives_changes_nothing(self, processes: Lasting, tmp_path: Path) -> None:
        run(processes.ensure([sleeper("a", tmp_path)]))
        before = pid(processes, "a")
        run(processes.revive())
        assert pid(processes, "a") == before


def sleeper(name: str, folder: Path) -> Program:
    """A program that does nothing for a long time and stops at once."""
    return Program(
        name, ("/bin/sleep", "1000"), str(folder), str(folder / "log" / f"{name}.log"), stop_wait_s=5
    )


def pid(processes: Processes, name: str, state: str = "") -> int:
    """The number of the process of `name`, once it has one, and is in this `state`; waits `WAIT_S` at most."""
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline:
        status = one(processes, name)
        if status is not None and status.pid and state in ("", status.state):
            return status.pid
        time.sleep(0.02)
    raise AssertionError(f"{name} has no process: {one(processes, name)}")


def one(processes: Processes, name: str) -> ProcessStatus | None:
    """What is said of `name` now."""
    return next((status for status in run(processes.list(name)) if status.name == name), None)


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """The result of `coroutine`, on an event loop of its own."""
    return asyncio.run(coroutine)


def _refused(coroutine: Coroutine[Any, Any, None]) -> bool:
    try:
        run(coroutine)
    except Permanent:
        return True
    return False
