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
