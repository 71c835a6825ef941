"""The programs' logs, kept within their sizes: copied away and emptied, for whoever writes one has it open."""

import contextlib
import os
import shutil
from pathlib import Path

from headgate.plugins.processes.supervisord.paths import Paths
from headgate.plugins.processes.supervisord.program_file import log_of


def rotate_all(paths: Paths) -> None:
    """Look at the log of every program. What cannot be rotated now is left for the next time."""
    for section in paths.programs.glob("*.conf"):
        found = log_of(section)
        if found is not None:
            with contextlib.suppress(OSError):
                rotate(*found)


def rotate(log: Path, max_bytes: int, keep: int) -> None:
    """Have `log` begin anew when it has more than `max_bytes` (0: never); `keep` old ones stay: log.1, the newest, ...

    Its writers append, so that they go on at the new end. A line that is written within the few microseconds between
    the copy's last byte and the emptying is lost. With a full disk all of it is: then room is worth more.
    Raises OSError.
    """
    try:
        size = log.stat().st_size
    except FileNotFoundError:
        return
    if not max_bytes or size <= max_bytes:
        return
    with log.open("r+b") as source:
        if keep:
            _shift(log, keep)
            newest = _old(log, 1)
            try:
                with os.fdopen(os.open(newest, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as copy:
                    shutil.copyfileobj(source, copy, 1024 * 1024)
                    copy.flush()
                    shutil.copyfileobj(source, copy)  # what was written during that
            except OSError:
                newest.unlink(missing_ok=True)
        source.truncate(0)


def _shift(log: Path, keep: int) -> None:
    for number in range(keep - 1, 0, -1):
        with contextlib.suppress(FileNotFoundError):
            _old(log, number).replace(_old(log, number + 1))


def _old(log: Path, number: int) -> Path:
    return log.with_name(f"{log.name}.{number}")
