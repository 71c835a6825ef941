"""An artifact is whole, always the same, and never changes."""

import hashlib
import stat
from pathlib import Path

import pytest

from tests.examples.shops import BROKEN, GOOD, Artifact, OpenShop, build


def contents(folder: Path) -> dict[str, tuple[str, int, float]]:
    found = {}
    for path in sorted(folder.rglob("*")):
        status = path.stat()
        digest = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "folder"
        found[path.relative_to(folder).as_posix()] = (digest, stat.S_IMODE(status.st_mode), status.st_mtime)
    return found


@pytest.mark.parametrize("version", [*GOOD, *BROKEN])
def test_the_same_version_gives_the_same_bytes_modes_and_times(version: str, tmp_path: Path) -> None:
    (tmp_path / "second").mkdir()  # an empty folder will do as well as none
    assert (
        build(version, tmp_path / "first").returncode == build(version, tmp_path / "second").returncode == 0
    )
    assert contents(tmp_path / "first") == contents(tmp_path / "second")


def test_versions_differ_in_one_file_each(artifact: Artifact) -> None:
    seen = set()
    first = contents(artifact("v1"))
    for version in (*GOOD, *BROKEN):
        files = contents(artifact(version))
        assert {name for name in files if files[name] != first[name]} <= {"shop/version.py"}
        seen.add(files["shop/version.py"])
    assert len(seen) == 6


def test_running_it_changes_nothing_in_it(artifact: Artifact, open_shop: OpenShop) -> None:
    before = contents(artifact("v2"))
    shop = open_shop("v2")
    shop.ask("GET", "/catalogue")
    assert shop.stop()[0] == 0
    assert contents(artifact("v2")) == before


def test_an_unknown_version_is_refused_with_the_nearest(tmp_path: Path) -> None:
    done = build("v3-checkout", tmp_path / "out")
    assert done.returncode == 2
    assert "did you mean v3-checkout-errors?" in done.stderr
    assert not (tmp_path / "out").exists()


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("precious")
    done = build("v1", tmp_path)
    assert done.returncode == 2
    assert "is not an empty folder" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
