"""Records of a retreat: traffic that was taken back to stable while no controller answered, without the ledger.

Whoever retreats writes it down in `run/retreated.json` of the home; the controller that comes back reads it, ends these
releases properly, and clears it.
"""

from collections.abc import Collection
from pathlib import Path

import msgspec

from headgate.core.machine.events import EffectId
from headgate.core.model import Routing, Unit
from headgate.homes import run_of
from headgate.ports.notes import read_notes, write_notes

NAME = "retreated.json"


class Retreated(msgspec.Struct, frozen=True):
    """The traffic of `unit` was taken from the canary of `release`, at `at` (seconds since the epoch), for `reason`.

    `effect` is what it was applied as: newer than what the release had applied, older than any it issues from its next
    event on. `before` is what was in force until then, `after` what is now.
    """

    unit: Unit
    release: str
    at: float
    reason: str
    effect: EffectId
    before: Routing
    after: Routing


class HomeRetreats:
    """The retreats of `home`, for whoever deals with them."""

    def __init__(self, home: Path) -> None:
        self._home = home

    def read(self) -> tuple[Retreated, ...]:
        """See read_retreats."""
        return read_retreats(self._home)

    def clear(self, releases: Collection[str]) -> None:
        """See clear_retreats."""
        clear_retreats(self._home, releases)


def read_retreats(home: Path) -> tuple[Retreated, ...]:
    """Every retreat that no controller has dealt with, oldest first; nothing where that cannot be read."""
    return read_notes(run_of(home) / NAME, Retreated)


def note_retreats(home: Path, retreats: Collection[Retreated]) -> None:
    """Write down these, too, each once. Raises OSError."""
    known = read_retreats(home)
    noted = {(one.unit, one.effect) for one in known}
    new = [one for one in retreats if (one.unit, one.effect) not in noted]
    if new:
        _write(home, (*known, *new))


def clear_retreats(home: Path, releases: Collection[str]) -> None:
    """Forget those of `releases`: a controller has dealt with them. Raises OSError."""
    found = read_retreats(home)
    left = tuple(one for one in found if one.release not in releases)
    if left != found:
        _write(home, left)


def _write(home: Path, retreats: tuple[Retreated, ...]) -> None:
    write_notes(run_of(home) / NAME, retreats, durable=True)
