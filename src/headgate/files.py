"""Files that others look at while we write them: which one it is, and how it is replaced as a whole. Light."""

import contextlib
import os
from pathlib import Path


def identity(path: Path) -> tuple[int, int]:
    """Device and number of the file at `path`: another file under the same name has others. Raises OSError."""
    found = path.stat()
    return found.st_dev, found.st_ino


def is_at(descriptor: int, path: Path) -> bool:
    """True while the file that `descriptor` has open, and perhaps locks, is the one at `path`."""
    try:
        there = identity(path)
    except OSError:
        return False
    ours = os.fstat(descriptor)
    return there == (ours.st_dev, ours.st_ino)


def owner_only(path: "str | os.PathLike[str]", flags: int) -> int:
    """An opener for `open`: a file that this makes is its owner's alone, whatever the umask is."""
    return os.open(path, flags, 0o600)


def replace_file(path: Path, data: bytes, *, durable: bool = False) -> None:
    """Have the file at `path` hold `data`, at once or not at all, for its owner only. Raises OSError.

    `durable`: it is on the disk on return, as far as the disk keeps its word.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        draft.replace(path)
    finally:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)
