"""Build once, promote the same: immutable trees, addressed by the SHA-256 of their content."""

from pathlib import Path
from typing import Protocol

import msgspec

from headgate.core.model import Configuration


class Provenance(msgspec.Struct, frozen=True):
    """Where an artifact came from. Not part of its digest: the same content built twice is the same artifact."""

    built_at: float
    builder: str
    commit: str = ""
    dirty: bool = False
    command: str = ""
    source: str = ""
    label: str = ""


class Artifact(msgspec.Struct, frozen=True):
    """An artifact in the store. `digest` is 64 hex digits, `size_bytes` of all its files, `files` their number."""

    digest: str
    size_bytes: int
    files: int
    provenance: Provenance


class Artifacts(Protocol):
    """The store of artifacts and configurations. Both are immutable and named by the hash of their content."""

    def put(self, source: Path, provenance: Provenance) -> Artifact:
        """Take in a folder, a wheel or an archive (.zip, .tar, .tar.gz). The same content gives the same digest."""
        ...

    def find(self, name: str) -> Artifact:
        """The one artifact whose digest starts with `name` (6 digits or more) or whose label is `name` (the newest).

        Raises Permanent when none or several match, naming the candidates.
        """
        ...

    def verify(self, digest: str) -> Path:
        """The folder with the artifact's content, after hashing it again. Raises Permanent on any difference."""
        ...

    def list(self) -> tuple[Artifact, ...]:
        """Every artifact, newest first."""
        ...

    def remove(self, digest: str) -> None:
        """Forget an artifact. Absent is removed."""
        ...

    def put_configuration(self, configuration: Configuration) -> str:
        """Store a configuration; returns its hash."""
        ...

    def configuration(self, digest: str) -> Configuration:
        """The configuration with this hash, verified. Raises Permanent when absent or changed."""
        ...
