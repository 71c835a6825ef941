"""A home knows its place: a copy and a moved one say so, and do nothing before somebody has settled it."""

import shutil
from pathlib import Path

import pytest

from headgate.homes import make_home
from headgate.homes.identity import Displaced, adopt, identity, require, settle, was_moved


@pytest.fixture
def home(tmp_path: Path) -> Path:
    made = tmp_path / "home"
    make_home(made)
    return made


def copied(home: Path, to: str = "copy") -> Path:
    target = home.with_name(to)
    shutil.copytree(home, target, symlinks=True)
    return target


def test_a_home_belongs_where_it_was_made(home: Path) -> None:
    known = identity(home)
    assert known is not None
    assert (known.path, known.epoch, len(known.id)) == (str(home), 1, 32)
    settle(home)
    require(home)
    assert identity(home) == known


def test_a_copy_is_refused_and_names_the_original_and_the_way_out(home: Path) -> None:
    copy = copied(home)
    for act in (require, settle, make_home):
        with pytest.raises(Displaced, match=rf"copy of the home {home}: .* --home {copy} adopt"):
            act(copy)
    require(home)


def test_a_copy_stays_one_when_the_original_is_gone(home: Path) -> None:
    """What it has written down may still run."""
    copy = copied(home)
    shutil.rmtree(home)
    with pytest.raises(Displaced):
        require(copy)


def test_a_moved_home_is_refused_and_says_where_it_was(home: Path) -> None:
    moved = home.rename(home.with_name("moved"))
    assert was_moved(moved)
    with pytest.raises(Displaced, match=rf"was moved here from {home}"):
        require(moved)
    require(moved.rename(home))


def test_by_a_link_it_is_the_same_place(home: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(home)
    settle(link)
    settle(home)


def test_put_back_from_a_backup_at_its_own_place_it_is_itself(home: Path) -> None:
    before = identity(home)
    copy = copied(home)
    shutil.rmtree(home)
    copy.rename(home)
    settle(home)
    after = identity(home)
    assert before is not None
    assert after is not None
    assert (after.id, after.epoch) == (before.id, before.epoch)


def test_an_adopted_copy_is_another_home_and_a_moved_one_the_same_at_another_place(home: Path) -> None:
    before = identity(home)
    assert before is not None
    copy = copied(home)
    adopted = adopt(copy)
    assert adopted.id != before.id
    assert (adopted.path, adopted.epoch) == (str(copy), 2)
    require(copy)
    moved = home.rename(home.with_name("moved"))
    assert adopt(moved).id == before.id
    require(moved)


@pytest.mark.parametrize("content", ["", "{}", "[1]", "{not json", '{"id": 1}'])
def test_a_record_that_cannot_be_read_is_none(home: Path, content: str) -> None:
    (home / "home.json").write_text(content)
    require(home)
    settle(home)
    assert identity(home) is not None


@pytest.mark.parametrize(
    "written",
    [
        b"[" * 100_000,
        b"[]",
        b'"\xff"',
        b'{"id": "a", "epoch": 1, "path": 7, "device": 1, "inode": 1}',
        b'{"id": "a", "epoch": 1, "path": "a\\u0000b", "device": 1, "inode": 1}',
        b'{"id": "a", "epoch": true, "path": "a", "device": 1, "inode": 1}',
    ],
)
def test_what_cannot_be_read_says_nothing(home: Path, written: bytes) -> None:
    (home / "home.json").write_bytes(written)
    assert identity(home) is None
    require(home)
