"""`headgate up` waits for the controller's answer; `headgate down --all` leaves nothing outside the home."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from headgate import homes
from headgate.cli import exits
from headgate.plugins.processes.supervisord.paths import Paths
from headgate.plugins.traffic.envoy import admin_socket
from headgate.wiring import daemon
from tests.cli.conftest import Run
from tests.cli.towns import Town


@contextlib.contextmanager
def listening(path: Path) -> Iterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with contextlib.closing(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)) as heard:
        heard.bind(str(path))
        heard.listen()
        yield


def test_up_waits_for_the_answer(run: Run, town: Town, home: Path) -> None:
    ended = threading.Event()

    def be_late() -> None:
        time.sleep(0.2)
        with listening(homes.steering_of(home)), listening(homes.socket_of(home)):
            ended.wait(20)

    late = threading.Thread(target=be_late)
    late.start()
    try:
        result = run("up", "--json")
        assert result.exit_code == exits.DONE, result.output
        assert json.loads(result.stdout)["controller"] is True
        assert "The controller runs" in run("up").stdout
    finally:
        ended.set()
        late.join()


def test_up_says_why_nobody_answers(
    run: Run, town: Town, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(daemon, "UP_S", 0.1)
    assert "there is nothing in" in run("up").stderr
    (home / "log").mkdir(parents=True)
    (home / "log" / "controller.log").write_text("old\n" * 100 + "the ledger is damaged\n")
    result = run("up")
    assert result.exit_code == exits.INTERNAL
    assert "does not answer" in result.stderr
    assert "the ledger is damaged" in result.stderr
    assert result.stderr.count("old") < 20
    document = json.loads(run("up", "--json").stdout)
    assert (document["exit"], "the ledger is damaged" in document["error"]) == (exits.INTERNAL, True)


@pytest.fixture
def far(tmp_path: Path) -> Iterator[Path]:
    """A home whose path is too long for a socket, reached by a link."""
    real = tmp_path / ("long" * 30)
    real.mkdir()
    link = tmp_path / ("link" * 30)
    link.symlink_to(real)
    yield link
    for folder in homes.socket_folders(link):
        with contextlib.suppress(FileNotFoundError):
            for path in folder.iterdir():
                path.unlink()
            folder.rmdir()


def test_down_all_leaves_no_folder_outside_the_home(run: Run, town: Town, far: Path) -> None:
    places = (admin_socket(far), homes.socket_of(far), Paths(far).choose_socket())
    folders = {place.parent for place in places}
    assert folders == homes.socket_folders(far)
    for place in places:
        with listening(place):
            pass
    other = admin_socket(far.parent)
    try:
        assert run("--home", str(far), "down").exit_code == exits.DONE
        assert all(folder.is_dir() for folder in folders)
        assert run("--home", str(far), "down", "--all").exit_code == exits.DONE
        assert not any(folder.exists() for folder in folders)
        assert other.parent.is_dir()
        assert run("--home", str(far), "down", "--all").exit_code == exits.DONE
    finally:
        other.parent.rmdir()


def test_down_all_leaves_what_somebody_else_needs(run: Run, town: Town, far: Path) -> None:
    place = admin_socket(far)
    with listening(place):
        run("--home", str(far), "down", "--all")
        assert place.is_socket()
    (place.parent / "a file").write_text("of somebody's")
    run("--home", str(far), "down", "--all")
    assert {path.name for path in place.parent.iterdir()} == {"a file", place.name}
