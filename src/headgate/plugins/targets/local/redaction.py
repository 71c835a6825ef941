"""The secrets of a service, to be struck out of what people will read: a log's last lines, an answer's body."""

import contextlib
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from headgate.core.model import SecretSource
from headgate.plugins.targets.local.launch import CannotStart, read_secret
from headgate.plugins.targets.local.process import environ, parent
from headgate.ports import redaction as ports


class Redaction(ports.Redaction):
    """Of a service's secrets."""

    @classmethod
    def of(cls, sources: Mapping[str, SecretSource], processes: Iterable[int] = ()) -> "Redaction":
        """For secrets read from `sources`, as far as this process can read them.

        A secret that only the process daemon's environment holds is taken from there: the daemon is the parent of
        `processes`, any of its programs.
        """
        redaction = cls()
        environments = [os.environ, *(_environment(pid) for pid in _parents(processes))]
        for name, source in sources.items():
            for given in environments:
                try:
                    redaction.learn(read_secret(name, source.kind, source.name, given), name)
                except CannotStart:
                    continue
        return redaction


def tail(path: Path, lines: int = 20, size: int = 4000) -> str:
    """The last `lines` lines of a log, `size` characters at most; empty when there is none.

    It begins with a whole line, or else with a whole word: half a secret would be known by nobody.
    """
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - 4 * size))
            text = file.read(4 * size).decode("utf-8", "replace")
    except OSError:
        return ""
    found = "\n".join(text.rstrip().splitlines()[-lines:])
    if len(found) <= size:
        return found
    first, end, rest = found[-size:].partition("\n")
    return rest if end else first.partition(" ")[2]


def _parents(processes: Iterable[int]) -> set[int]:
    found: set[int] = set()
    for pid in processes:
        with contextlib.suppress(OSError):
            found.add(parent(pid))
    return found - {0, 1}


def _environment(pid: int) -> Mapping[str, str]:
    try:
        return environ(pid)
    except OSError:
        return {}
