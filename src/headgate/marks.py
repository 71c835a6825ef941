"""A mark that a process hands on to whatever it starts, and that nothing it usually does takes off. Light.

A process that makes a session of its own, forks twice and clears its environment is no longer found by group, parent
or variables; a subreaper's children cannot be told apart, and cgroups are not everybody's to make. Resource limits,
though, are inherited by every fork and exec, and one of them (RLIMIT_RTTIME) concerns real-time scheduling alone: its
soft limit carries a number here, more than 73,000 years in microseconds, that says which program of which home it is.
"""

import contextlib
import hashlib
import os
import resource

_LEAST = 1 << 61
"""A soft limit of at least this, and not infinite, is a mark."""

_LINE = "Max realtime timeout"


def mark_of(place: str, name: str) -> int:
    """The mark of the program called `name` of the home at `place`."""
    digest = hashlib.sha256(f"{place}\0{name}".encode("utf-8", "surrogateescape")).digest()
    return _LEAST | int.from_bytes(digest[:7], "big")


def put_on(mark: int) -> None:
    """Have this process, and all that it starts from now on, carry `mark`; where a limit forbids that, none."""
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_RTTIME, (mark, resource.getrlimit(resource.RLIMIT_RTTIME)[1]))


def take_off() -> None:
    """Have this process carry no mark: it does not belong to whoever started it."""
    with contextlib.suppress(OSError, ValueError):
        hard = resource.getrlimit(resource.RLIMIT_RTTIME)[1]
        if own_mark():
            resource.setrlimit(resource.RLIMIT_RTTIME, (hard, hard))


def own_mark() -> int:
    """The mark of this process; 0: it has none."""
    return _mark(resource.getrlimit(resource.RLIMIT_RTTIME)[0])


def marked() -> dict[int, int]:
    """The mark of each live process that carries one, but ours, by process."""
    found: dict[int, int] = {}
    for name in os.listdir("/proc"):  # noqa: PTH208 - pathlib would cost a third of an instance's start
        if name.isdigit() and int(name) != os.getpid() and (mark := _mark_of_process(name)):
            found[int(name)] = mark
    return found


def _mark_of_process(pid: str) -> int:
    try:
        with open(f"/proc/{pid}/limits", encoding="ascii") as file:  # noqa: PTH123 - as above
            line = next((line for line in file if line.startswith(_LINE)), "")
        word = line.removeprefix(_LINE).split()[0] if line else "0"
        mark = _mark(int(word)) if word.isdigit() else 0
        if not mark:
            return 0
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:  # noqa: PTH123 - as above
            return mark if file.read().rpartition(")")[2].split()[0] not in "ZX" else 0
    except (OSError, ValueError, IndexError):  # gone meanwhile
        return 0


def _mark(limit: int) -> int:
    return limit if _LEAST <= limit < 2 * _LEAST else 0
