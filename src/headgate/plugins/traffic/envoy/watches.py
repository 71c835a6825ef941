"""Room for Envoy to watch one more file: it takes an inotify instance for each, and aborts when the kernel has none."""

import ctypes
import os
from pathlib import Path

from headgate.ports.errors import Permanent

SPARE = 4
_LIMIT = Path("/proc/sys/fs/inotify/max_user_instances")


def require(files: int) -> None:
    """Make sure that Envoy can watch so many more files, by taking what it will take and giving it back at once.

    Raises Permanent when the kernel's limit per user does not allow it: asking Envoy would end it.
    """
    if not files:
        return
    libc = ctypes.CDLL(None, use_errno=True)
    taken: list[int] = []
    try:
        for _ in range(files + SPARE):
            descriptor = int(libc.inotify_init1(os.O_CLOEXEC))
            if descriptor < 0:
                raise Permanent(
                    f"Envoy cannot watch {files} more file{'s' if files != 1 else ''}: "
                    f"{os.strerror(ctypes.get_errno())} (inotify_init). A user may have {_limit()} inotify instances; "
                    "raise it: `sysctl fs.inotify.max_user_instances=1024`"
                )
            taken.append(descriptor)
    finally:
        for descriptor in taken:
            os.close(descriptor)


def _limit() -> str:
    try:
        return _LIMIT.read_text().strip()
    except OSError:
        return "only so many"
