"""A home is its owner's alone."""

import os
from pathlib import Path

import pytest

from headgate.homes import OpenHome, make_home


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077])
def test_it_is_made_so_whatever_the_umask(tmp_path: Path, mask: int) -> None:
    before = os.umask(mask)
    try:
        make_home(tmp_path / "new" / "deep" / "home")
    finally:
        os.umask(before)
    for path in (tmp_path / "new").rglob("*"):
        assert not path.stat().st_mode & 0o077, path


@pytest.mark.parametrize("name", [".headgate", "empty", "known"])
def test_one_that_others_can_enter_is_closed(tmp_path: Path, name: str) -> None:
    home = tmp_path / name
    home.mkdir(mode=0o755)
    if name == "known":
        (home / "ledger.sqlite").touch()
    home.chmod(0o777)
    make_home(home)
    assert home.stat().st_mode & 0o777 == 0o700


def test_a_folder_of_other_things_is_not(tmp_path: Path) -> None:
    (tmp_path / "letters").touch()
    tmp_path.chmod(0o755)
    with pytest.raises(OpenHome, match="chmod 700"):
        make_home(tmp_path)
    assert tmp_path.stat().st_mode & 0o777 == 0o755
    tmp_path.chmod(0o700)
    make_home(tmp_path)
