"""Notes that one process leaves for another in the home: a JSON list in a file, gone when the list is empty."""

from collections.abc import Collection
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from headgate.files import replace_file
from headgate.ports.errors import UNREADABLE

T = TypeVar("T")


def read_notes(path: Path, kind: type[T]) -> tuple[T, ...]:
    """What is noted, in order; nothing where that cannot be read."""
    found: Any = tuple[kind, ...]  # type: ignore[valid-type]
    try:
        return tuple(msgspec.json.decode(path.read_bytes(), type=found))
    except (OSError, *UNREADABLE):
        return ()


def write_notes(path: Path, notes: Collection[object], *, durable: bool = False) -> None:
    """Have just this noted, at once or not at all. Raises OSError."""
    if not notes:
        path.unlink(missing_ok=True)
        return
    replace_file(path, msgspec.json.format(msgspec.json.encode(notes)) + b"\n", durable=durable)
