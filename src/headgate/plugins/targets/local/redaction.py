"""Known secrets out of what people will read: a log's last lines, an answer's body."""

import contextlib
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from headgate.core.model import SecretSource
from headgate.plugins.targets.local.launch import CannotStart, read_secret
from headgate.plugins.targets.local.process import environ, parent

LENGTH_MIN = 4
"""Shorter values would black out half of any text, and are no secrets."""


class Redaction:
    """Replaces the values of secrets by their names, in any text."""

    def __init__(self, values: Mapping[str, str] | None = None) -> None:
        self._names: dict[str, str] = {}
        for name, value in (values or {}).items():
            self._learn(name, value)

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
                    redaction._learn(name, read_secret(name, source.kind, source.name, given))
                except CannotStart:
                    continue
        return redaction

    def clean(self, text: str) -> str:
        """`text` without any known value; the longest values go first."""
        for value in sorted(self._names, key=len, reverse=True):
            text = text.replace(value, f"<secret {self._names[value]}>")
        return text

    def _learn(self, name: str, value: str) -> None:
        for form in (value, *value.splitlines()):
            if len(form) >= LENGTH_MIN:
                self._names[form] = name


def tail(path: Path, lines: int = 20, size: int = 4000) -> str:
    """The last `lines` lines of a log, `size` characters at most; empty when there is none."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - 4 * size))
            text = file.read(4 * size).decode("utf-8", "replace")
    except OSError:
        return ""
    return "\n".join(text.rstrip().splitlines()[-lines:])[-size:]


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
