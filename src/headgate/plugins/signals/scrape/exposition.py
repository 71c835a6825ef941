"""The lines of a metrics endpoint, in Prometheus' text format or OpenMetrics. Pure.

Whoever serves such a page may be broken or hostile, so it is read by grammar: every pattern below is one class of
characters or takes no step back (`*+`), each line is looked at once, and a page is bounded in bytes, lines and labels.
A line that is none is left out and counted: one odd line must not make the rest unknown. prometheus_client's parsers
take 100 times as long for the few names that are asked about, and by the square for a long line (decision 31).

Sources: Prometheus documentation, "Exposition formats"; OpenMetrics 1.0, section "Text format"; Prometheus 3, "UTF-8
in metric and label names" (`{"a.name", label="x"} 1`).
"""

import math
import re
from collections.abc import Collection, Iterable, Iterator, Sequence

import msgspec

PAGE_MAX_BYTES = 8 * 1024 * 1024
LINES_MAX = 200_000
LINE_MAX_CHARACTERS = 16_384
LABELS_MAX = 128
LOOKED_AT = 100
"""So many lines are read whatever they hold: a page of something else is known by them."""

_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*+")
_QUOTED = re.compile(r'"([^"\\]*+(?:\\.[^"\\]*+)*+)"')
_SPACE = re.compile(r"[ \t]*+")
_ESCAPE = re.compile(r"\\.")
_ESCAPED = re.compile(rb"[\\\"\n]")
_ESCAPES = {r"\\": "\\", r"\"": '"', r"\n": "\n"}
_MARK = "\ufeff"


class Series(msgspec.Struct, frozen=True):
    """One line: a metric with its labels, and its value."""

    name: str
    labels: dict[str, str]
    value: float


class Page(msgspec.Struct, frozen=True):
    """What a page says of the metrics asked about. `skipped` lines are none; `odd` says which is the first."""

    series: tuple[Series, ...]
    skipped: int = 0
    odd: str = ""


class Selector(msgspec.Struct, frozen=True):
    """Which series are meant: those with this name that have (at least) these labels with these values."""

    name: str
    labels: dict[str, str] = {}

    def matches(self, series: Series) -> bool:
        """True when `series` is meant."""
        return series.name == self.name and self.labels.items() <= series.labels.items()


def selector(text: str) -> Selector:
    """A selector from `orders_total` or `orders_total{result="completed"}`. Raises ValueError."""
    whole = text.strip()
    found = _metric(whole)
    if found is None or found[2] != len(whole):
        message = f'{text!r} names no metric: expected `name` or `name{{label="value"}}`'
        raise ValueError(message)
    return Selector(found[0], found[1])


def parse(body: bytes, names: Collection[str] = ()) -> Page:
    """The series of these `names` in `body`; of all names when there are none.

    Only the lines that hold one of the names are looked at, but for the first few: are those metrics at all? Raises
    ValueError for a page that is too large, or in which nothing that was looked at is a metric.
    """
    if len(body) > PAGE_MAX_BYTES:
        message = f"it is larger than {PAGE_MAX_BYTES} bytes"
        raise ValueError(message)
    kept: list[Series] = []
    good = skipped = 0
    odd = ""
    for start, end in _lines(body, names):
        line = body[start:end].decode(errors="replace").removeprefix(_MARK)
        if not line or line.startswith("#") or line.isspace():
            continue
        series = _series(line)
        if series is None:
            skipped += 1
            odd = odd or f"line {body.count(b'%c' % 10, 0, start) + 1} is no metric: {line.strip()[:80]!r}"
            continue
        good += 1
        if not names or series.name in names:
            kept.append(series)
    if odd and not good:
        raise ValueError(odd)
    return Page(tuple(kept), skipped, odd)


def _lines(body: bytes, names: Collection[str]) -> Iterator[tuple[int, int]]:
    """Where the lines begin and end that are worth reading. Raises ValueError for more than LINES_MAX."""
    wanted = [name.encode() for name in names]
    everywhere = not wanted or any(_ESCAPED.search(name) for name in wanted)
    ahead = _Ahead(body, wanted)
    start, size = 0, len(body)
    for count in range(LINES_MAX + 1):
        if not everywhere and count >= LOOKED_AT:
            start = ahead.line(start)
        if start >= size:
            return
        end = body.find(b"\n", start)
        end = size if end < 0 else end
        yield start, end
        start = end + 1
    message = f"it has more than {LINES_MAX} lines"
    raise ValueError(message)


class _Ahead:
    """Where the next of some names is; each is looked for once on the way through the page."""

    def __init__(self, body: bytes, wanted: Sequence[bytes]) -> None:
        self._body = body
        self._next = dict.fromkeys(wanted, -1)

    def line(self, start: int) -> int:
        """Where the next line begins, from the one at `start` on, that holds one of them; the page's end: none does."""
        for name, known in self._next.items():
            if known < start:
                found = self._body.find(name, start)
                self._next[name] = found if found >= 0 else len(self._body)
        nearest = min(self._next.values())
        return (
            max(start, self._body.rfind(b"\n", start, nearest) + 1) if nearest < len(self._body) else nearest
        )


def total(series: Iterable[Series], wanted: Selector) -> float | None:
    """The sum over all series meant; None when there is none. Raises ValueError when one is not a counter's value."""
    values = [one.value for one in series if wanted.matches(one)]
    for value in values:
        if not math.isfinite(value) or value < 0:
            message = f"{wanted.name} is {value}, which no counter can be"
            raise ValueError(message)
    return math.fsum(values) if values else None


def _series(line: str) -> Series | None:
    """The series of a line: a metric, its value, and perhaps a time and an exemplar, which are left out."""
    if len(line) > LINE_MAX_CHARACTERS:
        return None
    text = line.strip()
    found = _metric(text)
    if found is None:
        return None
    name, labels, end = found
    rest = text[end:].split(None, 2)
    value = _number(rest[0]) if rest else None
    if value is None or (len(rest) > 1 and not rest[1].startswith("#") and _number(rest[1]) is None):
        return None
    if text[end] not in " \t" and not labels:
        return None  # `name3` is a name, and `name{}3` is a value
    return Series(name, labels, value)


def _metric(text: str) -> tuple[str, dict[str, str], int] | None:
    """The name and the labels that `text` begins with, and where they end; None when it does not."""
    found = _NAME.match(text)
    if found is None and not text.startswith("{"):
        return None
    name, at = (found[0], found.end()) if found else ("", 0)
    brace = _skip(text, at)
    if not text.startswith("{", brace):
        return (name, {}, at) if name else None
    return _braced(text, brace + 1, name)


def _braced(text: str, at: int, name: str) -> tuple[str, dict[str, str], int] | None:
    """What stands in braces, up to and with the closing one: labels, and the name where it is quoted."""
    labels: dict[str, str] = {}
    for _ in range(LABELS_MAX + 1):
        at = _skip(text, at)
        if text.startswith("}", at):
            return (name, labels, at + 1) if name else None
        found = _word(text, at)
        if found is None:
            return None
        word, quoted, at = found
        if text.startswith("=", at):
            value = _QUOTED.match(text, _skip(text, at + 1))
            if value is None:
                return None
            labels[word], at = _plain(value[1]), _skip(text, value.end())
        elif quoted and not name:
            name = word
        else:
            return None
        if text.startswith(",", at):
            at += 1
        elif not text.startswith("}", at):
            return None
    return None


def _word(text: str, at: int) -> tuple[str, bool, int] | None:
    """A label's name, whether it is quoted, and where what follows it begins."""
    quoted = _QUOTED.match(text, at)
    if quoted is not None:
        return _plain(quoted[1]), True, _skip(text, quoted.end())
    bare = _NAME.match(text, at)
    return (bare[0], False, _skip(text, bare.end())) if bare else None


def _skip(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at


def _number(text: str) -> float | None:
    if "_" in text:
        return None  # Python's, not theirs
    try:
        return float(text)  # also +Inf, -Inf and NaN, which the formats allow
    except ValueError:
        return None


def _plain(value: str) -> str:
    return _ESCAPE.sub(lambda found: _ESCAPES.get(found[0], found[0]), value) if "\\" in value else value
