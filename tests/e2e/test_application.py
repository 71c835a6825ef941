"""Somebody's application in a folder, through the command line: what it writes, and what is left of it in a home."""

import os
import shutil
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.project import free_ports

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-application"), pytest.mark.timeout(240)]

FILE = """\
headgate: 1
project: somebody
services:
  web:
    artifact: {artifact}
    run: GREETING=hello bin/start $PORT
    listen: {port}
    probes: {{readiness: /}}
    rollout: {{strategy: all-at-once, soak: 1s, warm: 1s}}
    stop: {{grace: 2s, drain: 1s}}
    {more}
environments: {{staging: }}
"""

START = f"""\
#!/bin/sh
echo $$ > tmp/pids/server.pid || exit 1
echo started >> log/app.log || exit 1
echo order >> storage/orders
echo row >> shop.sqlite3
exec {sys.executable} -m http.server --bind "${{BIND:-127.0.0.1}}" "$1"
"""


class Somebody:
    """A project in a folder of its own, and what is said to it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = folder / "home"
        (self.port,) = free_ports(1)
        self.write()

    def write(self, more: str = "shared: [storage]", artifact: str = "dist") -> None:
        (self.folder / "headgate.yaml").write_text(FILE.format(port=self.port, more=more, artifact=artifact))

    def make(self, version: str) -> None:
        dist = self.folder / "dist"
        for name in ("bin", "tmp/pids", "log"):
            (dist / name).mkdir(parents=True, exist_ok=True)
        (dist / "bin" / "start").write_text(START)
        (dist / "bin" / "start").chmod(0o755)
        (dist / "index.html").write_text(version)

    def say(self, *words: str, umask: int = 0o022, code: int = 0) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "headgate", *words],
            cwd=self.folder,
            env={**os.environ, "HEADGATE_HOME": str(self.home), "NO_COLOR": "1"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            umask=umask,
            timeout=200,
            check=False,
        )
        said = done.stdout + done.stderr
        assert done.returncode == code, said
        return said


@pytest.fixture(name="somebody")
def _somebody() -> Iterator[Somebody]:
    folder = Path(tempfile.mkdtemp(prefix="hg-"))
    somebody = Somebody(folder)
    try:
        yield somebody
    finally:
        if somebody.home.exists():
            somebody.say("down", "--all")
        shutil.rmtree(folder, ignore_errors=True)


def test_what_it_writes_never_bars_the_way_back(somebody: Somebody) -> None:
    somebody.make("one")
    said = somebody.say("deploy", "-e", "staging")
    assert "shop.sqlite3" not in said
    somebody.write("shared: [storage]\n    env: {A: b}")  # the same artifact, otherwise configured
    somebody.say("deploy", "-e", "staging")
    somebody.make("two")
    somebody.say("deploy", "-e", "staging")
    somebody.say("rollback", "-e", "staging", "--reason", "a test")
    shared = somebody.home / "shared" / "somebody" / "staging" / "web" / "storage" / "orders"
    orders = (
        shared.read_text().splitlines()
    )  # one a start: on the way back a version that is still warm needs none
    assert orders in (["order"] * 3, ["order"] * 4)
    somebody.say("retire", "web", "-e", "staging", "--yes")
    assert shared.exists()
    left = [path for path in (somebody.home / "versions").rglob("tree") if path.is_dir()]
    assert left == []


def test_a_home_is_its_owners_alone_whatever_the_umask(somebody: Somebody) -> None:
    somebody.make("one")
    somebody.say("up", umask=0)
    somebody.say("deploy", "-e", "staging", umask=0)
    somebody.say("token", "issue", "ci", "--role", "operator", umask=0)
    somebody.say("hook", "add", "github", "--from", "github", "-e", "staging", umask=0)
    somebody.say("dashboard", umask=0)
    somebody.say("status", umask=0)
    assert somebody.home.stat().st_mode & 0o777 == 0o700
    applications = ("artifacts/trees/*/content", "versions/*/*/*/*/instances/*/tree", "shared/*/*/*")
    theirs = [place for pattern in applications for place in somebody.home.glob(pattern)]
    assert len(theirs) == 3
    for path in somebody.home.rglob("*"):
        mode = path.lstat().st_mode
        if path.is_symlink():
            continue
        assert not mode & 0o022, f"{path} may be written by others: {mode:o}"
        if path.is_dir() and not any(path.is_relative_to(place) for place in theirs):
            assert not mode & 0o077, f"{path} may be entered by others: {mode:o}"


def test_a_home_that_others_can_enter_is_closed(somebody: Somebody) -> None:
    somebody.make("one")
    somebody.say("build")
    somebody.home.chmod(0o755)
    somebody.say("build")
    assert somebody.home.stat().st_mode & 0o777 == 0o700


def test_a_folder_of_other_things_is_no_home(somebody: Somebody) -> None:
    somebody.make("one")
    somebody.home.mkdir(mode=0o755)
    somebody.home.chmod(0o755)
    (somebody.home / "letters").write_text("dear reader")
    said = somebody.say("build", code=3)
    assert "holds other things than a home's" in said
    assert "chmod 700" in said
    assert somebody.home.stat().st_mode & 0o777 == 0o755
    shutil.rmtree(somebody.home)


def test_an_artifact_that_leads_out_of_the_project_is_refused(somebody: Somebody) -> None:
    somebody.make("one")
    outside = Path(tempfile.mkdtemp(prefix="hg-"))
    try:
        (somebody.folder / "dist").rename(outside / "dist")
        (somebody.folder / "dist").symlink_to(outside / "dist")
        for path in ("dist", "dist/bin"):
            somebody.write(artifact=path)
            said = somebody.say("build", code=2)
            assert f"{path} leads out of the project" in said
        (somebody.folder / "dist").unlink()
        (outside / "dist").rename(somebody.folder / "real")
        (somebody.folder / "dist").symlink_to("real")
        somebody.write()
        somebody.say("build")
    finally:
        shutil.rmtree(outside)


def test_where_data_would_be_lost_is_said_and_where_shared_folders_lie(somebody: Somebody) -> None:
    somebody.make("one")
    (somebody.folder / "dist" / "shop.sqlite3").write_text("")
    for verb in (("validate",), ("plan", "-e", "staging")):
        said = " ".join(somebody.say(*verb).split())
        assert "`shop.sqlite3` is a database and lies in no `shared` place" in said
        assert (
            f"`storage` is shared by all versions: it lies in {somebody.home}/shared/somebody/staging/web/storage"
            in said
        )
    somebody.write("shared: [storage, shop.sqlite3]")
    assert "is a database" not in somebody.say("validate")


def test_one_that_listens_on_the_other_loopback_address_has_its_users(somebody: Somebody) -> None:
    somebody.make("one")
    somebody.write("env: {BIND: '::1'}\n    writable: [storage]\n    smoke: {page: {requests: [{get: /}]}}")
    assert "promoted" in somebody.say("deploy", "-e", "staging")
    with urllib.request.urlopen(f"http://127.0.0.1:{somebody.port}/", timeout=10) as answer:
        assert answer.read() == b"one"


def test_that_it_listens_on_all_addresses_is_said(somebody: Somebody) -> None:
    somebody.make("one")
    somebody.write("env: {BIND: 0.0.0.0}\n    writable: [storage]")
    for verb in (("deploy", "-e", "staging"), ("status",), ("plan", "-e", "staging")):
        assert "listens on all addresses" in " ".join(somebody.say(*verb).split())
