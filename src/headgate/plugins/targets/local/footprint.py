"""How much memory process trees use."""

from collections import defaultdict
from collections.abc import Iterable

import psutil


def footprints(roots: Iterable[int]) -> dict[int, int]:
    """Resident bytes of each root process and all its descendants; pages they share count for each. Gone is 0.

    One walk over the machine's processes, whatever the number of roots.
    """
    children: dict[int, list[psutil.Process]] = defaultdict(list)
    own: dict[int, psutil.Process] = {}
    for process in psutil.process_iter(["ppid"]):
        own[process.pid] = process
        children[process.info["ppid"]].append(process)
    return {root: sum(_resident(process) for process in _tree(root, own, children)) for root in roots}


def _tree(
    root: int, own: dict[int, psutil.Process], children: dict[int, list[psutil.Process]]
) -> list[psutil.Process]:
    found = [own[root]] if root in own else []
    for process in found:  # grows while it is walked: breadth first
        found += children[process.pid]
    return found


def _resident(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.Error:
        return 0
