"""Plain forms of a text, for finding a secret however the text was encoded, and where each letter came from.

A view is made of any text by the same rules, so that a value and what a library wrote of it have the same one:
unescaped (as often as it was escaped: URL, backslashes, HTML), without space, `+` and backslashes that are left.
"""

import html
import re
from collections.abc import Callable
from dataclasses import dataclass

_UNESCAPED_MAX = 4
"""So many times one escape may stand within another."""

_ESCAPE = re.compile(
    r"""(?:%[0-9A-Fa-f]{2})+
    | (?:\\+x[0-9A-Fa-f]{2})+
    | (?:\\+u[0-9A-Fa-f]{4})+
    | \\+U[0-9A-Fa-f]{8}
    | \\+u\{[0-9A-Fa-f]{1,6}\}
    | \\+[0-7]{3}
    | \\+[nrtbfva0]
    | &(?:\#[0-9]{1,7}|\#[xX][0-9A-Fa-f]{1,6}|[A-Za-z]{2,8});
    | '"'"'
    | =\r?\n""",
    re.VERBOSE,
)
_SPACE = re.compile(r"\s+")
_DROPPED = re.compile(r"[\s\\+]+")
_NOT_ASCII = re.compile(r"[^\x21-\x7e]+|\?+")
_URLSAFE = str.maketrans("-_", "+/")
_SPACED = re.compile(r"[\s\\]+")
_BETWEEN = re.compile(r"[\s:\\-]+|0x|(?<=[0-9a-f]{2}), ?")
_SHORT = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", "v": "\v", "a": "\a", "0": "\0"}


@dataclass(frozen=True)
class View:
    """`text`, and for each of its letters where it begins and ends in what it is a view of; None: where it stands."""

    text: str
    begins: list[int] | None = None
    ends: list[int] | None = None

    def place(self, begin: int, end: int) -> tuple[int, int]:
        """Where this part of the view came from."""
        if self.begins is None or self.ends is None:
            return begin, end
        return self.begins[begin], self.ends[end - 1]

    def replaced(self, pattern: re.Pattern[str], by: Callable[[str], str]) -> "View":
        """The view in which what matches is something else."""
        text = self.text
        found = list(pattern.finditer(text))
        if not found:
            return self
        begins = self.begins if self.begins is not None else list(range(len(text)))
        ends = self.ends if self.ends is not None else list(range(1, len(text) + 1))
        parts: list[str] = []
        new_begins: list[int] = []
        new_ends: list[int] = []
        at = 0
        for one in found:
            first, last = one.span()
            new = by(one[0])
            parts += (text[at:first], new)
            new_begins += begins[at:first]
            new_ends += ends[at:first]
            new_begins += [begins[first]] * len(new)
            new_ends += [ends[last - 1]] * len(new)
            at = last
        return View("".join((*parts, text[at:])), new_begins + begins[at:], new_ends + ends[at:])


def raw(text: str) -> View:
    """As it is."""
    return View(text)


def spaceless(text: str) -> View:
    """As it is, without space: whatever lines it was wrapped to."""
    return View(text).replaced(_SPACE, _nothing)


def plain(text: str) -> View:
    """Unescaped, without space, `+` and backslashes."""
    return _unescaped(text).replaced(_DROPPED, _nothing)


def plain_ascii(text: str) -> View:
    """The same, without what is not ASCII, and without the `?` that stands for it where it could not be written."""
    return plain(text).replaced(_NOT_ASCII, _nothing)


def in_base64(text: str) -> View:
    """As one would read base64 from it, in either alphabet, wrapped or in a URL."""
    seen = _unescaped(text).replaced(_SPACED, _nothing)
    return View(seen.text.translate(_URLSAFE), seen.begins, seen.ends)


def in_hex(text: str) -> View:
    """As one would read hex from it, with whatever stands between the bytes."""
    return View(text.lower() if text.isascii() else _lower(text)).replaced(_BETWEEN, _nothing)


def _lower(text: str) -> str:
    """Letter by letter: some letters that are no hex become two."""
    return "".join(letter.lower() if letter.isascii() else letter for letter in text)


def _unescaped(text: str) -> View:
    view = View(text)
    for _ in range(_UNESCAPED_MAX):
        before, view = view, view.replaced(_ESCAPE, _meant)
        if view.text == before.text:
            break
    return view


def _nothing(_: str) -> str:
    return ""


def _meant(escape: str) -> str:
    """What an escape stands for."""
    bare = escape.lstrip("\\")
    if escape[0] == "%":
        return _decoded(bytes.fromhex(escape.replace("%", "")))
    if escape[0] == "&":
        return html.unescape(escape)
    if escape[0] == "'":
        return "'"
    if escape[0] == "=":
        return ""
    if bare[0] == "x":
        return _decoded(bytes.fromhex(re.sub(r"\\+x", "", escape)))
    if bare[0] in "uU":
        return _numbered(escape)
    return _SHORT[bare] if len(bare) == 1 else chr(int(bare, 8))


def _numbered(escape: str) -> str:
    digits = re.sub(r"\\+[uU]|[{}]", "", escape)
    if "{" in escape or escape.lstrip("\\")[0] == "U":
        number = int(digits, 16)
        return chr(number) if number <= 0x10FFFF else "\ufffd"  # noqa: PLR2004 - the last of Unicode
    return bytes.fromhex(digits).decode("utf-16-be", "replace")


def _decoded(found: bytes) -> str:
    """Bytes are UTF-8; what is none are letters of Latin-1, as `repr` writes them."""
    try:
        return found.decode()
    except UnicodeDecodeError:
        return found.decode("latin-1")
