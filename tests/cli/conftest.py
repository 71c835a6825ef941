"""A project in a folder of its own, its home, and the command as a person runs it."""

from __future__ import annotations

import contextlib
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from headgate.cli import command
from headgate.ipc.steering import SteeringServer
from headgate.plugins.artifacts.folder import FolderArtifacts
from headgate.wiring import beside, stores, world
from tests.cli.towns import Daemon, Town

Run = Callable[..., Result]

PROJECT = """\
headgate: 1
project: shop
services:
  web:
    artifact: dist
    run: python main.py {port}
    listen: 18080
    rollout:
      steps:
        - {weight: 50%, bake: 200ms}
      soak: 200ms
      warm: 1s
    criteria:
      p99: off
      interval: 100ms
      requests_min: 50
environments:
  staging:
  production:
    production: true
    services: {web: {listen: 18081}}
"""


@pytest.fixture(autouse=True)
def _same_everywhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("HEADGATE_HOME", "HEADGATE_DEBUG", "NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a project, which the command stands in."""
    folder = tmp_path / "shop"
    (folder / "dist").mkdir(parents=True)
    (folder / "headgate.yaml").write_text(PROJECT)
    make(folder, "good", "one")
    monkeypatch.chdir(folder)
    return folder


def make(folder: Path, quality: str, content: str) -> None:
    """Make what is to be released next."""
    (folder / "dist" / "quality").write_text(quality)
    (folder / "dist" / "content").write_text(content)


@pytest.fixture
def home(project: Path) -> Path:
    """The project's home."""
    return project / ".headgate"


@pytest.fixture
def run() -> Run:
    """The command `headgate`, in this process, without a terminal."""
    runner = CliRunner()

    def run(*words: str) -> Result:
        return runner.invoke(command, list(words))

    return run


REAL_DOOR = beside.Door.running


@contextlib.asynccontextmanager
async def no_door(door: beside.Door, server: SteeringServer) -> AsyncGenerator[None]:
    """A controller whose door never opens: a process less, for the tests that ask nothing there."""
    yield


@pytest.fixture
def town(monkeypatch: pytest.MonkeyPatch, home: Path) -> Town:
    """Whoever steers in this process acts on this in place of processes and a proxy."""
    town = Town(FolderArtifacts(home / "artifacts"))
    monkeypatch.setattr(world, "build_world", lambda *_: town.world())
    monkeypatch.setattr(stores, "open_processes", Daemon)
    monkeypatch.setattr(beside.Door, "running", no_door)
    return town


@pytest.fixture
def with_door(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever steers in this process has its door beside it."""
    monkeypatch.setattr(beside.Door, "running", REAL_DOOR)
