import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import headgate
from headgate.plugins.processes.supervisord import Supervisord
from headgate.ports import Permanent, Temporary
from headgate.ports.processes import Processes, Program
from headgate.testing.processes import ProcessesContract, one, pid, run, sleeper
from tests.plugins.processes.daemons import alive, daemon, script, until

pytestmark = [pytest.mark.e2e]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Supervisord]:
    with daemon(tmp_path_factory.mktemp("home")) as processes:
        yield processes


@pytest.fixture
def processes(shared: Supervisord) -> Iterator[Supervisord]:
    yield shared
    run(shared.remove([status.name for status in run(shared.list())]))


class TestSupervisord(ProcessesContract):
    @pytest.fixture
    def processes(self, shared: Supervisord) -> Iterator[Processes]:
        yield shared
        run(shared.remove([status.name for status in run(shared.list())]))


def state(processes: Supervisord, name: str) -> str:
    status = one(processes, name)
    return status.state if status else "absent"


HOSTILE = {
    "QUOTES": 'it\'s "quoted"',
    "PERCENT": "100% %(here)s %d %%",
    "COMMENT": "a ; b # c",
    "LINES": "one\ntwo\n\n[program:evil]\ncommand=/bin/false",
    "SHELL": "$HOME `id` $(id) \\ && !",
    "COMMAS": "A=1,B=2",
    "UNICODE": "žluťoučký 🐎",
    "EMPTY": "",
    "SPACES": "  around  ",
    "spring.datasource.url": "jdbc:x=y;z",
    "A-B": "-n",
}
DUMP = "import json,os,sys; json.dump([sys.argv[1:], dict(os.environ)], open('dumped','w')); os.rename('dumped','dump')"


def test_arguments_and_environment_arrive_as_they_are(processes: Supervisord, tmp_path: Path) -> None:
    argv = (sys.executable, "-c", DUMP, *HOSTILE.values())
    program = Program("hostile", argv, str(tmp_path), str(tmp_path / "hostile.log"), HOSTILE)
    run(processes.ensure([program, sleeper("other", tmp_path)]))
    until((tmp_path / "dump").exists)
    arguments, environment = json.loads((tmp_path / "dump").read_text())
    assert arguments == list(HOSTILE.values())
    assert {name: environment.get(name) for name in HOSTILE} == HOSTILE
    assert {status.name for status in run(processes.list())} == {"hostile", "other"}


@pytest.mark.parametrize(
    "change",
    [
        {"env": {"A=B": "x"}},
        {"env": {"": "x"}},
        {"env": {"A": "\0"}},
        {"argv": ()},
        {"argv": ("a\0",)},
        {"stop_signal": "9"},
    ],
)
def test_what_no_process_could_be_made_of_is_refused(
    processes: Supervisord, tmp_path: Path, change: dict[str, object]
) -> None:
    with pytest.raises(Permanent):
        run(processes.ensure([script(tmp_path, "a", "sleep 1", **change)]))
    run(processes.ensure([sleeper("b", tmp_path)]))  # nothing broken is left behind
    assert [status.name for status in run(processes.list())] == ["b"]


def test_it_is_restarted_and_given_up_and_revived(processes: Supervisord, tmp_path: Path) -> None:
    run(processes.ensure([sleeper("lives", tmp_path), script(tmp_path, "dies", "exit 3", start_retries=2)]))
    first = pid(processes, "lives")
    until(lambda: state(processes, "lives") == "running")
    os.kill(first, signal.SIGKILL)
    until(lambda: pid(processes, "lives") != first)
    until(lambda: state(processes, "dies") == "fatal")
    (tmp_path / "log" / "dies.log").write_text("")
    run(processes.restart("dies"))
    assert state(processes, "dies") in ("starting", "backoff", "running")
    run(processes.ensure([script(tmp_path, "dies", "exit 3", start_retries=2)]))


def test_its_output_is_rotated(processes: Supervisord, tmp_path: Path) -> None:
    burst = "for j in 1 2 3 4 5 6 7 8 9; do echo line $i of output; echo to stderr >&2; done"
    text = f"i=0; while [ $i -lt 40 ]; do {burst}; sleep 0.02; i=$((i+1)); done; sleep 1000"
    run(processes.ensure([script(tmp_path, "loud", text, log_max_bytes=2000, log_keep=2)]))
    logs = tmp_path / "log"
    until(lambda: any("line 39" in path.read_text() for path in logs.iterdir()))
    assert sorted(path.name for path in logs.iterdir()) == ["loud.log", "loud.log.1", "loud.log.2"]
    assert all(path.stat().st_size < 3000 for path in logs.iterdir())
    assert any("to stderr" in path.read_text() for path in logs.iterdir())


def test_a_stop_takes_the_whole_group_and_kills_what_is_stubborn(
    processes: Supervisord, tmp_path: Path
) -> None:
    text = "trap '' TERM; sleep 1000 & echo $! > child; sleep 1000 & wait; while :; do sleep 1; done"
    run(processes.ensure([script(tmp_path, "stubborn", text, stop_wait_s=1)]))
    leader = pid(processes, "stubborn")
    child = int(until(lambda: (tmp_path / "child").exists() and (tmp_path / "child").read_text().strip()))
    began = time.monotonic()
    run(processes.remove(["stubborn"]))
    assert 0.9 < time.monotonic() - began < 6
    assert not alive(leader)
    until(lambda: not alive(child))


def test_a_log_folder_that_vanished_breaks_nothing(processes: Supervisord, tmp_path: Path) -> None:
    run(processes.ensure([sleeper("a", tmp_path)]))
    for path in (tmp_path / "log").iterdir():
        path.unlink()
    (tmp_path / "log").rmdir()
    run(processes.ensure([sleeper("b", tmp_path / "elsewhere")]))
    assert pid(processes, "b")


# --- the daemon itself ------------------------------------------------------------------------------------------------


def test_without_a_daemon_it_says_so(tmp_path: Path) -> None:
    processes = Supervisord(tmp_path / "home")
    assert not run(processes.running())
    run(processes.remove(["a"]))
    run(processes.stop_daemon())
    for attempt in (processes.list(), processes.ensure([sleeper("a", tmp_path)])):
        with pytest.raises(Temporary, match="headgate up"):
            run(attempt)
    assert not list((tmp_path / "home").glob("run/programs/*"))


@pytest.mark.parametrize("name", ["100% of it; # 'quoted' \"twice\"", "x" * 150])
def test_any_home_will_do(tmp_path: Path, name: str) -> None:
    home = tmp_path / name
    with daemon(home) as processes:
        run(processes.ensure([script(home, "a", "echo hello; sleep 1000")]))
        until(lambda: (home / "log" / "a.log").exists() and (home / "log" / "a.log").read_text() == "hello\n")


def test_a_home_that_supervisor_would_misread_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Permanent, match=r"\[ \]"):
        run(Supervisord(tmp_path / "a[b]").start_daemon())


def test_two_homes_do_not_disturb_each_other(tmp_path: Path) -> None:
    with daemon(tmp_path / "one") as first:
        run(first.ensure([sleeper("a", tmp_path / "one")]))
        before = pid(first, "a")
        with daemon(tmp_path / "two") as second:
            run(second.ensure([sleeper("a", tmp_path / "two")]))
            assert pid(second, "a") != before
            run(second.remove(["a"]))
        assert pid(first, "a") == before


def test_however_many_start_it_there_is_one_daemon(tmp_path: Path) -> None:
    home = tmp_path / "home"
    try:
        with ThreadPoolExecutor() as pool:
            for done in [pool.submit(asyncio.run, Supervisord(home).start_daemon()) for _ in range(4)]:
                done.result()
        assert (home / "log" / "supervisord.log").read_text().count("supervisord started with pid") == 1
    finally:
        run(Supervisord(home).stop_daemon())


def test_it_outlives_whoever_started_it(tmp_path: Path) -> None:
    code = (
        "import asyncio, os, signal, sys\nfrom pathlib import Path\n"
        "from headgate.plugins.processes.supervisord import Supervisord\n"
        "asyncio.run(Supervisord(Path(sys.argv[1])).start_daemon())\nos.killpg(0, signal.SIGKILL)\n"
    )
    source = str(Path(headgate.__file__).parent.parent)
    caller = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": source},
        start_new_session=True,
        check=False,
    )
    assert caller.returncode == -signal.SIGKILL
    processes = Supervisord(tmp_path)
    try:
        assert run(processes.running())
        run(processes.ensure([sleeper("a", tmp_path)]))
        assert os.getsid(pid(processes, "a")) != os.getsid(0)
    finally:
        run(processes.stop_daemon())


def test_programs_stop_with_the_daemon_and_come_back_with_the_next(tmp_path: Path) -> None:
    with daemon(tmp_path) as processes:
        run(processes.ensure([sleeper("a", tmp_path), sleeper("b", tmp_path)]))
        before = pid(processes, "a")
        run(processes.remove(["b"]))
        run(processes.stop_daemon())
        assert not alive(before)
        run(processes.start_daemon())
        assert [status.name for status in run(processes.list())] == ["a"]
        assert pid(processes, "a") != before


def test_what_a_killed_daemon_left_is_stopped_before_it_runs_again(tmp_path: Path) -> None:
    with daemon(tmp_path) as processes:
        graceful = "trap 'echo bye > said; exit' TERM; sleep 1000 & wait"
        run(
            processes.ensure(
                [script(tmp_path, "a", graceful), script(tmp_path, "b", "sleep 1000 & sleep 1001")]
            )
        )
        left = [pid(processes, "a"), pid(processes, "b")]
        os.kill(int((tmp_path / "run" / "supervisord.pid").read_text()), signal.SIGKILL)
        until(lambda: not run(processes.running()))
        assert all(alive(one) for one in left)
        run(processes.start_daemon())
        assert not any(alive(one) for one in left)
        assert (tmp_path / "said").read_text() == "bye\n"
        assert {pid(processes, "a"), pid(processes, "b")}.isdisjoint(left)


def test_what_a_killed_daemon_left_can_be_removed_without_one(tmp_path: Path) -> None:
    with daemon(tmp_path) as processes:
        run(processes.ensure([sleeper("a", tmp_path), sleeper("b", tmp_path)]))
        left = {name: pid(processes, name) for name in ("a", "b")}
        until(
            lambda: len(list((tmp_path / "run" / "programs").glob("*.pid"))) == 2
        )  # each has written itself down
        os.kill(int((tmp_path / "run" / "supervisord.pid").read_text()), signal.SIGKILL)
        until(lambda: not run(processes.running()))
        run(processes.remove(["a"]))
        assert not alive(left["a"])
        assert alive(left["b"])
