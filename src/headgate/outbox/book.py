"""The outbox's memory, written as one value: its place in the ledger, and what is still to be said."""

from pathlib import Path
from typing import Any

import msgspec

from headgate.core.model import QuietHours, Reach
from headgate.core.story.notices import Notice
from headgate.ports.errors import UNREADABLE, why
from headgate.ports.marker import Mark
from headgate.ports.notifier import Message

VERSION = 1
FILE = "outbox.json"
"""Its name in a home."""

BYTES_MAX = 64 * 1024 * 1024
"""Far above what full lanes hold; a file of more is not ours."""


RECENT_S = 24 * 3600.0
"""What was given up is trouble for so long; after that it is only on record."""


class Parcel(msgspec.Struct):
    """One message or mark on its way. `key` is its identity, `since` when it could first be brought.

    `tries` were in vain so far, the last for `trouble`; the next is due at `due_at` (seconds since the epoch).
    """

    key: str
    release: str
    since: float
    message: Message | None = None
    mark: Mark | None = None
    tries: int = 0
    due_at: float = 0.0
    trouble: str = ""

    @property
    def title(self) -> str:
        """What it is, in a line."""
        if self.message is not None:
            return self.message.title
        return f"{self.release}: mark {self.mark.moment}" if self.mark is not None else self.key


class Lane(msgspec.Struct):
    """The way to one channel or marker of an environment: first in, first out.

    `group` is the kind of plugin (`notifiers`, `markers`), `kind` its name, `settings` what is declared of it and
    `reach` by which door, as the newest release in the environment has it. `waiting` are the notices that quiet hours
    keep back, and `missed` how many more were too many to keep.
    """

    group: str
    name: str
    kind: str
    settings: dict[str, Any] = {}
    quiet: QuietHours | None = None
    queue: list[Parcel] = []
    waiting: list[Parcel] = []
    missed: int = 0
    reach: Reach = "private"


class Release(msgspec.Struct):
    """What is remembered of a release: the thread it has in each lane, and the decisions that were told of."""

    references: dict[str, str] = {}
    told: str = ""
    escalated: str = ""


class GivenUp(msgspec.Struct, frozen=True):
    """What could not be said, and why."""

    at: float
    lane: str
    key: str
    title: str
    tries: int
    why: str


class Book(msgspec.Struct):
    """Everything up to the ledger's entry `cursor`, whose hash is `head` (empty: not known), has been dealt with."""

    version: int = VERSION
    cursor: int = 0
    head: str = ""
    lanes: dict[str, Lane] = {}
    releases: dict[str, Release] = {}
    given_up: list[GivenUp] = []

    def release(self, name: str) -> Release:
        """What is remembered of a release, from now on at least."""
        return self.releases.setdefault(name, Release())


def message_of(notice: Notice, release: str, stamp: str) -> Message:
    """A notice as a message. `stamp` makes its key one of its own among all homes."""
    return Message(
        key=f"{release}/{notice.key}/{stamp}",
        release=release,
        moment=notice.moment,
        severity=notice.severity,
        title=notice.title,
        lines=notice.lines,
        facts=notice.facts,
        at=notice.at,
    )


def encoded(book: Book) -> bytes:
    """The book as it is kept."""
    return msgspec.json.format(msgspec.json.encode(book), indent=1)


def decoded(content: bytes) -> Book:
    """The book in `content`. Raises ValueError when it cannot be read."""
    try:
        book = msgspec.json.decode(content, type=Book)
    except UNREADABLE as error:
        raise ValueError(f"it cannot be read: {why(error)}") from None
    if book.version != VERSION:
        raise ValueError(f"it is of version {book.version}; this Headgate writes {VERSION}")
    return book


def read(file: Path) -> bytes | None:
    """The file's content; None when there is none. Raises OSError."""
    try:
        with file.open("rb") as opened:
            return opened.read(BYTES_MAX)
    except FileNotFoundError:
        return None


def read_book(home: Path) -> Book | None:
    """The book of a home, for who only reads; None when there is none, or when it cannot be read now."""
    try:
        content = read(home / FILE)
        return decoded(content) if content is not None else None
    except (OSError, ValueError):
        return None


def lane_trouble(book: Book, now: float) -> dict[str, str]:
    """What stands in the way of each lane: what it tries again, or what was given up lately."""
    found: dict[str, str] = {}
    for one in book.given_up:
        if now - one.at < RECENT_S:
            count = sum(other.lane == one.lane for other in book.given_up)
            found[one.lane] = f"{count} given up, the last: {one.title} ({one.why})"
    for name, lane in book.lanes.items():
        if lane.queue and lane.queue[0].trouble:
            found[name] = f"{len(lane.queue)} not delivered yet: {lane.queue[0].trouble}"
    return found
