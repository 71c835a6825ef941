"""How a port fails: with a sentence for people, and as a type that says whether trying again can help."""

from typing import Any

import msgspec

from headgate.ports.redaction import KNOWN


class PortError(Exception):
    """What a port raises. The message says what was tried, what was seen, and what to do; it holds no secret.

    What a library says of its trouble may hold one that was read here, in some form: it is struck out of every message.
    """

    def __init__(self, message: str = "") -> None:
        super().__init__(KNOWN.clean(message))


class Temporary(PortError):  # noqa: N818 - the two kinds read as adjectives: `except Temporary`
    """Trying again may help; whoever called retries, within bounds."""


class Permanent(PortError):  # noqa: N818 - see Temporary
    """Trying again cannot help until a person changes something."""


class NotApplied(Permanent):
    """Nothing was changed, and that is known: it was refused before anything was asked of the world."""


# What decoding raises for bytes that are not what they should be: more than a library's own errors say.

UNREADABLE = (ValueError, RecursionError)
"""To be caught wherever foreign bytes are decoded: `except UNREADABLE as error`.

msgspec's own errors are not all: text that is not UTF-8 raises UnicodeDecodeError, and what is nested too deeply
RecursionError, even in a part that nobody asked for. The same holds for json, tomllib and others: a number of more than
4300 digits is a plain ValueError there. MsgspecError and UnicodeError are ValueErrors.
"""

_MARK = b"\xef\xbb\xbf"


def json_of(body: bytes) -> Any:  # noqa: ANN401 - JSON
    """The JSON in `body`. Raises UNREADABLE.

    In place of json.loads, which takes half a surrogate for text, and NaN for a number: neither can be written down
    again, in the ledger or anywhere.
    """
    return msgspec.json.decode(body.removeprefix(_MARK))


def why(error: Exception) -> str:
    """What is wrong with the bytes, for people."""
    return "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
