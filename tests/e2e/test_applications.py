"""Ten applications of other people's, unchanged: two releases and a rollback each, under load, and nobody notices."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import pytest
import yaml

from headgate.homes import socket_of
from tests.e2e.applications import APPLICATIONS, EVENTS, GO, JAVA, OWN_LOGS, PHP, Application, php
from tests.e2e.project import QUICK, Settings, merge
from tests.e2e.town import BIN, Command, Done
from tests.plugins.traffic.http2 import Channel

pytestmark = pytest.mark.e2e

PAUSE_S = 0.02
JAVA_S = 60.0


class Host:
    """A host on which one application is released, as a person would."""

    def __init__(self, folder: Path, application: Application) -> None:
        self.folder = folder
        self.application = application
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self.env = {name: value for name, value in os.environ.items() if not name.startswith("HEADGATE_")}
        self.env["PATH"] = f"{BIN}{os.pathsep}{self.env.get('PATH', '')}"

    def write(self, version: str) -> None:
        """A version, and the project file that has it released."""
        application = self.application
        shutil.rmtree(self.folder / "dist", ignore_errors=True)
        application.build(self.folder / "dist", version)
        run = application.run.replace("PHP", php()) if application is PHP else application.run
        service: Settings = {"artifact": "dist", "run": run, "listen": self.port}
        merge(service, {key: value for key, value in QUICK.items() if key != "artifact"})
        merge(service, dict(application.service))
        document = {
            "headgate": 1,
            "project": "shop",
            "services": {"web": service},
            "environments": {"staging": None},
        }
        (self.folder / "headgate.yaml").write_text(yaml.safe_dump(document, sort_keys=False))

    def headgate(self, *words: str) -> Done:
        return Command(words, self.folder, self.env).end()

    def release(self, version: str) -> None:
        """Deploy a version, which is promoted."""
        self.write(version)
        done = self.headgate("deploy", "--label", version, "--json")
        assert done.code == 0, done.said
        assert self.application.ask(self.port) == (200, version)

    def close(self) -> None:
        done = self.headgate("down", "--all")
        assert done.code == 0, done.said


class Load:
    """Somebody who asks all the time, on connections of their own; what came back is counted."""

    def __init__(self, host: Host) -> None:
        self.seen: Counter[tuple[int, str]] = Counter()
        self._host = host
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._ask)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _ask(self) -> None:
        while not self._over.wait(PAUSE_S):
            try:
                self.seen[self._host.application.ask(self._host.port)] += 1
            except OSError as error:
                self.seen[0, f"{type(error).__name__}: {error}"] += 1


@pytest.fixture
def host(request: pytest.FixtureRequest) -> Iterator[Host]:
    folder = Path(tempfile.mkdtemp(prefix="hg-"))
    opened = Host(folder, request.param)
    try:
        yield opened
    finally:
        try:
            opened.close()
        finally:
            shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.parametrize("host", APPLICATIONS, ids=lambda application: application.name, indirect=True)
def test_two_releases_and_a_rollback(host: Host) -> None:
    host.release("one")
    with Load(host) as load:
        host.release("two")
        particular(host, "two")
        back = host.headgate("rollback", "--json", "--reason", "the new prices are wrong")
        assert back.code == 0, back.said
        assert host.application.ask(host.port) == (200, "one")
        particular(host, "one")
    assert set(load.seen) == {(200, "one"), (200, "two")}, load.seen
    if host.application in (PHP, OWN_LOGS):
        assert kept(host), "what is shared outlives both versions"
    assert not socket_of(host.folder / ".headgate").exists()


def particular(host: Host, version: str) -> None:
    """What only this application does."""
    if host.application is GO:
        head, *_, trailers = asyncio.run(_grpc(host.port))
        assert (head[":status"], trailers["grpc-status"]) == ("200", "0")
    elif host.application is EVENTS:
        started = time.monotonic()
        assert host.application.ask(host.port, "/events") == (200, f"data: {version}\n\n" * 2)
        assert time.monotonic() - started >= 4, "its silence was waited for"
    elif host.application is JAVA:
        java(host, version)


async def _grpc(port: int) -> list[dict[str, str]]:
    channel = await Channel.connected(port)
    return [dict(one) for one in await channel.call("Add")]


def java(host: Host, version: str) -> None:
    """An old client, from its source."""
    found = shutil.which("java")
    if found is None:
        pytest.skip("java is not installed")
    client = host.folder / "dist" / "Client.java"
    words = [found, str(client), str(host.port), "20"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=JAVA_S, check=False)
    assert done.stdout.splitlines() == [f"200 {version}"] * 20, (done.stdout, done.stderr)


def kept(host: Host) -> list[Path]:
    """The files in the service's shared folder."""
    shared = host.folder / ".headgate" / "shared" / "shop" / "staging" / "web"
    return [path for path in shared.rglob("*") if path.is_file()]
