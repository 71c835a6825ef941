"""Files that outlive the door's process: written whole or not at all, for the owner only, and bounded."""

import contextlib
import logging
import os
from pathlib import Path
from typing import Protocol, TypeVar

import msgspec

from headgate.files import replace_file
from headgate.ports.errors import UNREADABLE

T = TypeVar("T")

_log = logging.getLogger(__name__)


class Drawer(Protocol):
    """Keeps one value."""

    def load(self, kind: type[T]) -> T | None:
        """What was kept; None: nothing, or nothing that can be read (any more)."""
        ...

    def keep(self, value: object) -> None:
        """Keep this in its place. It never raises: whoever cannot keep it works on without."""
        ...


class MemoryDrawer:
    """The twin in memory."""

    def __init__(self) -> None:
        self._content = b""

    def load(self, kind: type[T]) -> T | None:
        """See Drawer."""
        return _decoded(self._content, kind)

    def keep(self, value: object) -> None:
        """See Drawer."""
        self._content = msgspec.json.encode(value)


class FileDrawer:
    """A file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._failed = False

    def load(self, kind: type[T]) -> T | None:
        """See Drawer. A file that others may read or write is not ours, and is left where it is."""
        try:
            with self._path.open("rb") as file:
                found = os.fstat(file.fileno())
                ours = found.st_uid == os.geteuid() and not found.st_mode & 0o077
                content = file.read() if ours else b""
        except OSError:
            return None
        return _decoded(content, kind)

    def keep(self, value: object) -> None:
        """See Drawer."""
        try:
            replace_file(self._path, msgspec.json.encode(value))
            self._failed = False
        except OSError as error:
            if not self._failed:
                _log.warning("%s cannot be kept: %s", self._path.name, error.strerror)
            self._failed = True


def _decoded(content: bytes, kind: type[T]) -> T | None:
    with contextlib.suppress(*UNREADABLE):
        return msgspec.json.decode(content, type=kind) if content else None
    return None
