"""Who steers, as everybody else sees them: the API and the commands speak to this, not to the engine room."""

from typing import Protocol

import msgspec

from headgate.core.events import AnyEvent, ReleaseRequested
from headgate.core.model import Unit
from headgate.core.state import State
from headgate.core.submission import Submission


class UnknownRelease(LookupError):  # noqa: N818 - reads as a fact: the release is unknown
    """There is no open release of this name. The message names those there are."""


class Stopped(Exception):  # noqa: N818 - a fact about the controller
    """The release is not run here (any more): it has ended, we shut down, or another one took over."""


class Unretirable(Exception):  # noqa: N818 - a fact about the unit
    """The unit cannot be retired now; the message says why, and what to do."""


class Retired(msgspec.Struct, frozen=True):
    """How far a retirement has come: `done`, or what stands in its way; it is tried again until it is done."""

    unit: Unit
    done: bool
    trouble: str = ""


class Controller(Protocol):
    """The controller of one home."""

    async def submit(self, wish: Submission) -> str:
        """Begin a release, or queue it, or refuse it: in each case it is on record. Returns its name.

        Raises Stopped when this controller may not act, LedgerError when the ledger cannot be read.
        """
        ...

    async def tell(self, release: str, event: AnyEvent) -> State:
        """Hand a person's word to a release. Raises UnknownRelease, machine.Illegal, Stopped."""
        ...

    async def retire(self, unit: Unit, by: str, reason: str) -> Retired:
        """Take a unit away that is no longer wanted: its listeners, its routes, its processes. Recorded first.

        Saying it again is how one asks how far it has come. Raises Unretirable, Stopped, LedgerError.
        """
        ...

    def request(self, release: str) -> ReleaseRequested | None:
        """What was asked for in an open release; None when it is not open."""
        ...

    def phase(self, release: str) -> str:
        """Where a release is, in a word or two; `closed` when it is not open."""
        ...

    def health(self) -> dict[str, object]:
        """`open`: the names of the open releases; `trouble`: what stands in their way here, by release."""
        ...
