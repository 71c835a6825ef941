"""Artifacts and configurations in a folder: immutable trees, named by the SHA-256 of their content.

trees/<digest>/content/       the tree, read-only
trees/<digest>/manifest       what is in it, line by line: its SHA-256 is the digest
trees/<digest>/record.json    where it came from, and its labels
configurations/<digest>.json
incoming/                     what is not complete yet
"""

from headgate.plugins.artifacts.folder.intake import EXCLUDED, Limits
from headgate.plugins.artifacts.folder.store import FolderArtifacts
from headgate.plugins.artifacts.folder.tree import Tree, scan

__all__ = ["EXCLUDED", "FolderArtifacts", "Limits", "Tree", "scan"]
