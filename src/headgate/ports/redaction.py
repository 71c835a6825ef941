"""Redaction: known secrets are struck out of whatever people will read, in this one place, whoever writes.

Libraries show a value in forms of their own: `repr`, JSON, HTML, a URL, bytes, base64 in the middle of other text,
hex, wrapped lines. So text and secret are both brought to plain forms (`views`), in which they are the same whatever
was made of them, and what is found there is struck where it stands.

What `ports.secrets` reads is known here from then on, in this process (`KNOWN`): errors of ports, logs and the ledger
are cleaned of it. A process that reads secrets cleans what it says to others, which do not know them.
"""

import base64
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from json import dumps
from urllib.parse import quote, quote_plus

from headgate.ports.views import View, in_base64, in_hex, plain, plain_ascii, raw, spaceless

STRUCK = "***"

WHOLE_MAX = 3
"""A secret of no more letters is struck only where it stands alone: else hardly a letter would be left."""

PLAIN_MIN = 6
"""Fewer letters are not looked for in plain forms, nor fewer bytes in base64 or hex: any text has them by chance."""

KNOWN_MAX = 1000
"""So many secrets, and lines of them, are known at once; of more, those read longest ago are forgotten."""

_BESIDE = 3
"""So many letters of base64 on either side of a match may hold bits of the secret, or fill up the group."""

_BASE64 = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_=")

_VIEWS: tuple[Callable[[str], View], ...] = (raw, spaceless, plain, plain_ascii, in_hex, in_base64)
"""Every view of a text. The last one alone does not say to the letter where a secret begins and ends."""

_Place = tuple[int, int, str]
"""Where a secret begins and ends in a text, and its name."""


class Redaction:
    """Replaces secrets, in every form, by their names (`<secret NAME>`), or by STRUCK where they have none."""

    def __init__(self, named: Mapping[str, str] | None = None, unnamed: Iterable[str] = ()) -> None:
        self._known: OrderedDict[str, str] = OrderedDict()
        self._indexes: tuple[_Index, ...] = ()
        for name, value in (named or {}).items():
            self.learn(value, name)
        for value in unnamed:
            self.learn(value)

    def learn(self, value: str, name: str = "") -> None:
        """Know one more secret, and each of its lines; a name that is known already stays."""
        whole = value.strip()
        lines = [line.strip() for line in value.splitlines()]
        for text in filter(None, (whole, *(line for line in lines if len(line) > WHOLE_MAX))):
            known = self._known.get(text)
            if known is None or (name and not known):
                self._known[text] = name
                self._indexes = ()
            self._known.move_to_end(text)
        while len(self._known) > KNOWN_MAX:
            self._known.popitem(last=False)

    def clean(self, text: str) -> str:
        """`text` without any known secret; where one is within another, the longer one goes."""
        if not self._known or not text:
            return text
        self._indexes = self._indexes or tuple(_Index() for _ in _VIEWS)
        if not any(self._indexes):
            for value, name in self._known.items():
                for index, forms in zip(self._indexes, _forms(value), strict=True):
                    for form in forms:
                        index.add(form, name, whole=len(value) <= WHOLE_MAX)
        parts: list[str] = []
        at = 0
        for begin, end, name in _merged(self._found(text)):
            parts += (text[at:begin], f"<secret {name}>" if name else STRUCK)
            at = end
        return "".join((*parts, text[at:]))

    def _found(self, text: str) -> Iterator[_Place]:
        for index, view in zip(self._indexes, _VIEWS, strict=True):
            for begin, end, name in index.found(view(text)):
                if view is in_base64:
                    yield *_widened(text, begin, end), name
                else:
                    yield begin, end, name


class _Index:
    """What is looked for in one view, by its first letters: the same work for one secret and for a thousand."""

    def __init__(self) -> None:
        self._long: dict[str, list[tuple[str, str]]] = {}
        self._short: list[tuple[str, str, bool]] = []

    def __bool__(self) -> bool:
        return bool(self._long or self._short)

    def add(self, form: str, name: str, *, whole: bool) -> None:
        if len(form) < PLAIN_MIN:
            self._short.append((form, name, whole))
        else:
            self._long.setdefault(form[:PLAIN_MIN], []).append((form, name))

    def found(self, view: View) -> Iterator[_Place]:
        text = view.text
        if self._long:
            for at in range(len(text) - PLAIN_MIN + 1):
                for form, name in self._long.get(text[at : at + PLAIN_MIN], ()):
                    if text.startswith(form, at):
                        yield *view.place(at, at + len(form)), name
        for form, name, whole in self._short:
            at = text.find(form)
            while at >= 0:
                beyond = at + len(form)
                if not whole or not (_in_word(text, at - 1) or _in_word(text, beyond)):
                    yield *view.place(at, beyond), name
                at = text.find(form, at + 1)


def _forms(value: str) -> Iterator[tuple[str, ...]]:
    """What of a secret is looked for in each of _VIEWS."""
    encoded = value.encode("utf-8", "surrogatepass")
    yield tuple({value, *_written(value, encoded)})
    for view in (spaceless, plain, plain_ascii):
        seen = view(value).text
        yield (seen,) if len(seen) >= PLAIN_MIN else ()
    enough = len(encoded) >= PLAIN_MIN
    yield (encoded.hex(),) if enough else ()
    yield tuple(_core(encoded, offset) for offset in range(3)) if enough else ()


def _written(value: str, encoded: bytes) -> Iterator[str]:
    """For those that are too short for plain forms, and as those write it who take UTF-8 for Latin-1."""
    yield from (repr(value)[1:-1], dumps(value)[1:-1], quote_plus(encoded), quote(encoded))
    yield encoded.decode("latin-1")


def _core(value: bytes, offset: int) -> str:
    """In base64 (RFC 4648) where `offset` other bytes stand before it in its group of three.

    Letters that hold bits of what stands beside it are left out.
    """
    encoded = base64.b64encode(b"\0" * offset + value).decode()
    return encoded[-(-8 * offset // 6) : 8 * (offset + len(value)) // 6]


def _in_word(text: str, at: int) -> bool:
    return 0 <= at < len(text) and (text[at].isalnum() or text[at] == "_")


def _widened(text: str, begin: int, end: int) -> tuple[int, int]:
    """A match in base64, with the letters beside it that hold the rest of its bits."""
    for _ in range(_BESIDE):
        begin -= begin > 0 and text[begin - 1] in _BASE64
        end += end < len(text) and text[end] in _BASE64
    return begin, end


def _merged(found: Iterable[tuple[int, int, str]]) -> Iterator[tuple[int, int, str]]:
    """In order, without overlaps, each by the name of the longest that is in it."""
    begin, end, name, longest = 0, 0, "", 0
    for first, last, called in sorted(found, key=lambda one: (one[0], -one[1])):
        if first >= end:
            if longest:
                yield begin, end, name
            begin, end, name, longest = first, last, called, last - first
            continue
        if last - first > longest or not name:
            name, longest = called or name, max(longest, last - first)
        end = max(end, last)
    if longest:
        yield begin, end, name


KNOWN = Redaction()
"""What was read in this process."""
