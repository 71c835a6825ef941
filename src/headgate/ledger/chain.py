"""The hash chain: each entry's hash covers its place, its bytes and the hash of the entry before it."""

import hashlib

import msgspec

GENESIS = "0" * 64
"""The hash before the first entry."""

_encode = msgspec.json.Encoder().encode


class Record(msgspec.Struct, frozen=True):
    """An entry as it is stored. `version` is that of the event's type, `body` its canonical bytes (see codec).

    `sample` repeats the digest that the event names (None: it names none), so that samples are found without decoding.
    """

    sequence: int
    release: str
    number: int
    version: int
    body: bytes
    sample: str | None
    hash: str


def link(previous: str, sequence: int, release: str, number: int, version: int, body: bytes) -> str:
    """SHA-256, in hex, of the JSON array of the first five, a newline, and `body`.

    JSON escapes newlines, so no two different entries have the same bytes here.
    """
    return hashlib.sha256(_encode((previous, sequence, release, number, version)) + b"\n" + body).hexdigest()
