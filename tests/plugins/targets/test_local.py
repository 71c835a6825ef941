"""The local target with real processes: starting, standing by, stopping."""

import asyncio
import json
import os
import signal
import socket
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from headgate.core.model import (
    Command,
    CommandCheck,
    Configuration,
    HttpCheck,
    LogRotation,
    Probe,
    Probes,
    SmokeTest,
    StopPolicy,
    TcpCheck,
    Version,
)
from headgate.plugins.targets.local.layout import slug
from headgate.plugins.targets.local.probes import ready_within_s
from headgate.plugins.targets.local.target import LocalTarget
from headgate.ports import Permanent, Target
from headgate.testing.target import FAILING, PASSING, Does, TargetContract, Versions
from tests.plugins.processes.daemons import alive, until
from tests.plugins.targets.host import READY, SERVE, Host, run
from tests.plugins.targets.shelf import Shelf

pytestmark = [pytest.mark.e2e]

SMOKE = (
    SmokeTest(PASSING, (HttpCheck("/", contains="hello"),)),
    SmokeTest(FAILING, (HttpCheck("/", contains="goodbye"),)),
)


class LocalVersions:
    def __init__(self, local: Host, name: str) -> None:
        self._local = local
        self._name = name

    def good(self, service: str = "web", label: str = "a") -> Version:
        return self._local.version(f"{self._name}-{service}", env={"LABEL": label}, smoke=SMOKE)

    def command(self, does: Does) -> Command:
        made = {"works": "echo >> runs; touch made", "fails": "exit 3", "dies halfway": "touch made; exit 3"}
        return Command(
            does, ("sh", "-c", made[does]), ("sh", "-c", "test -e made"), ("rm", "-f", "made"), limit_s=20.0
        )

    def runs(self, version: Version, command: Command) -> int:
        folder = self._local.folder(version)
        written = folder.tree(f"{folder.prefix}command-{slug(command.name)}") / "runs"
        return len(written.read_text().splitlines()) if written.exists() else 0

    def broken(self) -> Version:
        startup = Probe(HttpCheck("/startup"), period_s=0.05, failure_threshold=2)
        return self._local.version(self._name, env={"STARTUP_S": "100"}, probes=Probes(startup=startup))


class TestLocalTarget(TargetContract):
    @pytest.fixture
    def target(self, local: Host) -> Target:
        return local.target

    @pytest.fixture
    def versions(self, local: Host, request: pytest.FixtureRequest) -> Versions:
        return LocalVersions(local, request.node.name[5:35])


def refusal(local: Host, version: Version, instances: int = 1) -> str:
    with pytest.raises(Permanent) as caught:
        local.prepare(version, instances)
    return str(caught.value)


# --- starting ---------------------------------------------------------------------------------------------------------


def test_it_starts_what_was_configured(local: Host) -> None:
    version = local.version(
        argv=(*SERVE, "--port={port}", "{files}"),
        env={"GREETING": 'it\'s "me"; 100% $HOME\nand more', "LANG": "C.UTF-8"},
        files={"conf/app.ini": "[a]\nb = 100%\n", "empty": ""},
    )
    (instance,) = local.prepare(version)
    env = local.env(instance)
    port = instance.address.rpartition(":")[2]
    assert local.get(instance) == 'it\'s "me"; 100% $HOME\nand more'
    assert (env["PORT"], env["HEADGATE_INSTANCE"], env["HEADGATE_VERSION"]) == (
        port,
        instance.name,
        version.key,
    )
    files = Path(env["HEADGATE_FILES"])
    assert (files / "conf/app.ini").read_text() == "[a]\nb = 100%\n"
    assert (files / "conf/app.ini").stat().st_mode & 0o777 == 0o600
    words = Path(f"/proc/{local.pid(version)}/cmdline").read_text().split("\0")
    assert words[3:-1] == ["web.py", f"--port={port}", str(files)]
    assert Path(f"/proc/{local.pid(version)}/cwd").resolve() == local.folder(version).tree(instance.name)
    assert "SUPERVISOR_ENABLED" not in env
    assert not {name for name in env if name.startswith("PYTHON")}


def test_ready_again_disturbs_nothing(local: Host) -> None:
    version = local.version()
    local.prepare(version)
    pid = local.pid(version)
    local.prepare(version)
    assert local.pid(version) == pid


def test_it_is_ready_when_its_probes_say_so(local: Host) -> None:
    startup = Probe(HttpCheck("/startup"), period_s=0.1, failure_threshold=50)
    probes = Probes(startup=startup, readiness=Probe(HttpCheck("/health"), period_s=0.1, success_threshold=3))
    began = time.monotonic()
    (instance,) = local.prepare(local.version(env={"STARTUP_S": "0.5"}, probes=probes))
    assert instance.ready
    assert time.monotonic() - began > 0.7


def test_without_any_probe_it_is_ready_when_it_listens(local: Host) -> None:
    began = time.monotonic()
    local.prepare(local.version(env={"LISTEN_AFTER_S": "0.4"}, probes=Probes()))
    assert time.monotonic() - began > 0.4


def test_a_command_can_be_a_probe(local: Host) -> None:
    check = CommandCheck(
        ("sh", "-c", 'test "$PORT" = {port} && test -f web.py && test "$SECRET_SIGN" = open')
    )
    probes = Probes(
        startup=Probe(TcpCheck(), period_s=0.1, failure_threshold=50), readiness=Probe(check, period_s=0.1)
    )
    local.prepare(local.version(probes=probes, env={"SECRET_SIGN": "open"}))
    never = Probes(startup=Probe(CommandCheck(("sh", "-c", "echo no; exit 1")), period_s=0.05))
    with pytest.raises(Permanent, match="exited with 1"):
        local.prepare(local.version(probes=never))


# --- what does not start ----------------------------------------------------------------------------------------------


def test_a_tampered_artifact_is_refused_before_anything_starts(local: Host, tmp_path: Path) -> None:
    (tmp_path / "web.py").write_text("print('other')")
    artifact = local.shelf.put(tmp_path)
    version = Version(local.version().unit, artifact.digest, local.version().configuration)
    (local.shelf.verify(artifact.digest) / "web.py").write_text("print('0ther')")
    assert "has changed" in refusal(local, version)
    assert run(local.processes.list(local.folder(version).prefix)) == ()


def test_a_version_that_crashes_is_refused_with_its_last_words(local: Host) -> None:
    version = local.version(env={"DIE": "3", "SAY": "I cannot find my database"})
    said = refusal(local, version, 2)
    assert "its process ended" in said
    assert "I cannot find my database" in said
    assert run(local.processes.list(local.folder(version).prefix)) == ()
    assert local.inspect(version) == ()


def test_a_version_that_never_starts_is_refused(local: Host) -> None:
    startup = Probe(HttpCheck("/startup"), period_s=0.5, failure_threshold=3)
    said = refusal(local, local.version(env={"STARTUP_S": "100"}, probes=Probes(startup=startup)))
    assert "startup probe failed 3 times in a row: GET /startup: expected status 200 to 399, got 503" in said


def test_a_version_that_is_never_ready_is_refused_in_time(local: Host, tmp_path: Path) -> None:
    (tmp_path / "sick").touch()
    startup = Probe(HttpCheck("/startup"), period_s=0.1, failure_threshold=40)
    probes = Probes(startup, READY.readiness)
    version = local.version(env={"SICK": str(tmp_path / "sick")}, probes=probes)
    assert f"not ready after {ready_within_s(probes):g} s" in refusal(local, version)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"argv": ("no-such-program",)}, "no program 'no-such-program' on PATH"),
        ({"argv": ("./no-such-file",)}, "the artifact has no executable './no-such-file'"),
        ({"argv": ()}, "names no command"),
        ({"files": {"../escape": "x"}}, "outside the instance's folder"),
        ({"files": {"/etc/x": "x"}}, "outside the instance's folder"),
    ],
)
def test_what_cannot_be_started_is_refused(local: Host, changes: dict[str, Any], expected: str) -> None:
    assert expected in refusal(local, local.version(**changes))


def test_a_failed_growth_leaves_what_ran(local: Host) -> None:
    version = local.version()
    local.prepare(version)
    before = local.pid(version)
    # The same version, but new instances of it never start: as after a change of the machine below.
    startup = Probe(HttpCheck("/startup"), period_s=0.05, failure_threshold=1)
    changed = Configuration(SERVE, env={"STARTUP_S": "100"}, probes=Probes(startup))

    class Changed(Shelf):
        def configuration(self, digest: str) -> Configuration:
            return changed

    target = LocalTarget(local.home, local.processes, Changed(local.shelf.root))
    with pytest.raises(Permanent):
        run(target.prepare(local.effect(), version, 3))
    assert [one.ready for one in local.inspect(version)] == [True]
    assert local.pid(version) == before


# --- ports ------------------------------------------------------------------------------------------------------------


def test_a_port_that_a_stranger_has_is_not_given(local: Host) -> None:
    version = local.version()
    (first,) = local.prepare(version)
    local.stop(version)
    with socket.create_server(("127.0.0.1", int(first.address.rpartition(":")[2]))):
        (second,) = local.prepare(version)
    assert second.address != first.address
    assert second.ready


def test_a_port_that_a_stranger_takes_meanwhile_is_exchanged(local: Host) -> None:
    version = local.version(env={"LISTEN_AFTER_S": "0.2"})
    (first,) = local.prepare(version)
    run(local.processes.restart(first.name))
    with socket.create_server(("127.0.0.1", int(first.address.rpartition(":")[2])), reuse_port=False):
        (second,) = local.prepare(version)
    assert second.address != first.address
    assert local.get(second) == "hello"


def test_addresses_are_written_for_others_to_watch(local: Host) -> None:
    version = local.version(metrics_path="/metrics")
    instances = local.prepare(version, 2)
    written = json.loads((local.folder(version).path / "endpoints.json").read_text())
    assert [(one["name"], f"{one['host']}:{one['port']}", one["ready"]) for one in written] == [
        (one.name, one.address, True) for one in instances
    ]
    assert local.target.addresses(version) == tuple(one.address for one in instances)
    assert local.target.metrics_urls(version) == tuple(f"http://{one.address}/metrics" for one in instances)


def test_whoever_routes_is_told_before_anything_stops(local: Host) -> None:
    version = local.version()
    seen: list[tuple[tuple[str, ...], int]] = []

    async def changed(about: Version) -> None:
        running = await local.processes.list(local.folder(about).prefix)
        seen.append((target.addresses(about), len(running)))

    target = LocalTarget(local.home, local.processes, local.shelf, addresses_changed=changed)
    run(target.prepare(local.effect(), version, 2))
    two = target.addresses(version)
    seen.clear()
    run(target.prepare(local.effect(), version, 1))
    assert seen[0] == (two[:1], 2)


# --- stopping ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("env", [{"GRACEFUL": "1"}, {}], ids=["graceful", "dies at once"])
def test_a_request_under_way_is_finished(local: Host, env: dict[str, str]) -> None:
    version = local.version(env=env)
    (instance,) = local.prepare(version)
    answers: list[str] = []
    client = threading.Thread(target=lambda: answers.append(local.get(instance, "/slow?ms=800")))
    client.start()
    time.sleep(0.2)
    local.stop(version, 5.0 if not env else 0.0)
    client.join()
    assert answers == ["late but whole"]
    assert local.inspect(version) == ()


def test_the_drain_is_bounded(local: Host) -> None:
    version = local.version()
    (instance,) = local.prepare(version)
    host, _, port = instance.address.rpartition(":")
    with socket.create_connection((host, int(port))):
        began = time.monotonic()
        local.stop(version, 0.5)
        assert 0.5 <= time.monotonic() - began < 3


def test_one_that_will_not_stop_is_killed_after_its_grace(local: Host) -> None:
    version = local.version(env={"STUBBORN": "1"}, stop=StopPolicy(grace_s=1.0))
    local.prepare(version)
    pid, began = local.pid(version), time.monotonic()
    local.stop(version)
    assert not alive(pid)
    assert 0.9 < time.monotonic() - began < 5


def test_environments_of_one_service_live_side_by_side(local: Host) -> None:
    one = local.version("both", "staging", env={"GREETING": "staging"})
    two = local.version("both", "production", env={"GREETING": "production"})
    instances = [local.prepare(version)[0] for version in (one, two)]
    assert [local.get(instance) for instance in instances] == ["staging", "production"]
    local.stop(one)
    assert local.get(instances[1]) == "production"


def test_a_stop_overtakes_a_prepare(local: Host) -> None:
    version = local.version(env={"LISTEN_AFTER_S": "30"})

    async def race() -> None:
        rising = asyncio.create_task(local.target.prepare(local.effect(), version, 1))
        await asyncio.to_thread(until, lambda: run(local.processes.list(local.folder(version).prefix)))
        await local.target.stop(local.effect(), version, 0)
        with pytest.raises(Exception, match=r"stopped by somebody else|overtaken"):
            await asyncio.wait_for(rising, 10)

    run(race())
    assert local.inspect(version) == ()


# --- afterwards -------------------------------------------------------------------------------------------------------


def test_a_killed_service_is_restarted(local: Host) -> None:
    version = local.version()
    (before,) = local.prepare(version)
    pid = local.pid(version)
    os.kill(pid, signal.SIGKILL)
    until(lambda: [one.ready for one in local.inspect(version)] == [True] and local.pid(version) != pid)
    (after,) = local.inspect(version)
    assert (after.address, after.restarts) == (before.address, 1)


def test_workers_that_outlive_their_parent_do_not_keep_its_port(local: Host) -> None:
    text = f"import os, time\nif os.fork():\n    time.sleep(1000)\nos.execv({SERVE[0]!r}, {list(SERVE)!r})"
    version = local.version(argv=(SERVE[0], "-S", "-c", text))
    (instance,) = local.prepare(version)
    worker = int(local.get(instance, "/pid"))
    assert worker != local.pid(version)
    parent = local.pid(version)
    os.kill(parent, signal.SIGKILL)
    until(lambda: [one.ready for one in local.inspect(version)] == [True] and local.pid(version) != parent)
    assert not alive(worker)
    assert int(local.get(instance, "/pid")) != worker


def test_its_log_is_rotated(local: Host) -> None:
    version = local.version(env={"CHATTER": "500"}, logs=LogRotation(size_max_bytes=5_000, keep=2))
    (instance,) = local.prepare(version)
    folder = local.folder(version).instance(instance.name)
    until(lambda: len(list(folder.glob("output.log*"))) >= 2)
    assert len(list(folder.glob("output.log*"))) <= 3


def test_a_deep_health_answer_is_shown_by_dependency(local: Host) -> None:
    deep = json.dumps(
        {
            "status": "ok",
            "dependencies": {"database": {"status": "failed", "error": "no route"}, "mail": "ok"},
        }
    )
    version = local.version(env={"DEEP": deep})
    (instance,) = local.prepare(version)
    findings = run(local.target.check(version))
    assert [(one.check.removeprefix(f"readiness of {instance.name}"), one.answer) for one in findings] == [
        ("", "pass"),
        (": database", "fail"),
        (": mail", "pass"),
    ]
    assert findings[1].evidence == "database is failed: no route"


def test_journeys_and_commands_are_smoke_tests(local: Host) -> None:
    journey = (
        HttpCheck("/orders", "POST", body='{"name": "a"}', status=(201,), save={"order": "$.id"}),
        HttpCheck("/orders/{order}", contains='"completed"'),
    )
    smoke = (
        SmokeTest("buys", journey),
        SmokeTest("commands", command=("sh", "-c", "test $PORT = {port}")),
        SmokeTest("too slow", (HttpCheck("/slow?ms=3000"),), timeout_s=0.3),
    )
    version = local.version(smoke=smoke)
    local.prepare(version)
    findings = {one.check: one for one in run(local.target.check(version, ()))}
    assert [one.answer for one in findings.values()] == ["pass", "pass", "fail"]
    assert "no answer within 0.3 s" in findings["smoke test too slow"].evidence
    (unknown,) = run(local.target.check(version, ("buy",)))
    assert unknown.hint == "did you mean buys?"
