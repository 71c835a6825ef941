"""Every example of docs/sources.md is a part of a project file that Headgate takes, and makes a source that asks."""

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from headgate.config import load_text
from headgate.core.model import Unit, Version
from headgate.ports.registry import create
from headgate.ports.web import Answer
from headgate.ports.wires import Wires
from headgate.testing.fakes.web import MemoryWeb
from tests.config.example import project_text

PAGE = (Path(__file__).parents[4] / "docs/sources.md").read_text()
BLOCKS = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
SIGNALS = [block for block in BLOCKS if block.startswith("signals:")]
[CRITERIA] = [block for block in BLOCKS if block.startswith("criteria:")]
VERSION = Version(Unit("shop", "production", "web"), "a" * 64, "b" * 64)
MINE = (
    "cloudwatch",
    "datadog",
    "dynatrace",
    "elasticsearch",
    "graphite",
    "graylog",
    "influxdb",
    "loki",
    "newrelic",
)


def read(*blocks: str) -> dict[str, Any]:
    """The settings of the sources in a project file with these blocks, by plugin."""
    project = load_text(
        project_text(*(line for block in blocks for line in block.splitlines())), "headgate.yaml"
    )
    return {one.kind: one.settings for one in project.services["web"].signals.values()}


@pytest.mark.parametrize("block", SIGNALS, ids=lambda block: block.split("source: ")[1].split()[0])
def test_an_example_is_taken_and_asks(block: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    [(kind, settings)] = read(block).items()
    web = MemoryWeb(lambda _: Answer(200, {}, b"?"))
    for value in yaml.safe_load(block)["signals"].popitem()[1].values():
        if isinstance(value, dict) and "env" in value:
            monkeypatch.setenv(value["env"], "pl4nted")
    (tmp_path / "secret").write_text("pl4nted\n")
    settings = {
        name: {"kind": "file", "name": str(tmp_path / "secret")} if value in _files(settings) else value
        for name, value in settings.items()
    }
    nothing: Any = None
    wires = Wires(Path(), nothing, nothing, lambda _: (), name=kind, settings=settings, web=web)
    looks = asyncio.run(create("signals", kind, wires).inspect(VERSION))
    assert web.asked
    assert all(request.url.startswith("http") for request in web.asked)
    asked = b"".join(request.body + request.url.encode() for request in web.asked).decode()
    assert VERSION.key in asked
    assert all(look.problem for look in looks)
    assert not [look for look in looks if "pl4nted" in repr(look)]


def _files(settings: dict[str, Any]) -> list[Any]:
    return [value for value in settings.values() if isinstance(value, dict) and value.get("kind") == "file"]


@pytest.mark.parametrize("more", ["", "    means: {paid: {good: '{a=\"b\"}', total: '{a=\"c\"}'}}\n"])
def test_new_errors_can_be_judged(more: str) -> None:
    logs = next(block for block in SIGNALS if "source: loki" in block) + more
    assert read(logs, CRITERIA).keys() == {"loki"}


def test_every_vendor_is_on_the_page() -> None:
    assert {kind for block in SIGNALS for kind in read(block)} == set(MINE)
    assert all(f"| `{name}` |" in PAGE for name in MINE)
