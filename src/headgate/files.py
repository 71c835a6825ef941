"""Files that others look at while we write them: which one it is, and how it is replaced as a whole.

Light: an instance's start loads this, and pathlib would cost a third of it.
"""

import contextlib
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path


def identity(path: "Path") -> tuple[int, int]:
    """Device and number of the file at `path`: another file under the same name has others. Raises OSError."""
    found = path.stat()
    return found.st_dev, found.st_ino


def is_at(descriptor: int, path: "Path") -> bool:
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


def replace_file(path: "str | os.PathLike[str]", data: bytes, *, durable: bool = False) -> None:
    """Have the file at `path` hold `data`, at once or not at all, for its owner only. Raises OSError.

    `durable`: it is on the disk on return, as far as the disk keeps its word.
    """
    folder, name = os.path.split(path)
    draft = os.path.join(folder, f".{name}.{os.getpid()}")  # noqa: PTH118 - as above
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        os.replace(draft, path)  # noqa: PTH105 - as above
    finally:
        with contextlib.suppress(OSError):
            os.unlink(draft)  # noqa: PTH108 - as above
