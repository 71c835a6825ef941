"""A lock that the kernel keeps for as long as its holder lives, and no longer."""

import fcntl
import os
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from headgate.files import is_at
from headgate.ports import Temporary

POLL_S = 0.02


def try_lock(path: Path) -> int | None:
    """A descriptor that holds the lock until it is closed, or None when another holds it."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if is_at(descriptor, path):  # not one that was removed since it was opened
                return descriptor
        except BlockingIOError:
            os.close(descriptor)
            return None
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


@contextmanager
def locked(path: Path, wait_s: float) -> Generator[None]:
    """Hold the lock at `path`. Raises Temporary when another still holds it after `wait_s` seconds."""
    deadline = time.monotonic() + wait_s
    while (descriptor := try_lock(path)) is None:
        if time.monotonic() > deadline:
            raise Temporary(f"another process has held {path} for {wait_s:g} s")
        time.sleep(POLL_S)
    try:
        yield
    finally:
        os.close(descriptor)
