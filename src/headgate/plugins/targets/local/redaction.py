"""The secrets of a service, to be struck out of what people will read: a log's last lines, an answer's body."""

import contextlib
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from headgate.core.model import SecretSource
from headgate.plugins.targets.local.launch import CannotStart, read_secret
from headgate.plugins.targets.local.process import environ, parent
from headgate.ports import redaction as ports

_ENDS = " \t,;\"'"
"""After one of these a word begins, in a log of one line."""


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

    It begins with a whole line, or else with a whole word where there are any: half a secret is known by nobody.
    """
    try:
        with path.open("rb") as file:
            begin = max(0, path.stat().st_size - 4 * size)
            file.seek(begin)
            text = file.read(4 * size).decode("utf-8", "replace")
    except OSError:
        return ""
    found = "\n".join(text.rstrip().splitlines()[-lines:])
    if len(found) <= size and (not begin or len(found) < len(text.rstrip())):
        return found
    found = found[-size:]
    cut = (
        found.find("\n") if "\n" in found else next((at for at, one in enumerate(found) if one in _ENDS), -1)
    )
    return found[cut + 1 :]


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
