"""Text that others choose (names, reasons, labels, addresses, claims), made fit for the record before it is on it.

Whoever reads the ledger must see what is there: letters that move the cursor, hide others or turn the direction are not
letters of a name. Each is marked by MARK where it stood, and what is too long is cut and ends in CUT. Whatever enters
the ledger by a person, a token, an issuer or a hook passes here: see `HomeBook.note`, `Supervisor`, `Who`.
"""

import unicodedata
from typing import TypeVar, cast

import msgspec

T = TypeVar("T")

MARK = "\ufffd"
CUT = "\u2026"
NAME_MAX, TEXT_MAX = 200, 2000

_NAMES = frozenset({"author", "by", "label", "person", "name", "subject", "who", "fallback"})
_TEXTS = frozenset({"reason", "retry", "break_glass", "pause"})
_NO_LETTERS = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
JOINERS = "\u200c\u200d"
"""Words of some languages, and some pictures, are written with these."""


def clean_name(text: str, most: int = NAME_MAX) -> str:
    """A name on one line."""
    return _cut("".join(MARK if unseen(one) else one for one in text[: 2 * most]), most)


def clean_text(text: str, most: int = TEXT_MAX) -> str:
    """What somebody says, on as many lines as they like."""
    kept = f"\n\t{JOINERS}"
    lines = text[: 2 * most].replace("\r\n", "\n")
    return _cut("".join(one if one in kept or not unseen(one) else MARK for one in lines), most)


def unseen(letter: str) -> bool:
    """Whether it is seen by nobody, or changes how the rest is read: controls, formats, what is not assigned."""
    return unicodedata.category(letter) in _NO_LETTERS


def cleaned(value: T) -> T:
    """A wish or a person's word, with every name and reason in it cleaned, however deep."""
    return _cleaned(value, "", everything=False)


def clean_note(value: T) -> T:
    """A fact about the home, with every text in it cleaned."""
    return _cleaned(value, "", everything=True)


def _cleaned(value: T, field: str, *, everything: bool) -> T:
    # msgspec's structs and their fields have no types that a checker could follow from here.
    made: object = value
    if isinstance(value, str):
        if field in _NAMES:
            made = clean_name(value)
        elif field in _TEXTS or everything:
            made = clean_text(value)
    elif isinstance(value, msgspec.Struct):
        parts = {name: getattr(value, name) for name in value.__struct_fields__}
        new = {name: _cleaned(one, name, everything=everything) for name, one in parts.items()}
        changed = {name: one for name, one in new.items() if one is not parts[name]}
        made = msgspec.structs.replace(value, **changed) if changed else value
    elif isinstance(value, tuple):
        items = cast("tuple[object, ...]", value)
        done = tuple(_cleaned(one, field, everything=everything) for one in items)
        made = done if any(one is not other for one, other in zip(done, items, strict=True)) else items
    return value if made == value else made  # type: ignore[return-value]


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}{CUT}"
