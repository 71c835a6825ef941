"""The store of the outbox's book: a file of the home, written as a whole or not at all; or memory."""

import asyncio
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from headgate.outbox.book import FILE, read


class Store(Protocol):
    """Keeps one value."""

    def load(self) -> bytes | None:
        """What was saved last; None when nothing was. Raises OSError."""
        ...

    async def save(self, content: bytes) -> None:
        """Keep `content` in place of what was saved before: all of it or nothing, durable on return. Raises OSError."""
        ...

    def set_aside(self) -> None:
        """Keep what cannot be read where a person can look at it, out of the way. Raises OSError."""
        ...


class FileStore:
    """A file of its owner's alone, replaced by a rename."""

    def __init__(self, home: Path) -> None:
        self._file = home / FILE

    def load(self) -> bytes | None:
        """See Store."""
        return read(self._file)

    async def save(self, content: bytes) -> None:
        """See Store. The disk is waited for in a thread: releases go on meanwhile."""
        await asyncio.to_thread(_replace, self._file, content)

    def set_aside(self) -> None:
        """See Store."""
        self._file.replace(self._file.with_suffix(".unreadable"))


class MemoryStore:
    """Implements Store in memory. `content` may be looked at and changed; `saves` counts."""

    def __init__(self, content: bytes | None = None) -> None:
        self.content = content
        self.saves = 0

    def load(self) -> bytes | None:
        """See Store."""
        return self.content

    async def save(self, content: bytes) -> None:
        """See Store."""
        self.content = content
        self.saves += 1

    def set_aside(self) -> None:
        """See Store."""
        self.content = None


def _replace(place: Path, content: bytes) -> None:
    handle, name = tempfile.mkstemp(dir=place.parent, prefix=".outbox-")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(handle)
        temporary.replace(place)
    finally:
        temporary.unlink(missing_ok=True)
    folder = os.open(place.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


# How long, how often and how much: every bound of the outbox, in one place.


@dataclass(frozen=True)
class Limits:
    """Seconds, unless the name says otherwise.

    A parcel is given up after `tries_max` tries, or when it is older than `age_max_s`. The wait between two tries grows
    from `first_retry_s`, doubling, up to `last_retry_s`. `*_max` bound what a lane holds, in parcels, and what is
    remembered of what was given up.
    """

    poll_s: float = 0.5
    entries_max: int = 200
    attempt_s: float = 30.0
    abandon_s: float = 1.0
    first_retry_s: float = 1.0
    last_retry_s: float = 300.0
    tries_max: int = 30
    age_max_s: float = 4 * 3600.0
    queue_max: int = 200
    quiet_max: int = 200
    given_up_max: int = 100
    flush_s: float = 5.0

    def pause_s(self, tries: int) -> float:
        """How long to wait after so many tries (1 or more) in vain."""
        return min(self.last_retry_s, self.first_retry_s * 2.0 ** min(tries - 1, 30))
