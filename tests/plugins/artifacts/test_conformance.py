from __future__ import annotations

from pathlib import Path

from headgate.plugins.artifacts.folder import FolderArtifacts
from headgate.ports import Artifacts
from headgate.testing.artifacts import ArtifactsContract


class TestFolder(ArtifactsContract):
    def make(self, place: Path) -> Artifacts:
        return FolderArtifacts(place)
