"""The codec of events, samples and summaries: JSON tagged by type, versioned, strict.

Canonical means: one line of UTF-8 JSON in the order of the struct's fields, dictionaries sorted by key.
"""

import hashlib
from collections.abc import Callable, Mapping

import msgspec

from headgate.core.home.facts import AnyHomeEvent
from headgate.core.machine.events import AnyEvent
from headgate.core.model import Sample
from headgate.core.model.summary import Summary
from headgate.ledger import old_plans as old_legs
from headgate.ledger.errors import LedgerCorrupt, LedgerTooNew
from headgate.ledger.old_plans import with_changes
from headgate.ports.errors import UNREADABLE, why

Fields = dict[str, object]
Fact = AnyEvent | AnyHomeEvent
"""What an entry may hold: a fact about a release, or about the home."""

Upcaster = Callable[[Fields], Fields]
"""Takes the fields of an event (with its `type`) as one version had them and gives them as the next one has them."""

UPCASTERS: Mapping[tuple[str, int], Upcaster] = {
    ("ReleaseRequested", 1): lambda event: with_changes(old_legs.requested(event)),
    ("ReleaseDequeued", 1): lambda event: with_changes(old_legs.dequeued(event)),
}
"""How to read old events: `(type, version)` to the step to `version + 1`.

To change an event so that old ones no longer decode: change the struct, add one line here, add a test with the old
bytes. A type's present version is one more than the highest named here (1 when none is).
"""

_encoder = msgspec.json.Encoder(order="deterministic")
_samples = msgspec.json.Decoder(Sample)
_summaries = msgspec.json.Decoder(Summary)


class Codec:
    """Events to bytes and back, with these upcasters."""

    def __init__(self, upcasters: Mapping[tuple[str, int], Upcaster] = UPCASTERS) -> None:
        self._upcasters = upcasters
        self._versions: dict[str, int] = {}
        for name, version in upcasters:
            self._versions[name] = max(self._versions.get(name, 1), version + 1)
        self._events: msgspec.json.Decoder[Fact] = msgspec.json.Decoder(Fact)

    def encode(self, event: Fact) -> tuple[int, bytes]:
        """The version of the event's type and its canonical bytes.

        Raises ValueError when they would not read back as the same event: JSON has no infinity and no NaN, and a
        fact that cannot be read again must not be acknowledged.
        """
        body = _encoder.encode(event)
        try:
            same = self._events.decode(body) == event
        except msgspec.ValidationError as error:
            raise ValueError(f"{type(event).__name__} cannot be written to the ledger: {error}") from error
        if not same:
            raise ValueError(
                f"{type(event).__name__} would not be read back from the ledger as it is: {event!r}"
            )
        return self._versions.get(type(event).__name__, 1), body

    def decode(self, version: int, body: bytes) -> Fact:
        """The event in these bytes, brought up to date if it is old. Raises LedgerCorrupt or LedgerTooNew."""
        try:
            if version == 1 and not self._versions:
                return self._events.decode(body)
            return self._upcast(version, body)
        except UNREADABLE as error:
            raise LedgerCorrupt(f"an event cannot be read ({why(error)}): {body[:200]!r}") from error

    def _upcast(self, version: int, body: bytes) -> Fact:
        name = _Tag.decode(body).type
        if version >= self._versions.get(name, 1):
            if version > self._versions.get(name, 1):
                raise LedgerTooNew(
                    f"an event {name} of version {version} was written by a newer Headgate (this one knows "
                    f"{self._versions.get(name, 1)}): use that one to read it"
                )
            return self._events.decode(body)
        fields = msgspec.json.decode(body, type=Fields)
        while (upcaster := self._upcasters.get((name, version))) is not None:
            fields = upcaster(fields)
            version += 1
        # pyright and mypy take a union for a type here only by way of `Any`.
        event: Fact = msgspec.convert(fields, type=Fact)
        return event


class _Tagged(msgspec.Struct):
    type: str


_Tag = msgspec.json.Decoder(_Tagged)

CODEC = Codec()
"""What Headgate itself reads and writes with."""


def encode_sample(sample: Sample) -> bytes:
    """The canonical bytes of a sample. Raises ValueError when they would not read back as the same sample."""
    body = _encoder.encode(sample)
    try:
        same = _samples.decode(body) == sample
    except msgspec.ValidationError as error:
        raise ValueError(f"a sample of {sample.unit} cannot be written to the ledger: {error}") from error
    if not same:
        raise ValueError(
            f"a sample of {sample.unit} would not be read back from the ledger as it is: {sample!r}"
        )
    return body


def digest_of(body: bytes) -> str:
    """SHA-256 in hex."""
    return hashlib.sha256(body).hexdigest()


def sample_digest(sample: Sample) -> str:
    """What an event that was decided on `sample` names it by: the SHA-256, in hex, of its canonical bytes."""
    return digest_of(encode_sample(sample))


def decode_sample(digest: str, body: bytes) -> Sample:
    """The sample in these bytes. Raises LedgerCorrupt when they are not what `digest` stands for."""
    if digest_of(body) != digest:
        raise LedgerCorrupt(
            f"sample {digest} was changed after it was written: its content has {digest_of(body)}"
        )
    try:
        return _samples.decode(body)
    except UNREADABLE as error:
        raise LedgerCorrupt(f"sample {digest} cannot be read: {why(error)}") from error


def encode_summary(summary: Summary) -> bytes:
    """The bytes of a summary."""
    return _encoder.encode(summary)


def decode_summary(body: bytes) -> Summary:
    """The summary in these bytes. Raises LedgerCorrupt."""
    try:
        return _summaries.decode(body)
    except UNREADABLE as error:
        raise LedgerCorrupt(f"a summary cannot be read ({why(error)}): {body[:200]!r}") from error
