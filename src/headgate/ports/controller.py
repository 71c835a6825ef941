"""The controller, as the API and the commands see it.

The API lives in another process than the controller, so every question may take a while, and may stay without answer.
"""

from typing import Protocol

import msgspec

from headgate.core.machine.events import Request
from headgate.core.model import Unit
from headgate.core.release.submission import Submission


class UnknownRelease(LookupError):  # noqa: N818 - reads as a fact: the release is unknown
    """There is no open release of this name. The message names those there are."""


class Stopped(Exception):  # noqa: N818 - a fact about the controller
    """The release is not run here (any more): it has ended, we shut down, or another one took over."""


class NotNow(Stopped):
    """Nothing may begin just now, and nothing was changed; the message says why, and what to do."""


class Heard(msgspec.Struct, frozen=True):
    """A person's word has taken effect: `phase` is where the release is then, `closed` when it has ended.

    `note` says what has been done and what has not been, where the ledger cannot be written yet.
    """

    phase: str
    note: str = ""


class Unretirable(Exception):  # noqa: N818 - a fact about the unit
    """The unit cannot be retired now; the message says why, and what to do."""


class Retired(msgspec.Struct, frozen=True):
    """How far a retirement has come: `done`, or what stands in its way; it is tried again until it is done."""

    unit: Unit
    done: bool
    trouble: str = ""


class Health(msgspec.Struct, frozen=True):
    """The controller: its process and version, its open releases, what stands in their way, its dashboard's `url`."""

    open: tuple[str, ...] = ()
    trouble: dict[str, str] = {}
    pid: int = 0
    version: str = ""
    url: str = ""


APPEND_LE_S = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1.0, 5.0)
"""The bounds by which appends to the ledger are counted, in seconds."""


class Vitals(msgspec.Struct, frozen=True):
    """The controller's own numbers, since its process began.

    `troubles` stand in its way now; `append_counts` are appends that took at most so long (APPEND_LE_S, and any time),
    `append_sum_s` all of them together; `lag_max_s` is the longest that its event loop stood still, `stalls` how often
    it did so for longer than a healthy one does.
    """

    troubles: int = 0
    append_counts: tuple[int, ...] = (0,) * (len(APPEND_LE_S) + 1)
    append_sum_s: float = 0.0
    lag_max_s: float = 0.0
    stalls: int = 0


class Controller(Protocol):
    """The controller of one home."""

    async def submit(self, wish: Submission) -> str:
        """Begin a release, or queue it, or refuse it: in each case it is on record. Returns its name.

        Raises Stopped when this controller may not act, LedgerError when the ledger cannot be read.
        """
        ...

    async def tell(self, release: str, event: Request) -> Heard:
        """Hand a person's word to a release; returns what that led to.

        Raises UnknownRelease, machine.Illegal, Stopped.
        """
        ...

    async def retire(self, unit: Unit, by: str, reason: str) -> Retired:
        """Take a unit away that is no longer wanted: its listeners, its routes, its processes. Recorded first.

        Saying it again is how one asks how far it has come. Raises Unretirable, Stopped, LedgerError.
        """
        ...

    async def health(self) -> Health:
        """How it is. Raises Stopped when it does not say."""
        ...

    async def vitals(self) -> Vitals:
        """Its numbers. Raises Stopped when it does not say."""
        ...
