"""A secret reaches the service and nobody else."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from headgate.core.model import CommandCheck, HttpCheck, Probe, Probes, SecretSource, SmokeTest
from headgate.ports import Permanent
from tests.plugins.processes.daemons import command_lines
from tests.plugins.targets.host import Host, host, run

pytestmark = [pytest.mark.e2e]

IN_FILE = "planted-in-a-file-5kq"
IN_ENVIRONMENT = "planted-in-the-environment-8zw"


@pytest.fixture(scope="module")
def vault(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    os.environ["HEADGATE_TEST_SECRET"] = IN_ENVIRONMENT
    try:
        with host(tmp_path_factory.mktemp("vault")) as made:
            yield made
    finally:
        os.environ.pop("HEADGATE_TEST_SECRET", None)


@pytest.fixture
def sources(tmp_path: Path) -> dict[str, SecretSource]:
    (tmp_path / "key").write_text(IN_FILE + "\n")
    return {
        "API_KEY": SecretSource("file", str(tmp_path / "key")),
        "TOKEN": SecretSource("env", "HEADGATE_TEST_SECRET"),
    }


def test_it_is_in_the_services_environment_and_nowhere_else(
    vault: Host, sources: dict[str, SecretSource]
) -> None:
    check = CommandCheck(("sh", "-c", 'test -n "$API_KEY" && test -n "$TOKEN"'))
    serves = Probe(HttpCheck("/health"), period_s=0.1, failure_threshold=50)
    probes = Probes(serves, Probe(check, period_s=0.1), Probe(check, period_s=0.1))
    version = vault.version(secrets=sources, probes=probes, files={"app.ini": "a = 1"})
    (instance,) = vault.prepare(version)
    env = vault.env(instance)
    assert (env["API_KEY"], env["TOKEN"]) == (IN_FILE, IN_ENVIRONMENT)
    assert "HEADGATE_TEST_SECRET" not in env
    run(vault.target.check(version))
    holders = [
        path
        for path in vault.home.rglob("*")
        if path.is_file()
        and any(secret.encode() in path.read_bytes() for secret in (IN_FILE, IN_ENVIRONMENT))
    ]
    assert holders == []
    assert not [line for line in command_lines().values() if IN_FILE in line or IN_ENVIRONMENT in line]
    limits = Path(f"/proc/{vault.pid(version)}/limits").read_text()
    assert "Max core file size        0                    0" in limits


def test_other_services_of_the_same_daemon_do_not_have_it(vault: Host) -> None:
    (instance,) = vault.prepare(vault.version())
    assert IN_ENVIRONMENT not in vault.get(instance, "/env")


def test_what_a_service_says_about_it_does_not_reach_people(
    vault: Host, sources: dict[str, SecretSource], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HEADGATE_TEST_SECRET")  # only the daemon has it now
    tell = ("sh", "-c", "echo my key is $API_KEY and my token is $TOKEN; sleep 1000")
    never = Probes(Probe(HttpCheck("/"), period_s=0.2))
    with pytest.raises(Permanent) as caught:
        vault.prepare(vault.version(argv=tell, secrets=sources, probes=never))
    assert "my key is <secret API_KEY> and my token is <secret TOKEN>" in str(caught.value)
    smoke = (SmokeTest("tells", command=("sh", "-c", "echo $API_KEY $TOKEN; exit 1")),)
    version = vault.version(secrets=sources, smoke=smoke)
    vault.prepare(version)
    (finding,) = run(vault.target.check(version, ()))
    assert finding.answer == "fail"
    assert "<secret API_KEY> <secret TOKEN>" in finding.evidence


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (
            SecretSource("file", "/nowhere/key"),
            "secret API_KEY: cannot read the file /nowhere/key: No such file",
        ),
        (SecretSource("env", "NOT_SET"), "secret API_KEY: the environment variable NOT_SET is not set"),
    ],
)
def test_one_that_is_missing_is_named_by_its_source(vault: Host, source: SecretSource, expected: str) -> None:
    version = vault.version(secrets={"API_KEY": source})
    with pytest.raises(Permanent) as caught:
        vault.prepare(version)
    assert expected in str(caught.value)
    assert expected in vault.log(version)
