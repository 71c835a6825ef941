"""Files handed to Envoy together: swapped in order, confirmed by Envoy, put back when it refuses one."""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from headgate.plugins.traffic.envoy import confirmation, watches
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
    watches.require(sum(1 for data in before.values() if data is None))
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
