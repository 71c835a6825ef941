"""A guard: something is looked at all the time, mended where it is not well, and reported where it cannot be mended.

The keeper looks; what is wrong then stands in `run/trouble.json` of the home, for whoever asks how things are.
"""

from pathlib import Path
from typing import Protocol

import msgspec

from headgate.homes import run_of
from headgate.ports.notes import read_notes, write_notes

NAME = "trouble.json"


class Trouble(msgspec.Struct, frozen=True):
    """Something that is not as it should be: `about` what, `what` it is, and what is being `done`; sentences.

    `since` is in seconds since the epoch, 0 where whoever says it has only just looked.
    """

    about: str
    what: str
    done: str = ""
    since: float = 0.0

    def __str__(self) -> str:
        """All of it, as a line of a log."""
        return f"{self.about}: {self.what}" + (f"; {self.done}" if self.done else "")


class Guard(Protocol):
    """Looks after one thing."""

    async def look(self) -> tuple[Trouble, ...]:
        """Look, mend what can be mended without waiting long; returns what is still wrong. Raises PortError."""
        ...


def read_troubles(home: Path) -> tuple[Trouble, ...]:
    """What was wrong when the keeper last looked; nothing where that cannot be read."""
    return read_notes(run_of(home) / NAME, Trouble)


def write_troubles(home: Path, troubles: tuple[Trouble, ...]) -> None:
    """Have the file say this, at once or not at all; none: it is removed. Raises OSError."""
    write_notes(run_of(home) / NAME, troubles)
