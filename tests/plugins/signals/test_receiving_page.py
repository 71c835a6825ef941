"""Every example of docs/receiving.md is read as a project file's would be."""

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from headgate.config.models.plugin import declared
from headgate.ports.registry import settings_type

PAGE = Path(__file__).parents[3] / "docs" / "receiving.md"
EXAMPLES = [
    (name, written)
    for block in re.findall(r"^```yaml\n(.*?)^```", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    for name, written in yaml.safe_load(block)["signals"].items()
]


@pytest.mark.parametrize(("name", "written"), EXAMPLES)
def test_an_example_fits_its_plugin(name: str, written: dict[str, Any]) -> None:
    read = declared("signals", "source", written)
    kind = settings_type("signals", read.kind)
    assert kind is not None
    whole = msgspec.json.decode(msgspec.json.encode(msgspec.convert(read.settings, kind)))
    assert whole | read.settings == whole


def test_every_source_of_the_page_has_an_example() -> None:
    assert {written["source"] for _, written in EXAMPLES} == {"otlp", "sql", "json", "synthetic"}
