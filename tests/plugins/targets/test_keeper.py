"""What the keeper does for instances, with no controller anywhere."""

import os
import signal
import subprocess
import sys
from contextlib import suppress
from http.client import HTTPException
from pathlib import Path

import msgspec
import pytest

import headgate
from headgate.core.model import HttpCheck, Probe, Probes, Version
from tests.plugins.processes.daemons import alive, until
from tests.plugins.targets.host import READY, Host, run

pytestmark = [pytest.mark.e2e]

LIVE = Probe(HttpCheck("/live"), period_s=0.2, timeout_s=0.2, failure_threshold=2)


def ready(local: Host, version: Version) -> list[bool]:
    return [one.ready for one in local.inspect(version)]


def said(local: Host, version: Version) -> list[str]:
    return [line for line in local.keeper_log().splitlines() if local.folder(version).prefix in line]


def test_one_that_hangs_is_restarted(local: Host, tmp_path: Path) -> None:
    hung = tmp_path / "hung"
    version = local.version(env={"HUNG": str(hung)}, probes=Probes(readiness=READY.readiness, liveness=LIVE))
    local.prepare(version)
    before = local.pid(version)
    hung.touch()
    until(lambda: not alive(before))
    hung.unlink()
    until(lambda: ready(local, version) == [True])
    assert local.inspect(version)[0].restarts == 1
    assert "restarting it: its liveness probe failed: GET /live: no answer within 0.2 s" in "\n".join(
        said(local, version)
    )


def test_one_that_is_not_ready_loses_its_traffic_and_nothing_else(local: Host, tmp_path: Path) -> None:
    sick = tmp_path / "sick"
    version = local.version(env={"SICK": str(sick)}, probes=Probes(readiness=READY.readiness, liveness=LIVE))
    first, second = local.prepare(version, 2)
    before = local.pid(version)
    sick.touch()
    until(lambda: ready(local, version) == [False, False])
    assert local.target.addresses(version) == (first.address, second.address)  # all are bad: better than none
    sick.unlink()
    until(lambda: ready(local, version) == [True, True])
    assert local.pid(version) == before
    until(lambda: len([line for line in said(local, version) if first.name in line]) == 2)
    lines = [line.partition(": ")[2] for line in said(local, version) if first.name in line]
    assert lines == [
        "not ready: GET /health: expected status 200 to 399, got 503; it says: sick",
        "ready: GET /health: 200",
    ]


def test_one_that_takes_too_much_memory_is_restarted(local: Host) -> None:
    version = local.version(memory_max_bytes=80_000_000)
    (instance,) = local.prepare(version)
    before = local.pid(version)
    assert local.get(instance, "/grow?mb=10") == str(before)
    with suppress(HTTPException, OSError):  # it may be ended before it has answered
        local.get(instance, "/grow?mb=100")
    until(lambda: not alive(before))
    until(lambda: ready(local, version) == [True])
    assert "MB of memory, and 80.0 MB are allowed" in "\n".join(said(local, version))


def test_one_that_was_given_up_is_started_again(local: Host, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    text = f"import os, sys\nsys.exit(os.path.exists({str(broken)!r}) or exec(open('web.py').read()))"
    version = local.version(argv=(sys.executable, "-I", "-S", "-c", text))
    local.prepare(version)
    broken.touch()
    os.kill(local.pid(version), signal.SIGKILL)
    until(lambda: local.inspect(version)[0].detail == "fatal")
    broken.unlink()
    until(lambda: ready(local, version) == [True])
    assert any("restarting it: it is fatal" in line for line in said(local, version))


def test_a_new_life_begins_with_its_startup_probe(local: Host) -> None:
    startup = Probe(HttpCheck("/startup"), period_s=0.2, failure_threshold=100)
    liveness = Probe(
        HttpCheck("/startup"), period_s=0.1, failure_threshold=1
    )  # would kill what is still starting
    version = local.version(env={"STARTUP_S": "0.7"}, probes=Probes(startup, READY.readiness, liveness))
    local.prepare(version)
    os.kill(local.pid(version), signal.SIGKILL)
    until(lambda: ready(local, version) == [False])
    until(lambda: ready(local, version) == [True])
    assert local.inspect(version)[0].restarts == 1


PREPARE = """
import os, signal, sys
from pathlib import Path
import msgspec
from headgate.core.model import Version
from headgate.core.machine.events import EffectId
from headgate.plugins.processes.supervisord import Supervisord
from headgate.plugins.targets.local.target import LocalTarget
from tests.plugins.targets.host import run
from tests.plugins.targets.shelf import Shelf
home, shelf, version = Path(sys.argv[1]), Path(sys.argv[2]), msgspec.json.decode(sys.argv[3], type=Version)
run(LocalTarget(home, Supervisord(home), Shelf(shelf)).prepare(EffectId("other", 1, 0), version, 1))
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_everything_goes_on_without_whoever_prepared_it(local: Host, tmp_path: Path) -> None:
    hung = tmp_path / "hung"
    version = local.version(env={"HUNG": str(hung)}, probes=Probes(readiness=READY.readiness, liveness=LIVE))
    shelf = str(local.shelf.root)
    root, source = Path(__file__).parents[3], Path(headgate.__file__).parent.parent
    caller = subprocess.run(
        [sys.executable, "-c", PREPARE, str(local.home), shelf, msgspec.json.encode(version).decode()],
        env={**os.environ, "PYTHONPATH": f"{source}:{root}"},
        check=False,
    )
    assert caller.returncode == -signal.SIGKILL
    before = local.pid(version)
    assert alive(before)
    hung.touch()
    until(lambda: not alive(before))
    hung.unlink()
    until(lambda: ready(local, version) == [True])


def test_the_keepers_own_death_changes_nothing(local: Host) -> None:
    version = local.version()
    local.prepare(version)
    before = local.pid(version)
    (keeper,) = run(local.processes.list("headgate.keeper"))
    os.kill(keeper.pid, signal.SIGKILL)
    until(lambda: local.keeper_log().count("looking after") >= 2)
    assert ready(local, version) == [True]
    assert said(local, version) == []
    os.kill(before, signal.SIGKILL)  # it is watched again: this is seen and written down
    until(lambda: ready(local, version) == [True] and local.pid(version) != before)
    until(lambda: any(": not ready: " in line for line in said(local, version)))


def test_what_is_stopped_is_not_brought_back(local: Host) -> None:
    version = local.version()
    local.prepare(version)
    local.stop(version)
    before = len(local.keeper_log())
    other = local.version(probes=Probes(None, READY.readiness, LIVE))
    local.prepare(other)
    os.kill(local.pid(other), signal.SIGKILL)
    until(lambda: ready(local, other) == [False] or local.inspect(other)[0].restarts == 1)
    until(lambda: ready(local, other) == [True])
    assert local.folder(version).prefix not in local.keeper_log()[before:]
    assert local.inspect(version) == ()
