"""What the processes of an instance use: asked of a target that runs them on this host."""

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

import msgspec

from headgate.core.model import Version

GAUGES = ("memory", "cpu", "threads", "files")
"""What can be judged of it: bytes, cores, numbers of threads and of open files (sockets are files, too)."""


class Usage(msgspec.Struct, frozen=True):
    """An instance and all that it has started, now: resident bytes, threads, open files; `cpu_s` since its start."""

    memory: int
    cpu_s: float
    threads: int
    files: int


@runtime_checkable
class Measurable(Protocol):
    """A target that knows the processes it runs."""

    def usage(self, version: Version) -> Mapping[str, Usage]:
        """What each instance uses, by the name of its present life: one that started again has another name.

        What is not running is left out.
        """
        ...
