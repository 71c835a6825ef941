"""One controller per home: whoever holds the lease acts, everybody else asks it to."""

import contextlib
import fcntl
import os
from pathlib import Path
from typing import Protocol

from headgate.files import is_at
from headgate.folders import private_folder


class LeaseTaken(Exception):  # noqa: N818 - reads as a fact: the lease is taken
    """Another controller holds the lease. The message says who."""


class Lease(Protocol):
    """Held by one controller at a time, and given up by its death."""

    def acquire(self) -> None:
        """Take the lease. Raises LeaseTaken at once when somebody else holds it."""
        ...

    def held(self) -> bool:
        """True while the lease is ours: asked before every decision and every act."""
        ...

    def release(self) -> None:
        """Give it up. May be called again."""
        ...


class FileLease:
    """A lock that the kernel drops with the process, so that SIGKILL leaves nothing to clean up."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._fd: int | None = None

    def acquire(self) -> None:
        """Lock the file and write our process id into it; does nothing when it is ours already."""
        if self._fd is not None:
            return
        private_folder(self._path.parent)
        while (fd := self._open()) is None:
            pass  # it was removed while we locked it: the next one is there already, or we make it
        self._fd = fd

    def held(self) -> bool:
        """The lock is ours, and its file is still the one that others would try to lock.

        One that was removed, or has another in its place, is locked anew: only another holder's takes it from us.
        """
        if self._fd is None:
            return False
        if is_at(self._fd, self._path):
            return True
        try:
            fd = self._open() if self._path.parent.is_dir() else None
        except (LeaseTaken, OSError):
            return False
        if fd is None:
            return False
        os.close(self._fd)
        self._fd = fd
        return True

    def _open(self) -> int | None:
        """A descriptor that locks the file; None when that has just been removed. Raises LeaseTaken, OSError."""
        fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if not is_at(fd, self._path):
                os.close(fd)
                return None
            with contextlib.suppress(OSError):  # a full disk: it only says who we are
                os.ftruncate(fd, 0)
                os.pwrite(fd, f"{os.getpid()}\n".encode(), 0)
        except BlockingIOError:
            holder = os.pread(fd, 32, 0).decode(errors="replace").strip()
            os.close(fd)
            who = f"process {holder}" if holder else "of an unknown process"
            raise LeaseTaken(f"another controller ({who}) runs this home: {self._path.parent}") from None
        except BaseException:
            os.close(fd)
            raise
        return fd

    def release(self) -> None:
        """Unlock."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None


class MemoryLease:
    """The in-memory twin: holders share the `slot` they contend for."""

    def __init__(self, slot: list[object]) -> None:
        self._slot = slot

    def acquire(self) -> None:
        """Take the slot."""
        if self._slot and self._slot[0] is not self:
            raise LeaseTaken("another controller holds the lease")
        self._slot[:] = [self]

    def held(self) -> bool:
        """The slot is ours."""
        return bool(self._slot) and self._slot[0] is self

    def release(self) -> None:
        """Empty the slot, if it is ours."""
        if self.held():
            self._slot.clear()
