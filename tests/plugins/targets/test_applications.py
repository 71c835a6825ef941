"""Other people's applications, as they are: they write where they are, daemonize, and listen where they like."""

import itertools
import os
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec
import pytest

from headgate import marks
from headgate.core.model import CommandCheck, HttpCheck, Probe, Probes, Version
from headgate.plugins.targets.local.endpoints import is_free
from headgate.plugins.targets.local.worktree import leaves
from headgate.ports import Permanent
from tests.plugins.processes.daemons import alive, kill_daemon, until
from tests.plugins.targets.host import Host, run

pytestmark = [pytest.mark.e2e]

SERVER = """\
import http.server, os, pathlib, socket, subprocess, sys
class Server(http.server.ThreadingHTTPServer):
    address_family = socket.AF_INET6 if ":" in os.environ.get("BIND", "") else socket.AF_INET
exec(os.environ.get("FIRST", ""))
address = (os.environ.get("BIND", "127.0.0.1"), int(os.environ.get("OWN_PORT") or os.environ["PORT"]))
Server(address, http.server.SimpleHTTPRequestHandler).serve_forever()
"""

_COUNT = itertools.count()
ANY = Probes(readiness=Probe(HttpCheck("/"), period_s=0.1, failure_threshold=2))


@pytest.fixture(name="artifact")
def _artifact(local: Host, tmp_path: Path) -> str:
    source = tmp_path / "application"
    source.mkdir()
    (source / "server.py").write_text(SERVER)
    (source / "shop.sqlite3").write_text("empty")
    return local.shelf.put(source).digest


def version(local: Host, artifact: str, first: str = "", unit: str = "", **changes: Any) -> Version:  # noqa: ANN401 - fields of a Configuration
    env = {"FIRST": first, **changes.pop("env", {})}
    fields = {"argv": (sys.executable, "-I", "-S", "server.py"), "probes": ANY, **changes}
    # Names decide where the search for a port begins: not beside another worker's.
    named = f"a{os.getpid()}-{unit or next(_COUNT)}"
    return msgspec.structs.replace(local.version(named, env=env, **fields), artifact=artifact)


def refusal(local: Host, made: Version) -> str:
    with pytest.raises(Permanent) as caught:
        local.prepare(made)
    return str(caught.value)


# --- writing ----------------------------------------------------------------------------------------------------------

WRITES = """
for name in ("tmp/pids/server.pid", "log/production.log", "shop.sqlite3", "storage/a.png"):
    with open(name, "a") as file: print(os.getpid(), file=file)
"""


def test_it_writes_in_its_folder_and_the_artifact_stays_what_was_built(local: Host, artifact: str) -> None:
    made = version(local, artifact, WRITES, writable=("tmp/pids", "log"), shared=("storage",))
    before = dict(leaves(str(local.shelf.verify(artifact))))
    (instance,) = local.prepare(made)
    tree = local.folder(made).tree(instance.name)
    first = local.pid(made)
    assert (tree / "tmp/pids/server.pid").read_text() == f"{first}\n"
    os.kill(first, 9)
    until(lambda: local.pid(made) != first and local.inspect(made)[0].ready)
    assert (
        tree / "shop.sqlite3"
    ).read_text() == f"empty{first}\n{local.pid(made)}\n"  # a crash takes no data
    assert dict(leaves(str(local.shelf.verify(artifact)))) == before
    local.stop(made)
    local.prepare(made)  # as a way back would
    assert (tree / "tmp/pids/server.pid").read_text() == f"{local.pid(made)}\n"


def test_what_is_shared_is_seen_by_both_versions_and_outlives_them(local: Host, artifact: str) -> None:
    old = version(local, artifact, WRITES, "both", shared=("storage",), writable=("tmp/pids", "log"))
    new = version(local, artifact, WRITES + "# 2", "both", shared=("storage",), writable=("tmp/pids", "log"))
    local.prepare(old)
    (instance,) = local.prepare(new)
    said = f"{local.pid(old)}\n{local.pid(new)}\n"
    place = local.folder(new).shared / "storage" / "a.png"
    assert place.read_text() == said
    assert (local.folder(new).tree(instance.name) / "storage" / "a.png").read_text() == said
    local.stop(old)
    local.stop(new)
    assert place.read_text() == said


def test_home_and_tmpdir_are_its_own_and_go_with_it(local: Host, artifact: str) -> None:
    first = "pathlib.Path.home().joinpath('.cache').mkdir(); import tempfile; tempfile.mkstemp()"
    made = version(
        local,
        artifact,
        f"{first}; open('env', 'w').write(os.environ['HOME'] + chr(10) + os.environ['TMPDIR'])",
    )
    one, two = local.prepare(made, 2)
    written = [(local.folder(made).tree(one.name) / "env").read_text().split("\n") for one in (one, two)]
    places = [Path(place) for pair in written for place in pair]
    assert len(set(places)) == 4
    for place in places:
        assert place.is_relative_to(local.home)
        assert place.stat().st_mode & 0o777 == 0o700
        assert any(place.iterdir())
    local.stop(made)
    assert not any(place.exists() for place in places)
    assert not local.folder(made).tree(one.name).exists()


def test_the_log_that_a_message_names_is_there_and_so_are_those_it_wrote_itself(
    local: Host, artifact: str
) -> None:
    first = "os.mkdir('log'); open('log/production.log', 'w').write('why'); print('it cannot', flush=True); sys.exit(3)"
    said = refusal(local, version(local, artifact, first))
    (log,) = [
        Path(line[len("The last lines of ") : -1])
        for line in said.splitlines()
        if line.startswith("The last")
    ]
    assert log.read_text().count("it cannot") >= 1
    (own,) = [line.partition(": ")[2] for line in said.splitlines() if line.startswith("It wrote logs")]
    assert Path(own).read_text() == "why"


# --- listening --------------------------------------------------------------------------------------------------------


def test_one_that_listens_on_the_other_loopback_address_is_reached_there(local: Host, artifact: str) -> None:
    made = version(local, artifact, env={"BIND": "::1"})
    (instance,) = local.prepare(made)
    assert instance.ready
    assert instance.address.startswith("[::1]:")
    assert local.target.addresses(made) == (instance.address,)
    assert run(local.target.check(made))[0].answer == "pass"
    first = local.pid(made)
    os.kill(first, 9)
    until(lambda: local.pid(made) != first and local.inspect(made)[0].ready)


@pytest.mark.parametrize("probes", [ANY, Probes(), Probes(readiness=Probe(HttpCheck("/none"), period_s=0.1))])
def test_a_port_of_its_own_is_named_at_once(local: Host, artifact: str, probes: Probes) -> None:
    began = time.monotonic()
    said = refusal(local, version(local, artifact, probes=probes, env={"OWN_PORT": "29871"}))
    assert "it listens at 127.0.0.1:29871, and not at port" in said
    assert "`{port}`" in said
    assert "PORT" in said
    assert time.monotonic() - began < 30  # no time-out: that is 60 s and more


def test_a_port_for_other_ends_that_is_open_first_is_none_of_its_own(local: Host, artifact: str) -> None:
    first = "import time; s = socket.create_server(('127.0.0.1', 0)); time.sleep(2.5)"
    made = version(
        local,
        artifact,
        first,
        probes=Probes(readiness=Probe(HttpCheck("/"), period_s=0.1, failure_threshold=99)),
    )
    assert local.prepare(made)[0].ready


@pytest.mark.parametrize(("bind", "exposed"), [("127.0.0.1", False), ("0.0.0.0", True), ("::", True)])
def test_all_addresses_work_and_are_said(local: Host, artifact: str, bind: str, exposed: bool) -> None:  # noqa: FBT001 - a case
    (instance,) = local.prepare(version(local, artifact, env={"BIND": bind}))
    assert (instance.ready, instance.exposed) == (True, exposed)
    assert instance.address.startswith("127.0.0.1:")


STRANGER = """
import sys; sys.path.append(sys.argv[1])
from headgate import marks; marks.put_on(marks.mark_of("another home", "web"))
import http.server; http.server.test(http.server.SimpleHTTPRequestHandler, port=int(sys.argv[2]), bind="127.0.0.1")
"""


def test_what_another_home_answers_at_its_port_is_not_its_own_readiness(local: Host, artifact: str) -> None:
    first = "import time\nif not os.path.exists('moved'): open('moved', 'w').close(); time.sleep(1000)"
    made = version(local, artifact, first)

    def stranger() -> tuple[subprocess.Popen[bytes], int]:
        (one, *_) = until(lambda: local.target.endpoints(made))
        until((local.folder(made).tree(one.name) / "moved").exists)  # it was free when it started
        source = str(Path(marks.__file__).parent.parent)
        words = [sys.executable, "-I", "-S", "-c", STRANGER, source, str(one.port)]
        return subprocess.Popen(words), one.port

    with ThreadPoolExecutor() as beside:
        started = beside.submit(stranger)
        try:
            (instance,) = local.prepare(made)
        finally:
            other, port = started.result()
            other.kill()
            other.wait()
    assert instance.ready
    assert not instance.address.endswith(f":{port}")


# --- in the background ------------------------------------------------------------------------------------------------

HIDES = """
import time
def hide(then):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            then()
        os._exit(0)
"""
HELPER = (
    HIDES
    + """
path = os.environ["NOTE"]
def helper():
    command = f"echo $$ >> {path}; exec sleep 1000"
    os.execve("/bin/sh", ["sh", "-c", command], {})
hide(helper)
while not pathlib.Path(path).exists(): time.sleep(0.01)
"""
)


def helpers(note: Path) -> list[int]:
    return [int(word) for word in note.read_text().split()] if note.exists() else []


def test_stopping_it_ends_what_hid_in_sessions_of_its_own(local: Host, artifact: str, tmp_path: Path) -> None:
    note = tmp_path / "note"
    made = version(local, artifact, HELPER, env={"NOTE": str(note)})
    local.prepare(made)
    (hidden,) = until(lambda: helpers(note))
    assert alive(hidden)
    first = local.pid(made)
    os.kill(first, 9)  # the next life begins without what the last one left
    until(lambda: len(helpers(note)) == 2)
    assert not alive(hidden)
    until(lambda: local.inspect(made)[0].ready)
    local.stop(made)
    assert not any(map(alive, helpers(note)))


def test_they_end_as_well_after_another_daemon_has_taken_over(
    local: Host, artifact: str, tmp_path: Path
) -> None:
    note = tmp_path / "note"
    made = version(local, artifact, HELPER, env={"NOTE": str(note)})
    local.prepare(made)
    (hidden,) = until(lambda: helpers(note))
    kept = local.pid(made)
    kill_daemon(local.processes)
    run(local.processes.start_daemon())
    until(lambda: local.inspect(made)[0].ready)
    assert (local.pid(made), alive(hidden)) == (kept, True)
    local.stop(made)
    assert not alive(hidden)
    assert not alive(kept)


def test_one_that_puts_itself_into_the_background_is_told_so(local: Host, artifact: str) -> None:
    said = refusal(local, version(local, artifact, HIDES + "if os.fork(): os._exit(0)\nos.setsid()"))
    assert "its process ended and left process" in said
    assert "run it in the foreground" in said
    made = version(local, artifact, probes=Probes(readiness=Probe(CommandCheck(("true",)))), unit="after")
    local.prepare(made)


def test_a_command_probe_runs_where_it_may_write(local: Host, artifact: str) -> None:
    check = CommandCheck(("sh", "-c", 'touch probed && test -d "$TMPDIR"'))
    local.prepare(version(local, artifact, probes=Probes(readiness=Probe(check, period_s=0.1))))


def test_a_port_is_not_free_when_it_is_taken_on_the_other_loopback_address() -> None:
    with socket.socket(socket.AF_INET6) as taken:
        taken.bind(("::1", 0))
        taken.listen()
        assert not is_free(taken.getsockname()[1])
    assert is_free(taken_and_left())


def taken_and_left() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
