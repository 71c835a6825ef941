"""One release over this machine and a platform in memory, which is a plugin like any stranger's: on and back."""

import importlib
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from headgate.cli import command, exits
from headgate.config import configuration, load
from headgate.core.model import Unit, Version
from headgate.testing.fakes.platform import MemoryPlatform
from headgate.wiring import open_artifacts
from tests.e2e.town import Town
from tests.servers import free_port

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-platform"), pytest.mark.timeout(180)]

PLUGIN = """
from headgate.testing.fakes.platform import MemoryPlatform

MADE = {}


def create(wires):
    return MADE.setdefault(wires.home, MemoryPlatform())
"""
POINTS = "[headgate.platforms]\nmemory = stranger:create\n"
METADATA = "Metadata-Version: 2.1\nName: stranger\nVersion: 1.0\n"

Headgate = Callable[..., dict[str, Any]]


@pytest.fixture
def stranger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:  # noqa: ANN401 - a module made here
    """The plugin, installed for this process."""
    info = tmp_path / "stranger-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(METADATA)
    (info / "entry_points.txt").write_text(POINTS)
    (tmp_path / "stranger.py").write_text(PLUGIN)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield importlib.import_module("stranger")
    sys.modules.pop("stranger", None)


@pytest.fixture
def town(new_town: Callable[..., Town]) -> Town:
    """A town with a second service, `api`, on the other platform."""
    town = new_town()
    document = yaml.safe_load(town.project.file.read_text())
    web = document["services"]["web"]
    api = {key: web[key] for key in ("artifact", "run", "rollout", "instances", "stop")}
    criteria = {key: value for key, value in web["criteria"].items() if key != "business"}
    document["services"]["api"] = api | {"criteria": criteria, "listen": free_port(), "platform": "memory"}
    document["services"]["api"]["needs"] = ["web"]
    town.project.file.write_text(yaml.safe_dump(document, sort_keys=False))
    return town


@pytest.fixture
def headgate(town: Town, monkeypatch: pytest.MonkeyPatch) -> Headgate:
    """`headgate ... --json` in this process, which has the plugin."""
    monkeypatch.chdir(town.folder)

    def run(*words: str, code: int = 0) -> dict[str, Any]:
        done = CliRunner().invoke(command, [*words, "--json"])
        assert done.exit_code == code, (done.output, done.exception)
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    return run


def api_of(town: Town, label: str) -> Version:
    """The version of `api` that this label becomes."""
    store, project = open_artifacts(town.home), load(town.project.file)
    settings = store.put_configuration(configuration(project, "production", "api", town.folder))
    return Version(Unit("shop", "production", "api"), store.find(label).digest, settings)


def test_one_release_over_two_platforms_is_promoted_and_taken_back_on_both(
    town: Town,
    stranger: Any,  # noqa: ANN401
    headgate: Headgate,
) -> None:
    first, second, third = town.build(), town.build("v2"), town.build()
    headgate("deploy", "--artifact", first)
    memory: MemoryPlatform = stranger.MADE[town.home]
    assert set(memory.target.running) == {api_of(town, first)}
    with town.customers():
        headgate("deploy", "--artifact", second)
        assert (town.stable(), set(memory.target.running) - {api_of(town, first)}) == (
            second,
            {api_of(town, second)},
        )
        memory.failing[api_of(town, third)] = 0.5
        undone = headgate("deploy", "--artifact", third, code=exits.ROLLED_BACK)
    assert undone["outcome"] == "rolled_back"
    assert town.answerers() == {second}
    routing = memory.traffic.plane.routings[api_of(town, second).unit]
    assert (routing.stable, routing.canary) == (api_of(town, second), None)
    seen = {one["service"]: one for one in headgate("status")["units"]}
    assert {name: one["recorded"]["platform"] for name, one in seen.items()} == {
        "web": "host",
        "api": "memory",
    }
    assert {one["condition"] for one in seen.values()} == {"runs"}
    parts = {part["name"]: part["well"] for part in headgate("status")["parts"]}
    assert parts["platform memory"] is True


def test_without_the_plugin_its_units_are_trouble_and_the_others_are_not(
    town: Town,
    stranger: Any,  # noqa: ANN401
    headgate: Headgate,
) -> None:
    label = town.build()
    headgate("deploy", "--artifact", label)
    found = town.status()  # a process without the plugin; the file cannot be read there either
    conditions = {one["service"]: one["condition"] for one in found["units"]}
    assert conditions == {"web": "runs", "api": "unknown"}
    (gone,) = [part for part in found["parts"] if part["name"] == "platform memory"]
    assert "no plugin 'memory'" in gone["evidence"]
    refused = town.headgate("validate")
    assert refused.code != 0
    assert "there is no platform `memory`" in refused.said
