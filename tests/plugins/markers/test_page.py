"""docs/markers.md is right: every marker is there, every example is taken as it stands, no secret may be written."""

import re
from typing import Any

import msgspec
import pytest

from headgate.config import ConfigError, load_text
from headgate.config.models.settings import read_settings
from headgate.ports.registry import names, settings_type
from tests.plugins.markers.verifying import PAGE

PROJECT = """\
headgate: 1
project: shop
services: {web: {artifact: dist, run: serve, listen: 8000}}
environments:
  production:
    production: true
    markers:
"""
BLOCKS = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
PLANTED = "pl4nted-in-the-file"


def indented(block: str) -> str:
    return "".join(f"      {line}\n" for line in block.splitlines())


def test_every_marker_is_on_the_page() -> None:
    table = PAGE.read_text(encoding="utf-8").partition("| `to` |")[2].partition("\n\n")[0]
    rows = set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE))
    assert rows == set(names("markers"))


@pytest.mark.parametrize("block", BLOCKS[1:], ids=["least", "full"])
def test_its_examples_are_taken(block: str) -> None:
    markers = load_text(PROJECT + indented(block), "headgate.yaml").environments["production"].markers
    assert {one.kind for one in markers.values()} == set(names("markers"))
    for one in markers.values():
        kind = settings_type("markers", one.kind)
        assert kind is not None
        msgspec.convert(one.settings, kind)


def test_the_full_examples_have_every_key() -> None:
    markers = load_text(PROJECT + indented(BLOCKS[2]), "headgate.yaml").environments["production"].markers
    for one in markers.values():
        kind: Any = settings_type("markers", one.kind)
        assert set(one.settings) == set(kind.__struct_fields__), one.kind


@pytest.mark.parametrize("name", names("markers"))
def test_a_secret_that_is_written_is_refused_and_not_shown(name: str) -> None:
    kind: Any = settings_type("markers", name)
    fields = {field.name: field.type for field in msgspec.structs.fields(kind)}
    secrets = [key for key, of in fields.items() if "SecretSource" in str(of)]
    assert secrets, f"{name} has a secret, or could not prove who it is"
    for key in secrets:
        written: object = {"x-key": PLANTED} if key == "headers" else PLANTED
        with pytest.raises(Exception) as raised:  # noqa: PT011 - whatever it is, it must not show it
            read_settings(kind, {key: written})
        assert PLANTED not in str(raised.value)
        text = PROJECT + indented(f"mark: {{to: {name}, {key}: {msgspec.json.encode(written).decode()}}}")
        with pytest.raises(ConfigError) as refused:
            load_text(text, "headgate.yaml")
        assert PLANTED not in refused.value.render()
