"""What an instance's telemetry says of itself: on paper, and in the environment of a real process."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest

from headgate.core.model import SecretSource, Unit, Version
from headgate.plugins.targets.local.instance import attributes, variables
from headgate.ports import Artifact, Provenance
from tests.plugins.targets.host import Host, host, run

VERSION = Version(Unit("shop", "production", "web"), "a" * 64, "b" * 64)
KNOWN = attributes(VERSION, "r7", "6ba09a7c", "web-1")


def read(text: str) -> dict[str, str]:
    """As an SDK does."""
    pairs = (pair.partition("=") for pair in text.split(","))
    return {name: unquote(value) for name, _, value in pairs}


def test_everything_known_is_said() -> None:
    found = variables(KNOWN, {})
    assert found["OTEL_SERVICE_NAME"] == "web"
    assert read(found["OTEL_RESOURCE_ATTRIBUTES"]) == {
        "service.name": "web",
        "service.version": VERSION.key,
        "service.instance.id": "web-1",
        "deployment.environment.name": "production",
        "deployment.id": "r7",
        "vcs.ref.head.revision": "6ba09a7c",
    }


def test_what_is_not_known_is_not_said() -> None:
    assert "vcs" not in variables(attributes(VERSION, "r7", "", "web-1"), {})["OTEL_RESOURCE_ATTRIBUTES"]


def test_theirs_win_and_stay_as_they_are() -> None:
    theirs = {"OTEL_RESOURCE_ATTRIBUTES": "team=a%2Cb, service.version=v2 ,deployment.id=mine"}
    found = read(variables(KNOWN, theirs)["OTEL_RESOURCE_ATTRIBUTES"])
    assert (found["team"], found["service.version"], found["deployment.id"]) == ("a,b", "v2", "mine")
    assert found["service.name"] == "web"


@pytest.mark.parametrize(
    ("theirs", "name"),
    [
        ({"OTEL_SERVICE_NAME": "front"}, "front"),
        ({"OTEL_RESOURCE_ATTRIBUTES": "service.name=front"}, None),
        ({"OTEL_RESOURCE_ATTRIBUTES": "service.name=front", "OTEL_SERVICE_NAME": "back"}, "back"),
    ],
)
def test_their_name_wins(theirs: dict[str, str], name: str | None) -> None:
    """Ours as OTEL_SERVICE_NAME would go before theirs among the attributes."""
    assert variables(KNOWN, theirs).get("OTEL_SERVICE_NAME") == name


@pytest.mark.parametrize(
    "hard", ["a,b", "a=b", "50%", 'say "x"', "a b", "a;b", "back\\slash", "grün", "a\nb"]
)
def test_hard_values_survive(hard: str) -> None:
    text = variables({"service.name": "web", "service.version": hard}, {})["OTEL_RESOURCE_ATTRIBUTES"]
    assert read(text)["service.version"] == hard
    assert text.isascii()
    assert not set(text) & set(' ";\\\n')


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    with host(tmp_path_factory.mktemp("telemetry") / "home") as found:
        yield found


@pytest.mark.xdist_group("telemetry")
def test_a_real_process_has_them(local: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    built = Artifact(local.artifact, 0, 0, Provenance(0.0, "test", commit="6ba09a7c"))
    monkeypatch.setattr(local.shelf, "find", lambda _: built)
    version = local.version(env={"OTEL_RESOURCE_ATTRIBUTES": "team=shop"})
    run(local.target.prepare(local.effect("r7"), version, 1))
    (instance,) = local.inspect(version)
    found = read(local.env(instance)["OTEL_RESOURCE_ATTRIBUTES"])
    assert found == attributes(version, "r7", "6ba09a7c", instance.name) | {"team": "shop"}
    run(local.target.prepare(local.effect("r8"), version, 2))
    for one in local.inspect(version):
        assert read(local.env(one)["OTEL_RESOURCE_ATTRIBUTES"])["deployment.id"] == "r7", "who started it"


@pytest.mark.xdist_group("telemetry")
def test_a_secret_of_that_name_wins(local: Host, tmp_path: Path) -> None:
    (tmp_path / "attributes").write_text("team=hidden\n")
    source = SecretSource("file", str(tmp_path / "attributes"))
    version = local.version(secrets={"OTEL_RESOURCE_ATTRIBUTES": source})
    (instance,) = local.prepare(version)
    assert local.env(instance)["OTEL_RESOURCE_ATTRIBUTES"] == "team=hidden"
