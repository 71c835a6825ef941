"""Writing that survives the loss of power, and locks and removal that fit a store of read-only trees."""

import errno
import fcntl
import os
import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from headgate.ports import Permanent, Temporary

_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})


@contextmanager
def explained(doing: str) -> Generator[None]:
    """Turn what the file system raises into a PortError; `doing` completes the sentence "could not ..."."""
    try:
        yield
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise Temporary(f"could not {doing}: the disk is full; make room, then try again") from error
        raise Permanent(f"could not {doing}: {error}") from error


@contextmanager
def locked(file: Path) -> Generator[None]:
    """Hold a lock that processes share, for as long as the block lasts; it ends with its holder."""
    held = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield
    finally:
        os.close(held)


def write_whole(place: Path, content: bytes) -> None:
    """Have `place` hold `content`, on disk, or be as it was."""
    handle, name = tempfile.mkstemp(dir=place.parent, prefix=".")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            os.fchmod(handle, 0o600)
            file.flush()
            os.fsync(handle)
        temporary.replace(place)
    finally:
        temporary.unlink(missing_ok=True)
    sync(place.parent)


def seal(root: Path) -> None:
    """Make a tree read-only, and bring all of it to the disk. Who may read and execute what stays as it is."""
    for folder, _, names in os.walk(root, topdown=False):
        for name in names:
            place = Path(folder, name)
            if not place.is_symlink():
                place.chmod(place.stat().st_mode & 0o555 | 0o400)
                sync(place)
        Path(folder).chmod(Path(folder).stat().st_mode & 0o555 | 0o500)
        sync(Path(folder))


def sync(place: Path) -> None:
    """Bring a file or the entries of a folder to the disk."""
    handle = os.open(place, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def discard(root: Path) -> None:
    """Remove a tree, read-only or not. Absent is removed; another may be removing it too."""
    for folder, names, _ in os.walk(root):
        for name in (folder, *(os.path.join(folder, name) for name in names)):  # noqa: PTH118 - as os.walk gives them
            if not os.path.islink(name):  # noqa: PTH114 - as above
                os.chmod(name, 0o700)  # noqa: PTH101 - as above
    shutil.rmtree(root, ignore_errors=True)
