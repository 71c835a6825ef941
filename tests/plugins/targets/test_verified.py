"""What runs is what was released: at each start an instance's working tree is made what the artifact ships."""

import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from headgate.plugins.targets.local.worktree import TreeChanged, bring, discard, leaves
from tests.plugins.processes.daemons import alive, until
from tests.plugins.targets.host import Host


def tree(tmp_path: Path) -> tuple[Path, Path]:
    root = tmp_path / "tree"
    (root / "package" / "deep").mkdir(parents=True)
    (root / "main.py").write_text("print('hello')\n")
    (root / "package" / "deep" / "data").write_bytes(bytes(3 * 1024 * 1024))
    (root / "run").write_text("#!/bin/sh\n")
    (root / "run").chmod(0o755)
    (root / "link").symlink_to("main.py")
    (root / "empty").mkdir()
    manifest = tmp_path / "tree.json"
    manifest.write_bytes(msgspec.json.encode(dict(leaves(str(root)))))
    return root, manifest


def flip_last_byte(root: Path) -> None:
    file = root / "package" / "deep" / "data"
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    times = file.stat()
    file.write_bytes(data)
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))  # as who changes it on purpose would


def lead_elsewhere(root: Path) -> None:
    (root / "link").unlink()
    (root / "link").symlink_to("run")


def become_a_link(root: Path) -> None:
    (root / "main.py").rename(root.parent / "main.py")
    (root / "main.py").symlink_to("../main.py")


def become_a_pipe(root: Path) -> None:
    (root / "main.py").unlink()
    os.mkfifo(root / "main.py")


def become_a_file(root: Path) -> None:
    shutil.rmtree(root / "package")
    (root / "package").write_text("no folder")


CHANGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "a byte": (flip_last_byte, "package/deep/data was changed"),
    "a file gone": (lambda root: (root / "main.py").unlink(), "main.py is missing"),
    "a bit": (lambda root: (root / "run").chmod(0o644), "run was changed"),
    "a link": (lead_elsewhere, "link was changed"),
    "a link for a file": (become_a_link, "main.py was changed"),
    "a pipe for a file": (become_a_pipe, "main.py was changed"),
    "a file for a folder": (become_a_file, "package/deep/data"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_whatever_was_changed_in_the_working_tree_is_put_back(tmp_path: Path, change: str) -> None:
    root, manifest = tree(tmp_path)
    place = tmp_path / "place"
    bring(str(root), str(manifest), str(place), {})
    act, _ = CHANGES[change]
    act(place)
    assert dict(leaves(str(place))) != dict(leaves(str(root)))
    bring(str(root), str(manifest), str(place), {})
    assert dict(leaves(str(place))) == dict(leaves(str(root)))


@pytest.mark.parametrize("change", CHANGES)
def test_nothing_is_made_of_an_artifact_that_was_changed(tmp_path: Path, change: str) -> None:
    root, manifest = tree(tmp_path)
    act, said = CHANGES[change]
    act(root)
    with pytest.raises(TreeChanged, match=said.partition(" was ")[0]) as caught:
        bring(str(root), str(manifest), str(tmp_path / "place"), {})
    assert "is not what was released" in str(caught.value)


def test_the_artifact_is_never_reached_by_what_is_written(tmp_path: Path) -> None:
    root, manifest = tree(tmp_path)
    before = dict(leaves(str(root)))
    place = tmp_path / "place"
    bring(str(root), str(manifest), str(place), {})
    for path, what in before.items():
        if what.startswith("file"):
            with (place / path).open("ab") as file:
                file.write(b"more")
            assert (place / path).stat().st_ino != (root / path).stat().st_ino
    assert dict(leaves(str(root))) == before


def test_what_the_application_adds_stays_and_so_does_a_database_it_was_shipped_with(tmp_path: Path) -> None:
    root, manifest = tree(tmp_path)
    (root / "shop.sqlite3").write_text("empty")
    manifest.write_bytes(msgspec.json.encode(dict(leaves(str(root)))))
    place = tmp_path / "place"
    bring(str(root), str(manifest), str(place), {})
    (place / "empty" / "pid").write_text("7")
    (place / "shop.sqlite3").write_text("orders")
    bring(str(root), str(manifest), str(place), {})
    assert (place / "empty" / "pid").read_text() == "7"
    assert (place / "shop.sqlite3").read_text() == "orders"


def test_modes_links_hard_links_and_odd_names_are_as_in_the_artifact(tmp_path: Path) -> None:
    root, manifest = tree(tmp_path)
    (root / "key").write_text("private")
    (root / "key").chmod(0o400)
    (root / "closed").mkdir(mode=0o700)
    (root / "new\nline").write_text("a")
    (root / "größe").hardlink_to(root / "new\nline")
    manifest.write_bytes(msgspec.json.encode(dict(leaves(str(root)))))
    place = tmp_path / "place"
    bring(str(root), str(manifest), str(place), {})
    assert (place / "run").stat().st_mode & 0o777 == 0o755
    assert (place / "key").stat().st_mode & 0o777 == 0o600
    assert (place / "closed").stat().st_mode & 0o777 == 0o700
    assert (place / "empty").is_dir()
    assert (place / "link").readlink() == Path("main.py")
    assert (place / "größe").samefile(place / "new\nline")
    assert (place / "größe").stat().st_mtime_ns == (root / "größe").stat().st_mtime_ns


def test_holes_stay_holes(tmp_path: Path) -> None:
    root, manifest = tree(tmp_path)
    with (root / "sparse").open("wb") as file:
        file.write(b"head")
        file.truncate(64 * 1024 * 1024)
    manifest.write_bytes(msgspec.json.encode(dict(leaves(str(root)))))
    bring(str(root), str(manifest), str(tmp_path / "place"), {})
    found = (tmp_path / "place" / "sparse").stat()
    assert (found.st_size, found.st_blocks * 512 < 4 * 1024 * 1024) == (64 * 1024 * 1024, True)


def test_what_is_shared_begins_as_shipped_and_is_then_left_alone(tmp_path: Path) -> None:
    root, manifest = tree(tmp_path)
    shared = {"package/deep": f"{tmp_path}/shared/package/deep", "uploads": f"{tmp_path}/shared/uploads"}
    shared |= {"db/shop.sqlite3": f"{tmp_path}/shared/db/shop.sqlite3"}
    first, second = tmp_path / "first", tmp_path / "second"
    bring(str(root), str(manifest), str(first), shared, ["tmp/pids"])
    assert (first / "package" / "deep" / "data").stat().st_size == 3 * 1024 * 1024
    (first / "package" / "deep" / "data").write_text("changed")
    (first / "uploads" / "a.png").write_text("picture")
    (first / "db" / "shop.sqlite3").write_text("orders")  # made through the link
    bring(str(root), str(manifest), str(second), shared)
    bring(str(root), str(manifest), str(first), shared, ["tmp/pids"])
    for place in (first, second):
        assert (place / "package" / "deep" / "data").read_text() == "changed"
        assert (place / "uploads" / "a.png").read_text() == "picture"
        assert (place / "db" / "shop.sqlite3").read_text() == "orders"
    assert (first / "tmp" / "pids").is_dir()
    assert not (second / "tmp").exists()
    discard(str(first))
    assert (tmp_path / "shared" / "uploads" / "a.png").read_text() == "picture"


def test_nothing_is_written_through_a_link_that_the_application_has_made(tmp_path: Path) -> None:
    root, manifest = tree(tmp_path)
    place, elsewhere = tmp_path / "place", tmp_path / "elsewhere"
    bring(str(root), str(manifest), str(place), {})
    shutil.rmtree(place / "package")
    (elsewhere / "deep").mkdir(parents=True)
    (place / "package").symlink_to(elsewhere)
    bring(str(root), str(manifest), str(place), {})
    assert list((elsewhere / "deep").iterdir()) == []
    assert dict(leaves(str(place))) == dict(leaves(str(root)))


@pytest.mark.parametrize("keys", [({"main.py/x": "/x"}, []), ({}, ["run"]), ({}, ["link/a"])])
def test_a_folder_cannot_be_where_the_artifact_has_a_file(
    tmp_path: Path, keys: tuple[dict[str, str], list[str]]
) -> None:
    root, manifest = tree(tmp_path)
    with pytest.raises(TreeChanged, match=r"is a (file|link) in the artifact"):
        bring(str(root), str(manifest), str(tmp_path / "place"), *keys)


def test_a_tree_goes_whatever_modes_it_has(tmp_path: Path) -> None:
    (tmp_path / "place" / "a" / "b").mkdir(parents=True)
    (tmp_path / "place" / "a" / "b" / "file").touch()
    (tmp_path / "out").mkdir(mode=0o755)
    (tmp_path / "place" / "a" / "out").symlink_to(tmp_path / "out")
    for name in ("a/b", "a", ""):
        (tmp_path / "place" / name).chmod(0)
    discard(str(tmp_path / "place"))
    assert not (tmp_path / "place").exists()
    assert (tmp_path / "out").stat().st_mode & 0o777 == 0o755


def test_without_a_manifest_nothing_is_verified_and_nothing_starts(tmp_path: Path) -> None:
    root, manifest = tree(tmp_path)
    for text in ("", "[1]", None):
        manifest.unlink() if text is None else manifest.write_text(text)
        with pytest.raises(TreeChanged, match="cannot be verified"):
            bring(str(root), str(manifest), str(tmp_path / "place"), {})


@pytest.mark.e2e
def test_code_that_was_changed_in_place_is_put_back_at_a_restart(local: Host) -> None:
    version = local.version()
    (instance,) = local.prepare(version)
    script = local.folder(version).tree(instance.name) / "web.py"
    good = script.read_bytes()
    script.write_bytes(good + b"# one line more\n")
    before = local.pid(version)
    os.kill(before, signal.SIGKILL)
    until(lambda: local.pid(version) != before and local.inspect(version)[0].ready)
    assert script.read_bytes() == good


@pytest.mark.e2e
def test_an_artifact_that_was_changed_on_disk_does_not_run_at_a_restart(local: Host) -> None:
    version = local.version()
    (instance,) = local.prepare(version)
    before = local.pid(version)
    script = local.shelf.root / local.artifact / "web.py"
    good = script.read_bytes()
    try:
        script.write_bytes(good + b"# one line more\n")
        (local.folder(version).tree(instance.name) / "web.py").unlink()
        os.kill(before, signal.SIGKILL)
        until(lambda: "is not what was released: web.py was changed" in local.inspect(version)[0].detail)
        assert local.inspect(version)[0].ready is False
        assert not alive(before)
        until(lambda: "web.py was changed" in local.keeper_log())
    finally:
        script.write_bytes(good)
    until(lambda: local.inspect(version)[0].ready)
