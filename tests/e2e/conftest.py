"""Towns for tests. One to a file, on a first version; each test finds it quiet, with the quick plan."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from _pytest.nodeid import NodeId

from tests.e2e.town import Town


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Group by `xdist_group`: what pytest-xdist 3.8 does for it is not read any more by pytest 9.2."""
    if not config.getoption("loadgroup", default=False):
        return
    for item in items:
        group = item.get_closest_marker("xdist_group")
        if group is not None and not item.nodeid.endswith(f"@{group.args[0]}"):
            item._id = NodeId.parse(f"{item.nodeid}@{group.args[0]}")


@contextmanager
def towns() -> Iterator[Callable[..., Town]]:
    """Opens towns in folders with short names; all are closed in the end, whatever happens."""
    opened: list[Town] = []
    folders: list[Path] = []

    def new(below: str = "", home: Path | None = None) -> Town:
        folders.append(Path(tempfile.mkdtemp(prefix="hg-")))
        place = folders[-1] / below
        place.mkdir(parents=True, exist_ok=True)
        opened.append(Town(place, home))
        return opened[-1]

    try:
        yield new
    finally:
        problems: list[BaseException] = []
        for town in opened:
            try:
                town.close()
            except AssertionError as problem:
                problems.append(problem)
        for folder in folders:
            shutil.rmtree(folder, ignore_errors=True)
        if problems:
            raise problems[0]


@pytest.fixture
def new_town() -> Iterator[Callable[..., Town]]:
    """Opens a town in which nothing was ever released."""
    with towns() as new:
        yield new


@pytest.fixture(scope="module")
def shared_town() -> Iterator[Town]:
    """The town of this file, with a first version promoted."""
    with towns() as new:
        town = new()
        town.promoted(town.build("v1"))
        yield town


@pytest.fixture
def town(shared_town: Town) -> Iterator[Town]:
    """The town of this file, quiet."""
    shared_town.plan()
    yield shared_town
    shared_town.calm()
