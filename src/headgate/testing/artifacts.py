"""What every store of artifacts must do. Subclass `ArtifactsContract` in a test file, and say how yours is made."""

import bz2
import gzip
import io
import lzma
import os
import tarfile
import zipfile
from abc import ABC, abstractmethod
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, BinaryIO, cast

import pytest

from headgate.core.model import Configuration, HttpCheck, Probe, Probes, SecretSource
from headgate.ports import Artifact, Artifacts, Permanent, Provenance

TREE = {
    "main.py": b"print('hello')\n",
    "lib/a.py": b"A = 1\n",
    "lib/deep/b.bin": bytes(range(256)),
    "run": b"#!/bin/sh\n",
}
"""The files of `a_tree`; `run` is executable, and `current` is a link to `lib/deep`."""


def a_tree(root: Path, files: dict[str, bytes] | None = None) -> Path:
    """Write a small tree into the new folder `root`."""
    for name, content in (TREE if files is None else files).items():
        place = root / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
        place.chmod(0o755 if name == "run" else 0o644)
    if files is None:
        (root / "current").symlink_to("lib/deep")
    return root


def a_zip(root: Path, archive: Path) -> Path:
    """Pack `root`, last name first, with links and modes as `zip -y` keeps them."""
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        for place in sorted(root.rglob("*"), reverse=True):
            info = zipfile.ZipInfo(str(place.relative_to(root)) + ("/" if place.is_dir() else ""))
            info.create_system = 3
            info.external_attr = place.lstat().st_mode << 16
            if place.is_symlink():
                info.filename = info.filename.rstrip("/")
                packed.writestr(info, os.readlink(place))  # noqa: PTH115 - its text
            else:
                packed.writestr(info, b"" if place.is_dir() else place.read_bytes())
    return archive


def a_tar(root: Path, archive: Path) -> Path:
    """Pack `root` by the kind that the archive's name says."""
    with (
        archive.open("wb") as file,
        _compressed(file, archive.suffix) as inner,
        tarfile.open(fileobj=inner, mode="w") as packed,
    ):
        for place in sorted(root.rglob("*"), reverse=True):
            info = packed.gettarinfo(place, f"./{place.relative_to(root)}")
            content = io.BytesIO(place.read_bytes()) if info.isreg() else None
            packed.addfile(info, content)
    return archive


def _compressed(file: BinaryIO, suffix: str) -> IO[bytes]:
    match suffix:
        case ".gz" | ".tgz":
            return cast("IO[bytes]", gzip.open(file, "wb"))
        case ".xz":
            return cast("IO[bytes]", lzma.open(file, "wb"))
        case ".bz2":
            return cast("IO[bytes]", bz2.open(file, "wb"))
        case _:
            return file


def by(label: str = "", built_at: float = 1.0) -> Provenance:
    """Where an artifact came from."""
    return Provenance(built_at=built_at, builder="ada@host", commit="c0ffee", label=label)


class ArtifactsContract(ABC):
    """The conformance suite of `Artifacts`."""

    @abstractmethod
    def make(self, place: Path) -> Artifacts:
        """An empty store, kept under the folder `place`; asked twice for the same place, the same content."""

    @pytest.fixture
    def store(self, tmp_path: Path) -> Artifacts:
        """An empty store."""
        return self.make(tmp_path / "store")

    def test_it_begins_empty(self, store: Artifacts) -> None:
        assert store.list() == ()
        with pytest.raises(Permanent, match="headgate build"):
            store.find("v1")

    def test_a_tree_comes_back_as_it_was(self, store: Artifacts, tmp_path: Path) -> None:
        artifact = store.put(a_tree(tmp_path / "tree"), by("v1"))
        content = store.verify(artifact.digest)
        assert {name: (content / name).read_bytes() for name in TREE} == TREE
        assert (content / "current").readlink() == Path("lib/deep")
        assert [name for name in TREE if os.access(content / name, os.X_OK)] == ["run"]
        assert len(artifact.digest) == 64
        assert artifact.size_bytes == sum(map(len, TREE.values()))
        assert artifact.files == len(TREE) + 1
        assert artifact.provenance == by("v1")

    @pytest.mark.parametrize("suffix", [".zip", ".whl", ".tar", ".tar.gz", ".tgz", ".tar.xz", ".tar.bz2"])
    def test_the_same_content_has_the_same_digest(
        self, store: Artifacts, tmp_path: Path, suffix: str
    ) -> None:
        tree = a_tree(tmp_path / "tree")
        pack: Callable[[Path, Path], Path] = a_zip if suffix in (".zip", ".whl") else a_tar
        packed = store.put(pack(tree, tmp_path / f"packed{suffix}"), by())
        os.utime(tree / "main.py", (1, 1))
        (tree / "main.py").chmod(0o600)
        assert store.put(tree, by()).digest == packed.digest
        assert len(store.list()) == 1

    def test_other_content_has_another_digest(self, store: Artifacts, tmp_path: Path) -> None:
        def change(name: str, act: Callable[[Path], object]) -> str:
            tree = a_tree(tmp_path / name)
            act(tree)
            return store.put(tree, by()).digest

        digests = [
            change("same", lambda _: None),
            change("byte", lambda tree: (tree / "main.py").write_bytes(b"print('hullo')\n")),
            change("name", lambda tree: (tree / "main.py").rename(tree / "Main.py")),
            change("mode", lambda tree: (tree / "main.py").chmod(0o755)),
            change("gone", lambda tree: (tree / "main.py").unlink()),
            change("more", lambda tree: (tree / "more").touch()),
            change("link", lambda tree: (tree / "another").symlink_to("lib")),
            change("leads", lambda tree: (tree / "another").symlink_to("lib/deep")),
        ]
        assert len(set(digests)) == len(digests)
        for digest in digests:
            store.verify(digest)

    def test_it_finds_by_digest_prefix_and_label(self, store: Artifacts, tmp_path: Path) -> None:
        one = store.put(a_tree(tmp_path / "one", {"f": b"1"}), by("v1", 1.0))
        two = store.put(a_tree(tmp_path / "two", {"f": b"2"}), by("v2", 2.0))
        assert [artifact.digest for artifact in store.list()] == [two.digest, one.digest]
        for name in (one.digest, one.digest[:6], one.digest[:20].upper(), "v1"):
            assert store.find(name).digest == one.digest
        moved = store.put(a_tree(tmp_path / "three", {"f": b"3"}), by("v1", 3.0))
        assert store.find("v1").digest == moved.digest

    def test_what_is_not_found_is_answered_with_what_there_is(self, store: Artifacts, tmp_path: Path) -> None:
        for n in range(7):
            store.put(a_tree(tmp_path / str(n), {"f": b"%d" % n}), by(f"release-{n}", float(n)))
        with pytest.raises(Permanent) as caught:
            store.find("relaese-6")
        message = str(caught.value)
        assert [f"release-{n}" in message for n in range(7)] == [False, False, True, True, True, True, True]
        for name in ("", "abc", "0" * 64, "../../etc"):
            with pytest.raises(Permanent, match="release-6"):
                store.find(name)

    def test_the_first_provenance_stays_and_labels_are_added(self, store: Artifacts, tmp_path: Path) -> None:
        tree = a_tree(tmp_path / "tree")
        first = store.put(tree, by("v1", 1.0))
        store.put(tree, Provenance(built_at=5.0, builder="bob@elsewhere", label="v2"))
        assert store.find("v1").digest == store.find("v2").digest == first.digest
        (only,) = store.list()
        assert (only.provenance.built_at, only.provenance.builder, only.provenance.label) == (
            1.0,
            "ada@host",
            "v2",
        )

    def test_many_may_put_the_same_at_once(self, store: Artifacts, tmp_path: Path) -> None:
        tree = a_tree(tmp_path / "tree")

        def put_as(n: int) -> Artifact:
            return store.put(tree, by(f"v{n}"))

        with ThreadPoolExecutor(4) as threads:
            put = list(threads.map(put_as, range(4)))
        assert len({artifact.digest for artifact in put}) == 1
        store.verify(put[0].digest)
        assert {store.find(f"v{n}").digest for n in range(4)} == {put[0].digest}

    def test_removed_is_gone(self, store: Artifacts, tmp_path: Path) -> None:
        artifact = store.put(a_tree(tmp_path / "tree"), by("v1"))
        store.remove(artifact.digest)
        store.remove(artifact.digest)
        assert store.list() == ()
        with pytest.raises(Permanent):
            store.verify(artifact.digest)
        assert store.put(a_tree(tmp_path / "again"), by("v1")).digest == artifact.digest
        store.verify(artifact.digest)

    @pytest.mark.parametrize("digest", ["", "..", "../../etc", "A" * 64, "g" * 64, "0" * 63])
    def test_only_digests_are_digests(self, store: Artifacts, digest: str) -> None:
        for ask in (store.verify, store.remove, store.configuration):
            with pytest.raises(Permanent):
                ask(digest)

    def test_what_cannot_be_an_artifact_is_refused(self, store: Artifacts, tmp_path: Path) -> None:
        (tmp_path / "empty").mkdir()
        (tmp_path / "plain.txt").write_text("text")
        (tmp_path / "broken.zip").write_bytes(b"PK\x03\x04 and no more")
        (tmp_path / "broken.tar.gz").write_bytes(b"\x1f\x8b and no more")
        for name in ("absent", "empty", "plain.txt", "broken.zip", "broken.tar.gz"):
            with pytest.raises(Permanent, match=name):
                store.put(tmp_path / name, by())
        assert store.list() == ()

    @pytest.mark.parametrize("name", ["../out", "/out", "a/../../out", "ok/../../../out"])
    def test_a_name_that_leaves_the_archive_is_refused(
        self, store: Artifacts, tmp_path: Path, name: str
    ) -> None:
        with tarfile.open(tmp_path / "bad.tar", "w") as tar:
            info = tarfile.TarInfo(name)
            info.size = 1
            tar.addfile(info, io.BytesIO(b"x"))
        with zipfile.ZipFile(tmp_path / "bad.zip", "w") as packed:
            packed.writestr(name, "x")
        for archive in ("bad.tar", "bad.zip"):
            with pytest.raises(Permanent, match="out"):
                store.put(tmp_path / archive, by())

    @pytest.mark.parametrize("target", ["../out", "/etc/passwd", "lib/../../out"])
    def test_a_link_that_leaves_the_tree_is_refused(
        self, store: Artifacts, tmp_path: Path, target: str
    ) -> None:
        tree = a_tree(tmp_path / "tree")
        (tree / "leaves").symlink_to(target)
        for source in (tree, a_tar(tree, tmp_path / "bad.tar"), a_zip(tree, tmp_path / "bad.zip")):
            with pytest.raises(Permanent, match="leaves"):
                store.put(source, by())

    def test_configurations_come_back_by_their_hash(self, store: Artifacts) -> None:
        configuration = Configuration(
            argv=("python", "main.py", "{port}"),
            env={"B": "2", "A": "1"},
            secrets={"TOKEN": SecretSource("file", "token")},
            probes=Probes(readiness=Probe(HttpCheck("/ready", headers={"b": "2", "a": "1"}))),
            business={"orders": ("orders_total", "checkouts_total")},
        )
        digest = store.put_configuration(configuration)
        assert store.configuration(digest) == configuration
        assert store.put_configuration(configuration) == digest
        reordered = Configuration(
            argv=("python", "main.py", "{port}"),
            env={"A": "1", "B": "2"},
            secrets={"TOKEN": SecretSource("file", "token")},
            probes=Probes(readiness=Probe(HttpCheck("/ready", headers={"a": "1", "b": "2"}))),
            business={"orders": ("orders_total", "checkouts_total")},
        )
        assert store.put_configuration(reordered) == digest
        assert store.put_configuration(Configuration(argv=("other",))) != digest
        with pytest.raises(Permanent):
            store.configuration("0" * 64)
