"""What the pages say of the code: the places that they name are there, and their Python runs."""

import ast
import asyncio
import importlib
import re
from pathlib import Path
from typing import Any

import pytest

from headgate.core.machine.plan import Plan
from headgate.core.model import Finding

ROOT = Path(__file__).parents[2]
HOUSE = ROOT / "src" / "headgate"
PAGES = sorted([ROOT / "CONTRIBUTING.md", ROOT / "README.md", *(ROOT / "docs").glob("*.md")])

PLACE = re.compile(r"`([a-z_]+(?:/[a-z_{},<>]+)+(?:\.py)?)`")
"""A place in the house or in the tests; `a/{b,c}.py` names two, and `<kind>` is for the reader to fill."""


def blocks(page: Path) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)


def named(page: Path) -> list[str]:
    found: list[str] = []
    for place in PLACE.findall(page.read_text()):
        head, brace, rest = place.partition("{")
        inner, _, tail = rest.partition("}")
        found += [f"{head}{one}{tail}" for one in inner.split(",")] if brace else [place]
    return [place for place in found if "<" not in place]


def there(place: str) -> bool:
    return any(
        (root / place).exists() or (root / f"{place}.py").exists() for root in (HOUSE, ROOT, HOUSE / "core")
    )


@pytest.mark.parametrize("name", ["CONTRIBUTING.md", "docs/architecture.md", "docs/machine.md"])
def test_every_place_that_a_page_names_is_there(name: str) -> None:
    places = named(ROOT / name)
    assert places
    assert not [place for place in places if not there(place)]


@pytest.mark.parametrize(
    "page",
    [page for page in PAGES if any("from headgate" in block for block in blocks(page))],
    ids=lambda page: page.name,
)
def test_whatever_a_page_imports_is_there(page: Path) -> None:
    wanted = [
        (node.module, alias.name)
        for block in blocks(page)
        for node in ast.walk(ast.parse(block))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("headgate")
        for alias in node.names
    ]
    assert wanted
    assert not [want for want in wanted if not hasattr(importlib.import_module(str(want[0])), want[1])]


def test_the_gate_of_the_guide_works() -> None:
    space: dict[str, Any] = {}
    exec(compile(blocks(ROOT / "CONTRIBUTING.md")[0], "CONTRIBUTING.md", "exec"), space)  # noqa: S102 - the page's own
    (finding,) = asyncio.run(space["create"](None).ask(Plan(())))
    assert isinstance(finding, Finding)
    assert finding.answer in ("pass", "fail")
