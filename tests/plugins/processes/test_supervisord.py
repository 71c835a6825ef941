import asyncio
import json
import os
import shutil
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
from headgate.ports.processes import Lasting, Processes, Program
from headgate.testing.processes import LastingContract, one, pid, run, sleeper
from tests.plugins.processes.daemons import alive, daemon, kill_daemon, script, until

pytestmark = [pytest.mark.e2e]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Supervisord]:
    with daemon(tmp_path_factory.mktemp("home")) as processes:
        yield processes


@pytest.fixture
def processes(shared: Supervisord) -> Iterator[Supervisord]:
    yield shared
    run(shared.remove([status.name for status in run(shared.list())]))


class TestSupervisord(LastingContract):
    @pytest.fixture
    def processes(self, shared: Supervisord) -> Iterator[Processes]:
        yield shared
        run(shared.remove([status.name for status in run(shared.list())]))

    def kill_daemon(self, processes: Lasting) -> None:
        assert isinstance(processes, Supervisord)
        kill_daemon(processes)


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
    text = "i=0; while :; do echo line $i; echo to stderr >&2; sleep 0.02; i=$((i+1)); done"
    run(processes.ensure([script(tmp_path, "loud", text, log_max_bytes=500, log_keep=2)]))
    logs = tmp_path / "log"
    until((logs / "loud.log.2").exists)
    assert sorted(path.name for path in logs.iterdir()) == ["loud.log", "loud.log.1", "loud.log.2"]
    assert "to stderr" in (logs / "loud.log.2").read_text()
    assert (logs / "loud.log.2").stat().st_mode & 0o077 == 0


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
    log = tmp_path / "log" / "a.log"
    run(processes.ensure([script(tmp_path, "a", "echo hello; exec sleep 1000")]))
    until(log.exists)
    shutil.rmtree(tmp_path / "log")
    run(processes.ensure([sleeper("b", tmp_path / "elsewhere")]))
    assert pid(processes, "b")
    run(processes.restart("a"))
    until(lambda: log.exists() and log.read_text() == "hello\n")


def test_a_log_that_cannot_be_written_prevents_no_start(processes: Supervisord, tmp_path: Path) -> None:
    (tmp_path / "log").write_text("a file where its folder should be")
    run(processes.ensure([script(tmp_path, "a", "echo hello; touch started; exec sleep 1000")]))
    until((tmp_path / "started").exists)


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
