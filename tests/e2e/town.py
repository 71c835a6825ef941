"""A town for a test: the example shop, a home, and `headgate` as a person types it. Nothing of it outlives the test."""

import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import psutil

from headgate.core.model.summary import Summary
from headgate.ports import Artifact, Provenance
from headgate.wiring import controller_runs, open_artifacts, open_ledger
from tests.e2e.customers import Customers
from tests.e2e.project import QUICK, Project, Settings

T = TypeVar("T")

BIN = Path(sys.executable).parent
COMMAND_S_MAX = 100.0
PATIENCE_S = 60.0
LOOK_S = 0.01


@dataclass(frozen=True)
class Done:
    """How a command ended and what it said."""

    code: int
    out: str
    err: str

    @property
    def report(self) -> dict[str, Any]:
        """The one JSON object on standard output."""
        found: dict[str, Any] = json.loads(self.out)
        return found

    @property
    def said(self) -> str:
        """All of it, for people, on one line however wide their terminal is."""
        return " ".join((self.out + self.err).split())


@dataclass(frozen=True)
class Answer:
    """What the shop, or the proxy, answered; header names are in lower case."""

    status: int
    headers: dict[str, str]
    body: str

    @property
    def version(self) -> str | None:
        """Who answered; None when it was the proxy itself."""
        return self.headers.get("x-shop-version")


class Command:
    """`headgate ...`, under way."""

    def __init__(self, arguments: tuple[str, ...], folder: Path, env: dict[str, str]) -> None:
        self.process = subprocess.Popen(
            [str(BIN / "headgate"), *arguments],
            cwd=folder,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def end(self, within_s: float = COMMAND_S_MAX) -> Done:
        """Wait for its end. One that does not end is killed, and fails the test."""
        try:
            out, err = self.process.communicate(timeout=within_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            out, err = self.process.communicate()
            raise AssertionError(
                f"{self.process.args!r} did not end within {within_s} s:\n{out}\n{err}"
            ) from None
        return Done(self.process.returncode, out, err)

    def kill(self) -> None:
        """SIGKILL, as the kernel would when memory is short."""
        self.process.kill()
        self.process.communicate()


class Town:
    """One shop and its home. `headgate` and `start` type a command; `get` is a customer."""

    def __init__(self, folder: Path, home: Path | None = None) -> None:
        self.folder = folder
        self.project = Project(folder)
        self.home = home or folder / ".headgate"
        self.env = {name: value for name, value in os.environ.items() if not name.startswith("HEADGATE_")}
        self.env["PATH"] = f"{BIN}{os.pathsep}{self.env.get('PATH', '')}"
        self._named = ("--home", str(home)) if home else ()
        self._made = 0
        self.plan()

    # --- the project ------------------------------------------------------------------------------------------------

    def plan(
        self, web: Settings | None = None, production: Settings | None = None, **rollout: object
    ) -> None:
        """Write the project file: quick for a test, with these changes."""
        self.project.write(QUICK, web or {}, {"rollout": rollout}, production=production)

    def rename(self, name: str) -> None:
        """The file calls its only service by another name now."""
        self.project.rename("web", name)

    def build(self, like: str = "v1", *, main: str = "") -> str:
        """Build a version that nobody has seen before, and behaves like `like`; returns its label."""
        self._made += 1
        label = f"{like.partition('-')[0]}-{self._made}"
        made = self.project.make(label, like, main=main)
        origin = Provenance(built_at=time.time(), builder="a test", label=label)
        open_artifacts(self.home).put(made, origin)
        return label

    # --- what a person types ----------------------------------------------------------------------------------------

    def start(self, *arguments: str) -> Command:
        """Begin a command."""
        return Command((*self._named, *arguments), self.folder, self.env)

    def headgate(self, *arguments: str) -> Done:
        """A command, to its end."""
        return self.start(*arguments).end()

    def deploy(self, label: str, *arguments: str) -> Done:
        """`headgate deploy --artifact LABEL --json ...`."""
        return self.headgate("deploy", "--artifact", label, "--json", *arguments)

    def promoted(self, label: str, *arguments: str) -> str:
        """Have this version promoted; returns the release."""
        done = self.deploy(label, *arguments)
        assert done.code == 0, done.said
        return str(done.report["release"])

    def up(self) -> None:
        """`headgate up`, until the controller answers."""
        done = self.headgate("up")
        assert done.code == 0, done.said
        self.until(lambda: controller_runs(self.home), "the controller to answer")

    def status(self) -> dict[str, Any]:
        """`headgate status --json`."""
        return self.headgate("status", "--json").report

    # --- what customers do ------------------------------------------------------------------------------------------

    def customers(self, rate: float = 40.0, journeys: str = "/catalogue") -> Customers:
        """A load on the public port, for as long as the context lasts."""
        return Customers(f"http://127.0.0.1:{self.project.port}", self.folder, rate, journeys)

    def get(self, path: str = "/catalogue", /, **headers: str) -> Answer:
        """One request on a connection of its own; `x_test="1"` is the header `x-test: 1`."""
        return self._ask(self.project.port, path, headers)

    def preview(self, path: str = "/catalogue", /) -> Answer:
        """One request to the preview port."""
        return self._ask(self.project.preview, path, {})

    def _ask(self, port: int, path: str, headers: dict[str, str]) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        try:
            sent = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request("GET", path, headers=sent)
            response = connection.getresponse()
            found = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, found, response.read().decode())
        finally:
            connection.close()

    def answerers(self, requests: int = 30, **headers: str) -> set[str | None]:
        """Who answers at the proxy: the versions of so many good answers."""
        answers = [self.get(**headers) for _ in range(requests)]
        assert all(answer.status == 200 for answer in answers), answers
        return {answer.version for answer in answers}

    def stable(self) -> str:
        """The one version that answers."""
        (version,) = self.answerers(10)
        assert version is not None
        return version

    # --- what is going on -------------------------------------------------------------------------------------------

    def releases(self) -> list[Summary]:
        """All releases, newest first, as the ledger has them."""
        ledger = open_ledger(self.home)
        try:
            return list(ledger.summaries(limit=1000))
        finally:
            ledger.close()

    def phase(self) -> str:
        """Where the newest release is; an empty string when there is none."""
        return self.releases()[0].phase if (self.home / "ledger.sqlite").exists() and self.releases() else ""

    def comes_to(self, *phases: str) -> None:
        """Wait until the newest release is in one of these phases."""
        self.until(lambda: self.phase() in phases, f"the release to be {' or '.join(phases)}")

    def until(self, what: Callable[[], T], name: str, within_s: float = PATIENCE_S) -> T:
        """Look until `what` is true; fails with `name` when it does not come to it."""
        deadline = time.monotonic() + within_s
        while True:
            found = what()
            if found:
                return found
            assert time.monotonic() < deadline, f"waited {within_s:g} s for {name}; {self._standing()}"
            time.sleep(LOOK_S)

    def _standing(self) -> str:
        return self.headgate("status").said

    def verify(self) -> None:
        """The ledger is whole."""
        done = self.headgate("ledger", "verify")
        assert done.code == 0, done.said

    def calm(self) -> None:
        """Undo what a test has left under way, so that the next one finds the town as it should be."""
        for summary in self.releases():
            if summary.outcome is None:
                self.headgate("abort", summary.release)

    def artifacts(self) -> list[Artifact]:
        """What was built."""
        return list(open_artifacts(self.home).list())

    # --- processes --------------------------------------------------------------------------------------------------

    def running(self, *words: str) -> list[psutil.Process]:
        """The processes that belong to this town and whose command line has all these words in it."""
        return [found for found in psutil.process_iter() if self._ours(found, words)]

    def _ours(self, process: psutil.Process, words: tuple[str, ...]) -> bool:
        try:
            if process.pid == os.getpid() or process.status() == psutil.STATUS_ZOMBIE:
                return False
            command = " ".join(process.cmdline())
            where = f"{command} {process.cwd()} {process.environ().get('SHOP_DATABASE', '')}"
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            return False
        ours = str(self.folder) in where or str(self.home) in where
        return ours and all(word in command for word in words)

    def one(self, *words: str) -> psutil.Process:
        """The process of this town with these words in its command line, as soon as there is one."""
        return self.until(lambda: self.running(*words), f"a process with {words}")[0]

    def controller(self) -> psutil.Process:
        """The daemon's controller."""
        return self.one("headgate --home", " controller")

    def shops(self, label: str) -> list[psutil.Process]:
        """The processes of one version."""
        digests = {
            move.after.key.partition("-")[0]
            for one in self.releases()
            for move in one.moves
            if move.label == label
        }
        return [
            found
            for found in self.running("main.py")
            if any(f"/{digest}-" in _cwd(found) for digest in digests)
        ]

    def close(self) -> None:
        """Stop everything; fails when a process of ours outlives it, after ending that, too."""
        done = self.headgate("down", "--all")
        try:
            assert done.code == 0, done.said
            self.until(lambda: not self.running(), "everything to be stopped", 30.0)
        finally:
            left = self.running()
            for process in left:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.send_signal(signal.SIGKILL)


def _cwd(process: psutil.Process) -> str:
    """Where a process runs; nowhere once it has ended."""
    try:
        return process.cwd()
    except psutil.NoSuchProcess:
        return ""
