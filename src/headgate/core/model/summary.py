"""One release in one row: what `status` and `history` show, kept beside the ledger and derived from it alone."""

from typing import Literal

import msgspec

from headgate.core.model import HOST, Listener, Unit, Version

Outcome = Literal["promoted", "rolled_back", "refused", "aborted"]
"""How a release ended. A release that is held has no outcome yet."""


class Placebo(msgspec.Struct, frozen=True):
    """The most evidence that one half of stable's instances had against the other; `needed` makes a verdict `fail`."""

    evidence: float
    needed: float


class Barred(msgspec.Struct, frozen=True):
    """Since `at` (seconds since the epoch) no version older than `oldest` may run, for `reason`."""

    at: float
    reason: str
    oldest: Version


class Move(msgspec.Struct, frozen=True):
    """One leg in a summary: where a unit came from, where it goes, and the canary's weight now (percent).

    `listener` is where `after` is reached once it is promoted, `instances` how many of it there are then (0: written
    by a Headgate that did not say). `placebo` None: stable was not compared with itself. `barred`: what has become
    impossible with it, oldest first; `takes_over` as in a `Leg`. `platform` is where both run.
    """

    unit: Unit
    before: Version | None
    after: Version
    weight: int = 0
    label: str = ""
    listener: Listener | None = None
    placebo: Placebo | None = None
    instances: int = 0
    barred: tuple[Barred, ...] = ()
    takes_over: str = ""
    platform: str = HOST

    @property
    def adjusts(self) -> bool:
        """True when the version stayed, and only what is around it became another: its size, its listener."""
        return self.before == self.after


class Summary(msgspec.Struct, frozen=True):
    """The state of a release after the event numbered `sequence`.

    `phase` is a view in one word (`checking`, `baking`, `paused`, `held`, `rolling back`, ...). `closed` is true when
    nothing more will happen (outcome reached and the old versions retired). `warm` are versions still running for a
    rollback.
    """

    release: str
    sequence: int
    project: str
    environment: str
    moves: tuple[Move, ...]
    author: str
    requested_at: float
    changed_at: float
    phase: str
    outcome: Outcome | None = None
    reason: str = ""
    ended_at: float | None = None
    closed: bool = False
    warm: tuple[Version, ...] = ()
