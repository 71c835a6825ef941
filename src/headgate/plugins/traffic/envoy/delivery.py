"""Files handed to Envoy together: swapped in order, confirmed by Envoy, put back when it refuses one."""

import ctypes
import os
from collections.abc import Sequence
from pathlib import Path

import msgspec

from headgate.plugins.traffic.envoy import confirmation
from headgate.plugins.traffic.envoy.admin import Admin
from headgate.plugins.traffic.envoy.files import (
    Resources,
    content,
    discovery,
    restore,
    size,
    swap,
    version_of,
)
from headgate.plugins.traffic.envoy.threads import in_thread
from headgate.ports.errors import Permanent


class Change(msgspec.Struct, frozen=True):
    """What `file` shall hold, and the subscription of Envoy that reads it (see confirmation)."""

    file: Path
    subscription: str
    resources: Resources


def pending(changes: Sequence[Change]) -> bool:
    """True when a file does not hold yet what it shall."""
    return any(content(change.file) != discovery(change.resources) for change in changes)


async def deliver(admin: Admin, log: Path, changes: Sequence[Change], *, again: bool = False) -> None:
    """Have Envoy serve `changes`, in this order; what is in its file already is only confirmed.

    With `again` files are swapped even so, which makes Envoy read them once more. Raises Permanent with Envoy's reason
    when it refuses one (all files are then as before), Temporary when it does not confirm in time (they stay).
    """
    refusals = await confirmation.refusals(admin, [change.subscription for change in changes])
    before = {change.file: content(change.file) for change in changes}
    wanted = {change.file: discovery(change.resources) for change in changes}
    changed = [file for file, data in wanted.items() if again or before[file] != data]
    log_from = size(log)
    require(sum(1 for data in before.values() if data is None))
    if changed:
        await in_thread(_swap_all, {file: wanted[file] for file in changed})
    versions = {change.subscription: version_of(wanted[change.file]) for change in changes}
    try:
        await confirmation.wait(admin, versions, refusals, log, log_from)
    except Permanent:
        for file in reversed(changed):
            restore(file, before[file])
        raise


def _swap_all(files: dict[Path, bytes]) -> None:
    for file, data in files.items():
        swap(file, data)


# Room for Envoy to watch one more file: it takes an inotify instance for each, and aborts when the kernel has none.

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
