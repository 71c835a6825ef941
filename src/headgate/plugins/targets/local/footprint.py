"""What process trees use: memory, processor time, threads, open files."""

import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping

import psutil

from headgate.ports.target import Usage


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


def usages(roots: Mapping[str, int]) -> dict[str, Usage]:
    """What each root process and all its descendants use, by the root's name; those that are gone are left out."""
    found = {
        name: [one for process in _family(pid) if (one := _usage(process))] for name, pid in roots.items()
    }
    return {
        name: Usage(
            sum(one.memory for one in used),
            sum(one.cpu_s for one in used),
            sum(one.threads for one in used),
            sum(one.files for one in used),
        )
        for name, used in found.items()
        if used
    }


def _tree(
    root: int, own: dict[int, psutil.Process], children: dict[int, list[psutil.Process]]
) -> list[psutil.Process]:
    found = [own[root]] if root in own else []
    for process in found:  # grows while it is walked: breadth first
        found += children[process.pid]
    return found


def _family(pid: int) -> list[psutil.Process]:
    """One process and all that it has started: for a few roots, quicker than a walk that keeps every process."""
    try:
        root = psutil.Process(pid)
        return [root, *root.children(recursive=True)]
    except psutil.Error:
        return []


def _resident(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.Error:
        return 0


def _usage(process: psutil.Process) -> Usage | None:
    """What one process uses; None where it is gone, or another's."""
    try:
        with process.oneshot():
            times = process.cpu_times()
            files = process.num_fds() if sys.platform != "win32" else 0
            return Usage(
                int(process.memory_info().rss), times.user + times.system, process.num_threads(), files
            )
    except psutil.Error:
        return None
