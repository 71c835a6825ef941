"""The ledger as lines of JSON, one entry a line, for other tools and for safe keeping; in bounded memory."""

from collections.abc import Iterator

import msgspec

from headgate.ledger.errors import LedgerCorrupt
from headgate.ledger.verify import Auditable
from headgate.ports.errors import UNREADABLE

_encode = msgspec.json.Encoder().encode


class _Line(msgspec.Struct, omit_defaults=True):
    sequence: int
    release: str
    number: int
    version: int
    hash: str
    event: msgspec.Raw
    sample: msgspec.Raw | None = None


def export(source: Auditable, *, after: int = 0, samples: bool = False) -> Iterator[bytes]:
    """The entries after the one with sequence `after`, each as a line with its newline (NDJSON, UTF-8).

    Raises LedgerCorrupt for one that would be no line of JSON: whoever reads on would take it for another.
    `event` holds the very bytes that `hash` covers. With `samples`, an entry that names a sample carries it as
    `sample`, unless it was compacted.
    """
    for record in source.records(after):
        line = _Line(
            record.sequence,
            record.release,
            record.number,
            record.version,
            record.hash,
            _raw(record.body, record.sequence),
        )
        if samples and record.sample is not None:
            stored = source.stored_samples((record.sample,)).get(record.sample)
            if stored is not None and stored.body is not None:
                line.sample = _raw(stored.body, record.sequence)
        yield _encode(line) + b"\n"


def _raw(body: bytes, sequence: int) -> msgspec.Raw:
    """Bytes that are JSON on one line, to be written as they are."""
    try:
        msgspec.json.decode(body)
    except UNREADABLE as error:
        raise LedgerCorrupt(f"entry {sequence} cannot be exported: it holds no JSON ({error})") from error
    if b"\n" in body:
        raise LedgerCorrupt(f"entry {sequence} cannot be exported: it is not on one line, as it was written")
    return msgspec.Raw(body)
