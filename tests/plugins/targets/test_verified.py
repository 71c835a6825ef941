"""What runs is what was released: the artifact's tree is verified at each start of an instance."""

import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from headgate.plugins.targets.local.launch import TreeChanged, check_tree, leaves
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


CHANGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "a byte": (flip_last_byte, "package/deep/data was changed"),
    "a file gone": (lambda root: (root / "main.py").unlink(), "main.py is missing"),
    "a file more": (lambda root: (root / "package" / "json.py").touch(), "package/json.py was added"),
    "a bit": (lambda root: (root / "run").chmod(0o644), "run was changed"),
    "a link": (lead_elsewhere, "link was changed"),
    "a link for a file": (become_a_link, "main.py was changed"),
    "a pipe for a file": (become_a_pipe, "main.py was changed"),
    "all": (shutil.rmtree, "cannot be verified"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_whatever_was_changed_is_found(tmp_path: Path, change: str) -> None:
    root, manifest = tree(tmp_path)
    check_tree(str(root), str(manifest))
    act, said = CHANGES[change]
    act(root)
    with pytest.raises(TreeChanged, match=said):
        check_tree(str(root), str(manifest))


def test_times_and_empty_folders_do_not_matter(tmp_path: Path) -> None:
    root, manifest = tree(tmp_path)
    (root / "another").mkdir()
    os.utime(root / "main.py", (1, 1))
    check_tree(str(root), str(manifest))


def test_without_a_manifest_nothing_is_verified_and_nothing_starts(tmp_path: Path) -> None:
    root, manifest = tree(tmp_path)
    for text in ("", "[1]", None):
        manifest.unlink() if text is None else manifest.write_text(text)
        with pytest.raises(TreeChanged, match="cannot be verified"):
            check_tree(str(root), str(manifest))


@pytest.mark.e2e
def test_an_artifact_that_was_changed_on_disk_does_not_run_at_a_restart(local: Host) -> None:
    version = local.version()
    local.prepare(version)
    before = local.pid(version)
    script = local.shelf.root / local.artifact / "web.py"
    good = script.read_bytes()
    try:
        script.write_bytes(good + b"# one line more\n")
        os.kill(before, signal.SIGKILL)
        until(lambda: "is not what was released: web.py was changed" in local.inspect(version)[0].detail)
        assert local.inspect(version)[0].ready is False
        assert not alive(before)
        until(lambda: "web.py was changed" in local.keeper_log())
    finally:
        script.write_bytes(good)
    until(lambda: local.inspect(version)[0].ready)
