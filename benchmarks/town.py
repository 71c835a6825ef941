"""A home with everything real in it: the controller as a daemon, supervisord, Envoy, and services to release.

Used as a person uses it: what is wanted is handed to the controller's socket, what came of it is read from the ledger.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import socket
import sys
import tempfile
import time
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from msgspec.structs import replace

from headgate import homes, wiring
from headgate.cli.ask.client import Client, NoController
from headgate.config import Project, configuration, intent, load_text, policies
from headgate.core.model import Intent, Stage, Unit, Version
from headgate.core.release.planning import Policies
from headgate.core.release.submission import Submission
from headgate.core.story.report import Report, fold
from headgate.ports import Provenance

BROOK = Path(__file__).parent / "brook" / "main.py"
ENVIRONMENT = "bench"
POLL_S = 0.05
STARTING_S = 60.0
RELEASE_MAX_S = 300.0


class Town:
    """A home whose controller runs. See `town`."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self._client = Client(homes.socket_of(home))
        self._ledger = wiring.open_ledger(home)

    def deploy(self, intents: Sequence[Intent], rules: Policies) -> Report:
        """Release, and stay until nothing more will happen. Raises RuntimeError when it waits for a person."""
        return self.settled(self.submit(intents, rules))

    def submit(self, intents: Sequence[Intent], rules: Policies) -> str:
        return self._client.submit(Submission(tuple(intents), rules, "benchmarks"))

    def settled(self, release: str) -> Report:
        until = time.monotonic() + RELEASE_MAX_S
        while not self.over(release) and time.monotonic() < until:
            time.sleep(POLL_S)
        found = self._ledger.summary(release)
        report = self.report(release)
        if found is None or not found.closed:
            raise RuntimeError(f"{release} does not end: {report.phase}, {report.reason}")
        return report

    def over(self, release: str) -> bool:
        found = self._ledger.summary(release)
        return found is not None and (found.closed or found.phase == "held")

    def report(self, release: str) -> Report:
        return fold(entry.event for entry in self._ledger.read(release)).report()

    def processes(self) -> dict[str, int]:
        """The process ids of the programs, by their names."""
        status = asyncio.run(wiring.daemon_status(self.home))
        return {program["name"]: program["pid"] for program in status["programs"]}

    def close(self) -> None:
        self._ledger.close()


@contextmanager
def town(home: Path) -> Generator[Town]:
    """Have everything run at `home` as long as the context lasts."""
    with ExitStack() as stack:
        stack.callback(lambda: asyncio.run(wiring.down(home, everything=True)))
        asyncio.run(wiring.up(home))
        _await_controller(Client(homes.socket_of(home)))
        found = Town(home)
        stack.callback(found.close)
        yield found


@contextmanager
def folder() -> Generator[Path]:
    """A folder for a while. Its path is short: sockets live in it."""
    path = Path(tempfile.mkdtemp(prefix="headgate-bench-"))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


class Brooks:
    """Services of the plainest kind, by name, on ports of their own; each release of one is an artifact of its own."""

    def __init__(
        self, home: Path, names: Sequence[str], *, interval: str = "500ms", instances: int = 2
    ) -> None:
        self._home = home
        self._made = 0
        self.ports = dict(zip(names, free_ports(len(names)), strict=True))
        self._project = _project(self.ports, interval, instances)

    @property
    def rules(self) -> Policies:
        return policies(self._project, ENVIRONMENT)

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.ports[name]}"

    def release(
        self, name: str, fail_ratio: float = 0.0, stages: tuple[Stage, ...] = (), stop_s: float = 0.0
    ) -> Intent:
        """A new version of the service `name`; its label is what it calls itself when it answers."""
        self._made += 1
        label = f"{name}-{self._made}"
        store = wiring.open_artifacts(self._home)
        with folder() as built:
            shutil.copy(BROOK, built)
            content = {"name": label, "fail_ratio": fail_ratio, "stop_s": stop_s}
            (built / "release.json").write_text(json.dumps(content), encoding="utf-8")
            artifact = store.put(built, Provenance(built_at=time.time(), builder="benchmarks", label=label))
        runs_with = store.put_configuration(configuration(self._project, ENVIRONMENT, name, self._home))
        version = Version(Unit(self._project.project, ENVIRONMENT, name), artifact.digest, runs_with)
        found = intent(self._project, ENVIRONMENT, name, version, label)
        return replace(found, rollout=replace(found.rollout, stages=stages)) if stages else found


def _project(ports: dict[str, int], interval: str, instances: int) -> Project:
    """Default criteria, but for the interval."""
    services = {
        name: {
            "artifact": {"path": "."},
            "run": f"{sys.executable} -I -S main.py",
            "listen": {"port": port},
            "instances": instances,
            "probes": {"readiness": {"http": "/health", "every": "500ms"}},
            "stop": {"grace": "15s", "drain": "1s"},
            "rollout": {"strategy": "canary", "steps": [{"weight": "10%", "bake": "60s"}], "warm": "1s"},
            "criteria": {"interval": interval},
        }
        for name, port in ports.items()
    }
    about = {"production": False, "on_inconclusive": "roll_back", "on_no_data": "roll_back"}
    whole = {"headgate": 1, "project": "brooks", "services": services, "environments": {ENVIRONMENT: about}}
    return load_text(json.dumps(whole, indent=1), "brooks")


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on now, all different."""
    with ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]


def _await_controller(client: Client) -> None:
    until = time.monotonic() + STARTING_S
    while not client.answers():
        if time.monotonic() > until:
            raise NoController("the controller did not start")
        time.sleep(POLL_S)
