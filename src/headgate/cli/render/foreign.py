"""Foreign text for a terminal: what others wrote moves no cursor, hides nothing and turns nothing round.

All that the CLI prints goes through `screen`, and so through here; a style is put around a text after that.
"""

import re

_CONTROLS = "\x00-\x08\x0b-\x1f\x7f-\x9f"
_INVISIBLE = "\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\U000e0000-\U000e007f"
_FOREIGN = re.compile(f"[{_CONTROLS}{_INVISIBLE}]")
_PICTURES = 0x2400
_DELETE = "\x7f"


def visible(text: str) -> str:
    """`text` with every control character as its picture (ESC is `␛`), and what is not seen as `\ufffd`.

    Line ends and tabs stay. Bidirectional controls are among what is not seen (Unicode TR 36, section 3).
    """
    return _FOREIGN.sub(_picture, text)


def escaped(document: str) -> str:
    """A JSON document with the same characters as escapes, which mean the same: what reads it gets what was written."""
    return _FOREIGN.sub(lambda found: "".join(f"\\u{unit:04x}" for unit in _units(found[0])), document)


def _picture(found: re.Match[str]) -> str:
    code = ord(found[0])
    if code < ord(" "):
        return chr(_PICTURES + code)
    return "␡" if found[0] == _DELETE else "\ufffd"


def _units(character: str) -> list[int]:
    """The UTF-16 code units of a character."""
    encoded = character.encode("utf-16-be")
    return [int.from_bytes(encoded[at : at + 2], "big") for at in range(0, len(encoded), 2)]
