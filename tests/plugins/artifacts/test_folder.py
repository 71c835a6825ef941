"""What the store in a folder does beyond the contract: tampering, hostile archives, deaths in the middle."""

from __future__ import annotations

import errno
import hashlib
import io
import json
import os
import shutil
import socket
import stat
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.core.model import Configuration
from headgate.plugins.artifacts.folder import EXCLUDED, FolderArtifacts, Limits, scan
from headgate.plugins.artifacts.folder.tree import Leaf, Tree
from headgate.ports import Permanent, Temporary
from headgate.testing.artifacts import a_tar, a_tree, a_zip, by


@pytest.fixture
def store(tmp_path: Path) -> FolderArtifacts:
    return FolderArtifacts(tmp_path / "store")


def writable(path: Path) -> Path:
    """Whoever tampers has given themselves the right to."""
    path.parent.chmod(0o755)
    if not path.is_symlink() and path.exists():
        path.chmod(path.stat().st_mode | 0o200)
    return path


def append_a_byte(content: Path) -> None:
    with writable(content / "main.py").open("ab") as file:
        file.write(b"#")


def link(name: str, target: str) -> Callable[[Path], None]:
    def tamper(content: Path) -> None:
        writable(content / name).unlink()
        (content / name).symlink_to(target)

    return tamper


def cache(content: Path) -> None:
    content.chmod(0o755)
    a_tree(content / "__pycache__", {"m.pyc": b""})


def pipe(content: Path) -> None:
    os.mkfifo(writable(content / "pipe"))


def remove_all(content: Path) -> None:
    for folder in (content, content / "lib", content / "lib/deep"):
        folder.chmod(0o755)
    shutil.rmtree(content)


TAMPERED: dict[str, tuple[Callable[[Path], object], str]] = {
    "changed": (lambda c: writable(c / "main.py").write_bytes(b"print('hullo')\n"), "main.py was changed"),
    "longer": (append_a_byte, "main.py was changed"),
    "missing": (lambda c: writable(c / "lib/a.py").unlink(), "lib/a.py is missing"),
    "added": (lambda c: writable(c / "lib/more.py").touch(), "lib/more.py was added"),
    "cached code": (cache, "__pycache__/m.pyc was added"),
    "executable": (
        lambda c: (c / "main.py").chmod(0o555),
        "main.py was changed (it was not executable and is)",
    ),
    "not executable": (lambda c: (c / "run").chmod(0o444), "run was changed (it was executable and is not)"),
    "link": (link("current", "lib"), "current was changed (it led to lib/deep and leads to lib)"),
    "link out": (link("current", "/etc"), "current: this link leaves the artifact"),
    "file to link": (link("run", "main.py"), "run was changed (it was a file and is a link)"),
    "pipe": (pipe, "pipe: a device, socket or pipe"),
    "no content": (remove_all, "its content is missing"),
    "manifest": (
        lambda c: (c.parent / "manifest").write_bytes(b"headgate tree 1\n"),
        "its manifest was changed",
    ),
    "no manifest": (lambda c: (c.parent / "manifest").unlink(), "its manifest is missing"),
}


@pytest.mark.parametrize("how", TAMPERED.values(), ids=TAMPERED)
def test_a_tampered_artifact_is_refused_and_a_new_build_heals_it(
    store: FolderArtifacts, tmp_path: Path, how: tuple[Callable[[Path], object], str]
) -> None:
    tamper, said = how
    tree = a_tree(tmp_path / "tree")
    artifact = store.put(tree, by("v1"))
    tamper(store.verify(artifact.digest))
    with pytest.raises(Permanent, match="nothing may start from it") as caught:
        store.verify(artifact.digest)
    assert said in str(caught.value)
    assert store.put(tree, by("v1")).digest == artifact.digest
    assert scan(store.verify(artifact.digest)) == scan(tree)


def test_stored_trees_are_read_only(store: FolderArtifacts, tmp_path: Path) -> None:
    content = store.verify(store.put(a_tree(tmp_path / "tree"), by()).digest)
    for path in (content, *content.rglob("*")):
        if not path.is_symlink():
            assert not path.stat().st_mode & (stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH)


def test_the_digest_is_the_documented_one(store: FolderArtifacts, tmp_path: Path) -> None:
    tree = a_tree(tmp_path / "tree", {"run": b"#!", "b/é": b"2", "b-": b"1"})
    (tree / "link").symlink_to("b")
    one, two, run = (hashlib.sha256(content).hexdigest() for content in (b"1", b"2", b"#!"))
    manifest = (
        "headgate tree 1\n"
        f'["file","b-",false,1,"{one}"]\n'
        f'["file","b/é",false,1,"{two}"]\n'
        '["link","link","b"]\n'
        f'["file","run",true,2,"{run}"]\n'
    )
    assert store.put(tree, by()).digest == hashlib.sha256(manifest.encode()).hexdigest()


def test_what_differs_from_build_to_build_is_left_out(store: FolderArtifacts, tmp_path: Path) -> None:
    plain = store.put(a_tree(tmp_path / "plain"), by())
    cluttered = a_tree(tmp_path / "cluttered")
    for name in EXCLUDED:
        a_tree(cluttered / name, {"x": b"x"})
        a_tree(cluttered / "lib" / name, {"x": b"x"})
        a_tree(cluttered / "left" / name, {"x": b"x"})
    for source in (cluttered, a_zip(cluttered, tmp_path / "c.zip"), a_tar(cluttered, tmp_path / "c.tgz")):
        assert store.put(source, by()).digest == plain.digest


def kinds_of(tree: Path, tmp_path: Path) -> tuple[Path, ...]:
    return tree, a_zip(tree, tmp_path / "packed.zip"), a_tar(tree, tmp_path / "packed.tgz")


def test_empty_folders_are_kept_and_are_part_of_the_digest(store: FolderArtifacts, tmp_path: Path) -> None:
    without = store.put(a_tree(tmp_path / "without"), by())
    tree = a_tree(tmp_path / "tree")
    (tree / "tmp" / "pids").mkdir(parents=True)
    digests = set()
    for source in kinds_of(tree, tmp_path):
        artifact = store.put(source, by())
        assert (store.verify(artifact.digest) / "tmp" / "pids").is_dir()
        digests.add(artifact.digest)
        store.remove(artifact.digest)
    assert len(digests) == 1
    assert without.digest not in digests


def test_an_empty_folder_that_is_gone_is_missed(store: FolderArtifacts, tmp_path: Path) -> None:
    tree = a_tree(tmp_path / "tree")
    (tree / "log").mkdir()
    artifact = store.put(tree, by())
    content = store.verify(artifact.digest)
    content.chmod(0o755)
    (content / "log").rmdir()
    with pytest.raises(Permanent, match="log is missing"):
        store.verify(artifact.digest)


def test_who_may_read_and_execute_what_is_kept(store: FolderArtifacts, tmp_path: Path) -> None:
    modes = {"main.py": 0o640, "run": 0o710, "lib/a.py": 0o600, "lib/deep": 0o750, "lib": 0o700}
    tree = a_tree(tmp_path / "tree")
    for name, mode in modes.items():
        (tree / name).chmod(mode)
    for source in kinds_of(tree, tmp_path):
        content = store.verify(store.put(source, by()).digest)
        for name, mode in modes.items():
            assert (content / name).stat().st_mode & 0o777 == mode & 0o555, name
        store.remove(content.parent.name)


def test_hard_links_are_one_file_and_holes_take_no_room(store: FolderArtifacts, tmp_path: Path) -> None:
    tree = a_tree(tmp_path / "tree")
    (tree / "hard").hardlink_to(tree / "lib" / "a.py")
    (tree / "odd\nname größe").write_text("x")
    with (tree / "sparse").open("wb") as file:
        file.truncate(300 * 1024 * 1024)
    for source in (tree, a_tar(tree, tmp_path / "packed.tgz")):
        content = store.verify(store.put(source, by()).digest)
        assert (content / "odd\nname größe").read_text() == "x"
        assert (content / "sparse").stat().st_blocks * 512 < 4 * 1024 * 1024
        assert (content / "hard").read_bytes() == b"A = 1\n"
        if source == tree:
            assert (content / "hard").samefile(content / "lib" / "a.py")
        store.remove(content.parent.name)


def test_a_hard_link_of_a_tar_is_one_file(store: FolderArtifacts, tmp_path: Path) -> None:
    archive = tar_of(tmp_path / "good.tar", ("a", b"x"), special("b", tarfile.LNKTYPE, "./a"))
    content = store.verify(store.put(archive, by()).digest)
    assert (content / "a").samefile(content / "b")


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077])
def test_the_store_is_its_owners_alone_whatever_the_umask(tmp_path: Path, mask: int) -> None:
    before = os.umask(mask)
    try:
        store = FolderArtifacts(tmp_path / "store")
        archive = tar_of(tmp_path / "good.tar", ("deep/a", b"x"))
        content = store.verify(store.put(archive, by()).digest)
        store.put_configuration(Configuration(argv=("x",)))
    finally:
        os.umask(before)
    assert (content / "deep").stat().st_mode & 0o777 == 0o555
    for path in (tmp_path / "store").rglob("*"):
        if not path.is_relative_to(content):
            assert not path.stat().st_mode & 0o077, path


def test_a_store_inside_the_project_does_not_swallow_itself(tmp_path: Path) -> None:
    project = a_tree(tmp_path / "project")
    store = FolderArtifacts(project / ".headgate" / "artifacts")
    first = store.put(project, by())
    assert store.put(project, by()).digest == first.digest


# --- hostile and broken sources -----------------------------------------------------------------------------


def tar_of(place: Path, *members: tarfile.TarInfo | tuple[str, bytes]) -> Path:
    with tarfile.open(place, "w") as archive:
        for member in members:
            if isinstance(member, tarfile.TarInfo):
                archive.addfile(member)
            else:
                info = tarfile.TarInfo(member[0])
                info.size = len(member[1])
                archive.addfile(info, io.BytesIO(member[1]))
    return place


def special(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type = kind
    info.linkname = target
    return info


def test_nothing_is_written_through_a_link(store: FolderArtifacts, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    for target in (str(outside), "../../../../outside"):
        archive = tar_of(tmp_path / "bad.tar", special("door", tarfile.SYMTYPE, target), ("door/x", b"x"))
        with pytest.raises(Permanent):
            store.put(archive, by())
    assert not list(outside.iterdir())


def test_a_chain_of_links_does_not_lead_out(store: FolderArtifacts, tmp_path: Path) -> None:
    archive = tar_of(
        tmp_path / "bad.tar",
        ("a/b/file", b"x"),
        special("a/b/up", tarfile.SYMTYPE, "../.."),
        special("out", tarfile.SYMTYPE, "a/b/up/../secret"),  # by its text inside, by the way of `up` outside
    )
    with pytest.raises(Permanent, match="out: this link leaves the artifact"):
        store.put(archive, by())


def test_hard_links_are_files(store: FolderArtifacts, tmp_path: Path) -> None:
    archive = tar_of(tmp_path / "good.tar", ("a", b"x"), special("b", tarfile.LNKTYPE, "a"))
    expected = store.put(a_tree(tmp_path / "tree", {"a": b"x", "b": b"x"}), by())
    assert store.put(archive, by()).digest == expected.digest
    for target in ("../../etc/passwd", "/etc/passwd", "b"):
        bad = tar_of(tmp_path / "bad.tar", ("a", b"x"), special("b", tarfile.LNKTYPE, target))
        with pytest.raises(Permanent, match="b: a hard link to"):
            store.put(bad, by())


@pytest.mark.parametrize("kind", [tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE])
def test_devices_are_refused(store: FolderArtifacts, tmp_path: Path, kind: bytes) -> None:
    with pytest.raises(Permanent, match="dev: a device"):
        store.put(tar_of(tmp_path / "bad.tar", ("a", b"x"), special("dev", kind)), by())


def test_sockets_and_pipes_in_a_folder_are_refused(store: FolderArtifacts, tmp_path: Path) -> None:
    tree = a_tree(tmp_path / "tree")
    os.mkfifo(tree / "pipe")
    with pytest.raises(Permanent, match="pipe: a device, socket or pipe"):
        store.put(tree, by())
    (tree / "pipe").unlink()
    with socket.socket(socket.AF_UNIX) as listener:
        before = Path.cwd()
        os.chdir(tree)  # the whole path may be longer than a socket's may be
        listener.bind("sock")
        os.chdir(before)
        with pytest.raises(Permanent, match="sock: a device, socket or pipe"):
            store.put(tree, by())


def test_a_name_that_is_there_twice_is_refused(store: FolderArtifacts, tmp_path: Path) -> None:
    with pytest.raises(Permanent, match="a: is there twice"):
        store.put(tar_of(tmp_path / "bad.tar", ("a", b"1"), ("./a", b"2")), by())
    for members in ((("a", b"1"), ("a/b", b"2")), (("a/b", b"1"), ("a", b"2"))):
        with pytest.raises(Permanent):
            store.put(tar_of(tmp_path / "bad.tar", *members), by())
    assert store.list() == ()


def test_bombs_are_refused(tmp_path: Path) -> None:
    store = FolderArtifacts(tmp_path / "store", limits=Limits(size_max_bytes=100_000, files_max=10))
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as bomb:
        bomb.writestr("zeros", bytes(10_000_000))
    tree = a_tree(tmp_path / "tree", {f"part{n}": bytes(30_000) for n in range(4)})
    for source in (tmp_path / "bomb.zip", a_tar(tree, tmp_path / "bomb.tgz"), tree):
        with pytest.raises(Permanent, match="more than 100000 bytes unpacked, the most an artifact may have"):
            store.put(source, by())
    many = a_tree(tmp_path / "many", {f"{n}": b"" for n in range(11)})
    for source in (many, a_tar(many, tmp_path / "many.tar.xz"), a_zip(many, tmp_path / "many.zip")):
        with pytest.raises(Permanent, match="more than 10 files and folders, the most an artifact may have"):
            store.put(source, by())
    assert not list((tmp_path / "store" / "incoming").iterdir())


def test_a_huge_header_is_not_read_into_memory(store: FolderArtifacts, tmp_path: Path) -> None:
    header = special("x", tarfile.XHDTYPE)
    header.size = 1 << 40
    (tmp_path / "bad.tar").write_bytes(header.tobuf(tarfile.GNU_FORMAT))
    with pytest.raises(Permanent, match="no archive to trust"):
        store.put(tmp_path / "bad.tar", by())


def test_a_locked_archive_is_refused(store: FolderArtifacts, tmp_path: Path) -> None:
    place = a_zip(a_tree(tmp_path / "tree", {"a": b"secret"}), tmp_path / "locked.zip")
    data = bytearray(place.read_bytes())
    data[6] |= 1  # the flag "encrypted", here and in the directory
    data[data.index(b"PK\x01\x02") + 8] |= 1
    place.write_bytes(data)
    with pytest.raises(Permanent, match=r"locked\.zip cannot be unpacked"):
        store.put(place, by())


def test_a_damaged_archive_is_refused(store: FolderArtifacts, tmp_path: Path) -> None:
    tree = a_tree(tmp_path / "tree", {"a": os.urandom(4096)})
    for place in (
        a_zip(tree, tmp_path / "b.zip"),
        a_tar(tree, tmp_path / "b.tgz"),
        a_tar(tree, tmp_path / "b.tar.xz"),
    ):
        data = bytearray(place.read_bytes())
        data[len(data) // 2 - 20 : len(data) // 2 + 20] = bytes(40)
        place.write_bytes(data)
        with pytest.raises(Permanent, match="is damaged"):
            store.put(place, by())
        place.write_bytes(data[: len(data) // 2])
        with pytest.raises(Permanent, match="is damaged"):
            store.put(place, by())


def test_names_must_be_utf8(store: FolderArtifacts, tmp_path: Path) -> None:
    tree = a_tree(tmp_path / "tree")
    try:
        (tree / os.fsdecode(b"caf\xe9")).touch()
    except OSError:
        pytest.skip("this file system has UTF-8 names only")
    with pytest.raises(Permanent, match="names in an artifact must be UTF-8"):
        store.put(tree, by())


# --- deaths, room, odds and ends ----------------------------------------------------------------------------


def test_what_a_dead_process_left_is_cleared_when_it_is_old(tmp_path: Path) -> None:
    store = FolderArtifacts(tmp_path / "store", stale_s=60.0)
    tree = a_tree(tmp_path / "tree")
    store.put(tree, by())
    incoming = tmp_path / "store" / "incoming"
    for name, at in (("old", 1.0), ("new", None)):
        a_tree(incoming / name / "content")
        (incoming / name / "content").chmod(0o555)
        if at is not None:
            os.utime(incoming / name, (at, at))
    store.put(tree, by())
    assert [left.name for left in incoming.iterdir()] == ["new"]
    assert len(store.list()) == 1


def test_a_full_disk_leaves_nothing(
    store: FolderArtifacts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = a_tree(tmp_path / "tree")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(Temporary, match="the disk is full; make room"):
            store.put(tree, by())
    assert store.list() == ()
    assert not list((tmp_path / "store" / "incoming").iterdir())
    store.verify(store.put(tree, by()).digest)


def test_an_ambiguous_name_is_answered_with_the_candidates(store: FolderArtifacts, tmp_path: Path) -> None:
    one = store.put(a_tree(tmp_path / "one", {"f": b"1"}), by("first"))
    two = store.put(a_tree(tmp_path / "two", {"f": b"2"}), by(one.digest[:8]))
    with pytest.raises(Permanent, match="may mean any of") as caught:
        store.find(one.digest[:8])
    assert one.digest[:12] in str(caught.value)
    assert two.digest[:12] in str(caught.value)
    assert store.find(one.digest) == one


def test_a_near_label_is_suggested(store: FolderArtifacts, tmp_path: Path) -> None:
    store.put(a_tree(tmp_path / "one"), by("checkout-fix"))
    with pytest.raises(Permanent, match="Did you mean 'checkout-fix'"):
        store.find("chekout-fix")


def test_a_changed_configuration_is_refused_and_healed(store: FolderArtifacts, tmp_path: Path) -> None:
    configuration = Configuration(argv=("run",), env={"A": "1"})
    digest = store.put_configuration(configuration)
    place = tmp_path / "store" / "configurations" / f"{digest}.json"
    assert hashlib.sha256(place.read_bytes()).hexdigest() == digest
    assert list(json.loads(place.read_bytes())) == sorted(json.loads(place.read_bytes()))
    place.write_bytes(place.read_bytes().replace(b'"1"', b'"2"'))
    with pytest.raises(Permanent, match="was changed"):
        store.configuration(digest)
    assert store.put_configuration(configuration) == digest
    assert store.configuration(digest) == configuration


NAMES = st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1, max_size=8)
PATHS = st.lists(NAMES.filter(lambda name: name not in (".", "..")), min_size=1, max_size=3).map("/".join)
LEAVES = st.builds(
    Leaf, PATHS, st.just("file"), st.booleans(), st.integers(0, 9), st.sampled_from(["a" * 64, "b" * 64])
)


@given(st.lists(LEAVES, max_size=4), st.lists(LEAVES, max_size=4))
def test_different_trees_have_different_manifests(one: list[Leaf], other: list[Leaf]) -> None:
    assert (one == other) == (Tree(tuple(one)).manifest() == Tree(tuple(other)).manifest())


def test_scanning_is_the_same_wherever_the_tree_stands(tmp_path: Path) -> None:
    tree = a_tree(tmp_path / "here")
    before = scan(tree)
    tree.rename(tmp_path / "there")
    assert scan(tmp_path / "there") == before
    assert before.size_bytes == sum(leaf.size_bytes for leaf in before.leaves) > 0
