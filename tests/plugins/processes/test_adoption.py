"""The daemon dies, what it ran does not: the next one takes it over, and stops only what it may not keep."""

import os
import signal
from functools import partial
from pathlib import Path

import pytest

from headgate.plugins.processes.supervisord import Supervisord
from headgate.testing.processes import one, pid, run, sleeper
from tests.plugins.processes.daemons import alive, daemon, descendants_of, kill_daemon, script, until

pytestmark = [pytest.mark.e2e]

CHATTY = "i=0; while :; do echo line $i; sleep 0.02; i=$((i+1)); done"


def taken_over(processes: Supervisord, name: str) -> bool:
    status = one(processes, name)
    return status is not None and "taken over" in status.detail


def grown(log: Path, beyond: int) -> bool:
    return log.stat().st_size > beyond


def test_what_a_killed_daemon_left_goes_on_under_the_next_twice_in_a_row(tmp_path: Path) -> None:
    with daemon(tmp_path) as processes:
        run(processes.ensure([script(tmp_path, "a", CHATTY), sleeper("b", tmp_path)]))
        before = {name: pid(processes, name) for name in ("a", "b")}
        log = tmp_path / "log" / "a.log"
        for _ in range(2):
            kill_daemon(processes)
            until(partial(grown, log, log.stat().st_size))  # nobody reads it, and it goes on
            run(processes.revive())
            until(lambda: all(taken_over(processes, name) for name in before))
            assert {name: pid(processes, name) for name in before} == before
        started = one(processes, "a")
        assert started is not None
        assert abs(started.started_at - Path(f"/proc/{before['a']}").stat().st_ctime) < 60
        assert "line 0\n" in log.read_text()
        assert log.read_text().count("line 0\n") == 1  # never started again


def test_what_was_taken_over_is_stopped_restarted_and_started_again_as_ever(tmp_path: Path) -> None:
    graceful = "trap 'echo bye >> said; exit' TERM; sleep 1000 & wait"
    with daemon(tmp_path) as processes:
        programs = [script(tmp_path, name, graceful) for name in ("a", "b", "c", "d")]
        run(processes.ensure(programs))
        before = {program.name: pid(processes, program.name) for program in programs}
        kill_daemon(processes)
        run(processes.start_daemon())
        until(lambda: all(taken_over(processes, name) for name in before))
        run(processes.restart("a"))
        assert not alive(before["a"])
        assert (tmp_path / "said").read_text() == "bye\n"
        assert pid(processes, "a") != before["a"]
        run(processes.remove(["b"]))
        assert not alive(before["b"])
        os.kill(before["c"], signal.SIGKILL)
        until(lambda: pid(processes, "c") != before["c"] and not taken_over(processes, "c"))
        run(processes.ensure(programs[3:]))  # as it is
        assert pid(processes, "d") == before["d"]
        run(processes.ensure([script(tmp_path, "d", f"A=1; {graceful}")]))  # another definition
        assert not alive(before["d"])
        assert pid(processes, "d") != before["d"]


@pytest.mark.parametrize("orphaned", [False, True])
def test_what_crashes_is_started_again_once_and_nobody_finds_it_ended(tmp_path: Path, orphaned: bool) -> None:  # noqa: FBT001
    with daemon(tmp_path) as processes:
        run(processes.ensure([script(tmp_path, "a", "echo started >> starts; exec sleep 1000")]))
        before = pid(processes, "a")
        if orphaned:
            kill_daemon(processes)
            run(processes.start_daemon())
            until(lambda: taken_over(processes, "a"))
        until(lambda: state(processes, "a") == "running")
        os.kill(before, signal.SIGKILL)
        seen: set[str] = set()
        while pid(processes, "a") == before:
            seen.add(state(processes, "a"))
        assert seen <= {"running", "starting"}  # whoever found it `exited` would start it, too
        until(lambda: (tmp_path / "starts").read_text().count("started") == 2)
        until(lambda: state(processes, "a") == "running")
        assert (tmp_path / "starts").read_text().count("started") == 2


def state(processes: Supervisord, name: str) -> str:
    status = one(processes, name)
    return status.state if status else "absent"


def test_what_was_taken_over_and_is_stubborn_is_killed_in_time(tmp_path: Path) -> None:
    text = "trap '' TERM; sleep 1000 & echo $! > child; while :; do sleep 1; done"
    with daemon(tmp_path) as processes:
        run(processes.ensure([script(tmp_path, "a", text, stop_wait_s=1)]))
        before = pid(processes, "a")
        child = int(until(lambda: (tmp_path / "child").exists() and (tmp_path / "child").read_text().strip()))
        kill_daemon(processes)
        run(processes.start_daemon())
        until(lambda: taken_over(processes, "a"))
        run(processes.restart("a"))
        assert not alive(before)
        assert not alive(child)
        assert pid(processes, "a") != before


def test_what_is_not_defined_any_more_or_otherwise_is_stopped(tmp_path: Path) -> None:
    with daemon(tmp_path) as processes:
        run(processes.ensure([sleeper(name, tmp_path) for name in ("a", "b", "c")]))
        before = {name: pid(processes, name) for name in ("a", "b", "c")}
        kill_daemon(processes)
        programs = tmp_path / "run" / "programs"
        (programs / "a.conf").unlink()
        (script_b,) = programs.glob("b@*.sh")
        other = script_b.with_name("b@0000000000000000.sh")
        other.write_text(script_b.read_text())
        section = programs / "b.conf"
        section.write_text(section.read_text().replace(script_b.name, other.name))
        run(processes.start_daemon())
        until(lambda: taken_over(processes, "c"))
        assert [alive(before[name]) for name in "abc"] == [False, False, True]
        assert pid(processes, "b") != before["b"]
        assert one(processes, "a") is None


def test_a_stand_in_that_is_killed_is_replaced(tmp_path: Path) -> None:
    with daemon(tmp_path) as processes:
        run(processes.ensure([sleeper("a", tmp_path)]))
        before = pid(processes, "a")
        kill_daemon(processes)
        run(processes.start_daemon())
        until(lambda: taken_over(processes, "a"))
        (stand_in,) = [row.pid for row in processes._calls.rows("a")]
        os.kill(stand_in, signal.SIGKILL)
        until(lambda: [row.pid for row in processes._calls.rows("a")] not in ([stand_in], [0]))
        until(lambda: taken_over(processes, "a"))
        assert pid(processes, "a") == before


def test_what_a_killed_daemon_left_can_be_removed_without_one(tmp_path: Path) -> None:
    with daemon(tmp_path) as processes:
        run(processes.ensure([sleeper("a", tmp_path), sleeper("b", tmp_path)]))
        left = {name: pid(processes, name) for name in ("a", "b")}
        kill_daemon(processes)
        run(processes.remove(["a"]))
        assert not alive(left["a"])
        assert alive(left["b"])


def test_all_that_a_killed_daemon_left_is_stopped_and_nobody_revives_it(tmp_path: Path) -> None:
    processes = Supervisord(tmp_path)
    run(processes.start_daemon())
    run(
        processes.ensure(
            [sleeper("a", tmp_path), script(tmp_path, "b", "trap '' TERM; sleep 1000", stop_wait_s=1)]
        )
    )
    left = [pid(processes, "a"), pid(processes, "b")]
    kill_daemon(processes)
    assert [status.name for status in run(processes.orphans())] == ["a", "b"]
    assert run(processes.stop_daemon()) == ()
    assert not any(alive(one) for one in left)
    assert run(processes.orphans()) == ()
    run(processes.revive())
    assert not run(processes.running())
    assert not descendants_of(tmp_path)


def test_a_removed_lock_is_taken_anew_and_a_second_daemon_stays_out(tmp_path: Path) -> None:
    with daemon(tmp_path) as processes:
        run(processes.ensure([sleeper("a", tmp_path)]))
        before = pid(processes, "a")
        lock = tmp_path / "run" / "supervisord.lock"
        lock.unlink()
        until(lambda: lock.exists() and processes._life._taken())
        assert pid(processes, "a") == before
