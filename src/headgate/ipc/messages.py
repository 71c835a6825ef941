"""Messages between the processes of a home: what is asked and answered."""

from typing import Literal, TypeVar

import msgspec

from headgate.core.machine.events import Request
from headgate.core.model import Arm, Source, Unit, Version
from headgate.core.release.submission import Submission
from headgate.ports.controller import Health, Heard, Retired, Vitals
from headgate.ports.errors import UNREADABLE, why


class Submit(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag=True):
    """Begin a release; answered by Begun."""

    wish: Submission


class Tell(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag=True):
    """Hand a person's word to a release; answered by Told."""

    release: str
    event: Request


class Retire(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag=True):
    """Take a unit away; answered by Gone."""

    unit: Unit
    by: str
    reason: str


class HowAreYou(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag=True):
    """Answered by Health."""


class Measure(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag=True):
    """The controller's own numbers; answered by Vitals."""


class Report(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag=True):
    """How whoever is beside the controller is: what it has trouble with, by name, and where the door is."""

    trouble: dict[str, str] = {}
    url: str = ""


class Read(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag=True):
    """Read a version's counters from a source; None: from the service itself. Answered by Counted.

    `platform` is where the version runs.
    """

    source: Source | None
    version: Version
    platform: str


Kind = Literal[
    "unknown",
    "ended",
    "illegal",
    "unretirable",
    "not now",
    "stopped",
    "ledger",
    "temporary",
    "permanent",
    "malformed",
    "broken",
]


class Refused(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag=True):
    """It was not done. `kind` is which exception it was there, `why` its message."""

    kind: Kind
    why: str


class Begun(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag=True):
    """The release is on record under this name."""

    release: str


class Told(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag=True):
    """The word has taken effect."""

    release: str
    heard: Heard


class Gone(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag=True):
    """How far the retirement has come."""

    retired: Retired


class Healthy(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag=True):
    """How the controller is."""

    health: Health


class Measured(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag=True):
    """The controller's numbers."""

    vitals: Vitals


class Counted(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag=True):
    """The counters of a version."""

    arm: Arm


class Noted(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag=True):
    """Heard."""


Ask = Submit | Tell | Retire | HowAreYou | Measure | Report | Read
Answer = Begun | Told | Gone | Healthy | Measured | Report | Counted | Noted | Refused


class Question(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An ask with its number, by which the answer is known."""

    number: int
    ask: Ask


class Reply(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The answer to the question of this number."""

    number: int
    answer: Answer


T = TypeVar("T")

_encoder = msgspec.json.Encoder()
_questions, _replies = msgspec.json.Decoder(Question), msgspec.json.Decoder(Reply)


def written(message: Question | Reply) -> bytes:
    """The message as it is sent."""
    return _encoder.encode(message)


def question(content: bytes) -> Question:
    """The question in a frame. Raises ValueError for anything else."""
    return _decoded(_questions, content)


def reply(content: bytes) -> Reply:
    """The reply in a frame. Raises ValueError for anything else."""
    return _decoded(_replies, content)


def _decoded(decoder: msgspec.json.Decoder[T], content: bytes) -> T:
    try:
        return decoder.decode(content)
    except UNREADABLE as error:
        message = f"a message that is none: {why(error)}"
        raise ValueError(message) from error
