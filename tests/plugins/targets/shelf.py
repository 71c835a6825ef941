"""Artifacts for tests: folders and configurations in a folder, verified by hashing, nothing more."""

import hashlib
from pathlib import Path

import msgspec

from headgate.core.model import Configuration
from headgate.ports import Artifact, Artifacts, Permanent, Provenance


class Shelf(Artifacts):
    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir(parents=True, exist_ok=True)

    def put(self, source: Path, provenance: Provenance | None = None) -> Artifact:
        digest = _digest(source)
        tree = self.root / digest
        if not tree.exists():
            tree.mkdir()
            for path in source.iterdir():
                (tree / path.name).write_bytes(path.read_bytes())
        return Artifact(digest, 0, 0, provenance or Provenance(0.0, "test"))

    def find(self, name: str) -> Artifact:
        raise Permanent(f"no artifact {name}")

    def verify(self, digest: str) -> Path:
        tree = self.root / digest
        if not tree.is_dir() or _digest(tree) != digest:
            raise Permanent(f"artifact {digest} has changed: a byte is not what was built")
        return tree

    def list(self) -> tuple[Artifact, ...]:
        return ()

    def remove(self, digest: str) -> None:
        raise Permanent(digest)

    def put_configuration(self, configuration: Configuration) -> str:
        data = msgspec.json.encode(configuration, order="sorted")
        digest = hashlib.sha256(data).hexdigest()
        (self.root / f"{digest}.json").write_bytes(data)
        return digest

    def configuration(self, digest: str) -> Configuration:
        return msgspec.json.decode((self.root / f"{digest}.json").read_bytes(), type=Configuration)


def _digest(tree: Path) -> str:
    found = hashlib.sha256()
    for path in sorted(tree.iterdir()):
        found.update(f"{path.name}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\0".encode())
    return found.hexdigest()
