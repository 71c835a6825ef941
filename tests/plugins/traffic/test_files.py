"""The folder that is Envoy's configuration, and the socket it answers on."""

import asyncio
import os
from pathlib import Path

import pytest

from headgate.core.model import Listener, Routing
from headgate.plugins.traffic.envoy.delivery import require
from headgate.plugins.traffic.envoy.files import (
    Folder,
    content,
    discovery,
    resources,
    restore,
    swap,
    version_of,
)
from headgate.plugins.traffic.envoy.proxy import binary
from headgate.plugins.traffic.envoy.routes import Applied, routes
from headgate.ports import Permanent, Temporary
from tests.plugins.traffic.envoys import UNIT, effect, version


def test_a_new_folder_serves_nothing_and_an_old_one_stays(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "envoy")
    folder.create()
    assert resources(folder.listeners) == resources(folder.clusters) == []
    swap(folder.clusters, discovery([{"name": "one"}]))
    folder.create()
    assert resources(folder.clusters) == [{"name": "one"}]


def test_it_remembers_what_was_applied(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.create()
    applied = Applied(Routing(UNIT, Listener(80), version("a")), (effect(4),))
    assert folder.applied(UNIT) is None
    swap(folder.routes(UNIT), discovery([routes(applied)]))
    assert Folder(tmp_path).applied(UNIT) == applied
    assert folder.every_applied() == [applied]


STRANGE = [
    b"{}",
    b"[]",
    b'{"resources": [7], "version_info": "a"}',
    b'{"resources": [{}], "version_info": "a"}',
]


@pytest.mark.parametrize("written", STRANGE)
def test_routes_that_headgate_did_not_write_are_told(tmp_path: Path, written: bytes) -> None:
    folder = Folder(tmp_path)
    folder.create()
    folder.routes(UNIT).write_bytes(written)
    for read in (lambda: folder.applied(UNIT), folder.every_applied):
        with pytest.raises(Permanent, match="Headgate wrote"):
            read()


def test_the_version_of_a_file_is_what_it_holds() -> None:
    one, same, other = discovery([{"a": 1}]), discovery([{"a": 1}]), discovery([{"a": 2}])
    assert version_of(one) == version_of(same) != version_of(other)


def test_a_file_is_swapped_and_put_back(tmp_path: Path) -> None:
    file = tmp_path / "x.json"
    before = content(file)
    swap(file, b"new")
    assert file.read_bytes() == b"new"
    restore(file, before)
    assert not file.exists()
    swap(file, b"old")
    restore(file, b"older")
    assert [found.name for found in tmp_path.iterdir()] == ["x.json"]
    assert file.read_bytes() == b"older"


def test_a_file_that_cannot_be_written_is_temporary(tmp_path: Path) -> None:
    with pytest.raises(Temporary, match="cannot be written"):
        swap(tmp_path / "absent" / "x.json", b"")


def test_a_file_that_is_not_ours_is_named(tmp_path: Path) -> None:
    file = tmp_path / "cds.json"
    file.write_bytes(b"{")
    with pytest.raises(Permanent, match=r"cds\.json"):
        resources(file)


def test_one_writer_at_a_time(tmp_path: Path) -> None:
    order: list[str] = []

    async def write(name: str) -> None:
        async with Folder(tmp_path).locked():
            order.append(name)
            await asyncio.sleep(0.02)
            order.append(name)

    async def both() -> None:
        await asyncio.gather(write("a"), write("b"))

    asyncio.run(both())
    assert order[0] == order[1] != order[2] == order[3]


def test_more_files_than_the_kernel_lets_envoy_watch_are_refused() -> None:
    require(0)
    require(1)
    with pytest.raises(Permanent, match="max_user_instances"):
        require(10_000_000)


def test_envoy_is_found() -> None:
    assert os.access(binary(), os.X_OK)
