"""Anchors: heads of the chain, kept where whoever rewrites the ledger cannot rewrite them, too.

A file of anchors is JSON lines, the oldest first. Each may be signed (HMAC-SHA256, RFC 2104) with a key that the file's
keeper knows: then nobody on the way or beside the file can add or change a line. Whoever can read the key on the host
that signs can sign as well: it is what has left the host before that counts against them.
"""

import hashlib
import hmac
from collections.abc import Iterable

import msgspec

from headgate.ledger.chain import GENESIS
from headgate.ledger.verify import Head
from headgate.ports.errors import UNREADABLE, why

LINES_MAX = 1_000_000
LINE_MAX_BYTES = 1000
KEY_MIN_BYTES = 16


class NoAnchor(ValueError):  # noqa: N818 - what was found
    """What was found is no anchor, or not one that its key has signed. The message says which, and why."""


class Anchor(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """The newest entry of the ledger of `home` (its identity) at a time (seconds since the epoch).

    `signature` is over all the rest, in hex; empty: it was not signed.
    """

    home: str
    sequence: int
    hash: str
    at: float
    signature: str = ""

    @property
    def head(self) -> Head:
        """The entry that must be there."""
        return Head(self.sequence, self.hash)

    def signed(self, key: bytes) -> "Anchor":
        """The same, signed. Raises NoAnchor for a key that could be guessed."""
        return msgspec.structs.replace(self, signature=self._signature(key))

    def proven(self, key: bytes) -> bool:
        """Whether the holder of `key` has signed it."""
        return hmac.compare_digest(self.signature, self._signature(key))

    def _signature(self, key: bytes) -> str:
        if len(key) < KEY_MIN_BYTES:
            raise NoAnchor(
                f"a key has at least {KEY_MIN_BYTES} bytes: `openssl rand -hex 32 > FILE` makes one"
            )
        said = msgspec.json.encode(("headgate anchor 1", self.home, self.sequence, self.hash, self.at))
        return hmac.new(key, said, hashlib.sha256).hexdigest()


def line(anchor: Anchor) -> bytes:
    """The anchor as a line of a file."""
    return msgspec.json.encode(anchor) + b"\n"


def read_anchors(lines: Iterable[bytes], key: bytes | None = None, home: str = "") -> list[Anchor]:
    """The anchors in a file. With a `key`, each must be signed by it; with a `home`, each must be of its ledger.

    Raises NoAnchor, which names the line: one that was cut off or changed says nothing, and is not passed over.
    """
    found: list[Anchor] = []
    for number, text in enumerate(lines, 1):
        if number > LINES_MAX or len(text) > LINE_MAX_BYTES:
            raise NoAnchor(f"line {number}: this is no file of anchors: it is too long")
        try:
            anchor = msgspec.json.decode(text, type=Anchor)
        except UNREADABLE as error:
            raise NoAnchor(f"line {number}: this is no anchor: {why(error)}") from None
        if anchor.sequence < 1 or len(anchor.hash) != len(GENESIS):
            raise NoAnchor(f"line {number}: this is no anchor: it names no entry")
        if key is not None and not anchor.proven(key):
            raise NoAnchor(f"line {number}: this key has not signed it, or it was changed since")
        if home and anchor.home != home:
            raise NoAnchor(f"line {number}: it is of another home's ledger ({anchor.home})")
        found.append(anchor)
    if not found:
        raise NoAnchor("there is no anchor in it")
    return found
