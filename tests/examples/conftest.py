"""Shops for tests: `artifact` builds one version, `open_shop` starts it; all are stopped in the end."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.examples.shops import Artifact, OpenShop, Shop, build


@pytest.fixture(scope="session")
def artifact(tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    @cache
    def built(version: str) -> Path:
        out = tmp_path_factory.mktemp("artifact") / version
        done = build(version, out)
        assert done.returncode == 0, done.stderr
        return out

    return built


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "shop.db"


@pytest.fixture
def open_shop(artifact: Artifact, database: Path) -> Iterator[OpenShop]:
    shops: list[Shop] = []

    def start(version: str = "v1", **settings: str) -> Shop:
        shops.append(Shop(artifact(version), database, **settings))
        return shops[-1]

    yield start
    for shop in shops:
        if shop.process.poll() is None:
            shop.process.kill()
        shop.process.communicate()
