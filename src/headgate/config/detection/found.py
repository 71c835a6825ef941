"""Findings in a folder, before they are written down as a project file."""

from dataclasses import dataclass, field
from pathlib import Path

READ_MAX_BYTES = 256 * 1024
FILES_MAX = 200


@dataclass(frozen=True)
class Found:
    """Evidence from one file. Empty and None mean: this file says nothing about it.

    `run` is a command with `{port}` where it belongs, `path` what is to be released, `build` what makes it;
    `probes` maps startup, readiness and liveness to an HTTP path or `tcp`.
    """

    because: str
    run: tuple[str, ...] = ()
    path: str = ""
    build: str = ""
    port: int | None = None
    instances: int | None = None
    env: dict[str, str] = field(default_factory=dict[str, str])
    secrets: tuple[str, ...] = ()
    probes: dict[str, str] = field(default_factory=dict[str, str])
    notes: tuple[str, ...] = ()


def text_of(path: Path) -> str:
    """The text at `path`, the first 256 KiB of it; empty when there is none."""
    try:
        with path.open("rb") as file:
            return file.read(READ_MAX_BYTES).decode("utf-8", "replace")
    except (OSError, ValueError):
        return ""


def files_below(folder: Path, pattern: str) -> list[Path]:
    """Files that match a glob `pattern`, sorted, at most 200."""
    try:
        found = sorted(path for path in folder.glob(pattern) if path.is_file())
    except OSError:
        return []
    return found[:FILES_MAX]


def with_port(words: list[str]) -> tuple[str, ...]:
    """A command whose variable for the port is written as `{port}`."""
    for variable in ("${PORT:-8080}", "${PORT:-8000}", "${PORT:-5000}", "${PORT:-3000}", "${PORT}", "$PORT"):
        words = [word.replace(variable, "{port}") for word in words]
    return tuple(words)
