"""What decoding raises for bytes that are not what they should be: more than a library's own errors say."""

from typing import Any

import msgspec

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
