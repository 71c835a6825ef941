"""The lines of a metrics endpoint, in Prometheus' text format or OpenMetrics. Pure."""

import math
import re
from collections.abc import Iterable, Iterator, Mapping

import msgspec

_NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
_PAIR = r'\s*[a-zA-Z_][a-zA-Z0-9_]*\s*=\s*"(?:[^"\\]|\\.)*"\s*'
_LABELS = rf"\{{(?:{_PAIR}(?:,{_PAIR})*,?)?\s*\}}"
_LINE = re.compile(
    rf"({_NAME})\s*({_LABELS})?\s+([^\s]+)(?:\s+[^\s]+)?\s*(?:#.*)?"
)  # an OpenMetrics exemplar ends it
_LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)\s*=\s*"((?:[^"\\]|\\.)*)"')
_SELECTOR = re.compile(rf"({_NAME})\s*({_LABELS})?")
_ESCAPES = {r"\\": "\\", r"\"": '"', r"\n": "\n"}


class Series(msgspec.Struct, frozen=True):
    """One line: a metric with its labels, and its value."""

    name: str
    labels: dict[str, str]
    value: float


class Selector(msgspec.Struct, frozen=True):
    """Which series are meant: those with this name that have (at least) these labels with these values."""

    name: str
    labels: dict[str, str] = {}

    def matches(self, series: Series) -> bool:
        """True when `series` is meant."""
        return series.name == self.name and self.labels.items() <= series.labels.items()


def selector(text: str) -> Selector:
    """A selector from `orders_total` or `orders_total{result="completed"}`. Raises ValueError."""
    found = _SELECTOR.fullmatch(text.strip())
    if found is None:
        message = f'{text!r} names no metric: expected `name` or `name{{label="value"}}`'
        raise ValueError(message)
    return Selector(found[1], _labels(found[2] or ""))


def parse(text: str) -> Iterator[Series]:
    """Every series in `text`. Raises ValueError with the number of the first line that is none."""
    for number, line in enumerate(text.splitlines(), start=1):
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        found = _LINE.fullmatch(stripped)
        if found is None:
            message = f"line {number} is no metric: {stripped[:80]!r}"
            raise ValueError(message)
        yield Series(found[1], _labels(found[2] or ""), _value(found[3], number))


def total(series: Iterable[Series], wanted: Selector) -> float | None:
    """The sum over all series meant; None when there is none. Raises ValueError when one is not a counter's value."""
    values = [one.value for one in series if wanted.matches(one)]
    for value in values:
        if not math.isfinite(value) or value < 0:
            message = f"{wanted.name} is {value}, which no counter can be"
            raise ValueError(message)
    return math.fsum(values) if values else None


def _value(text: str, number: int) -> float:
    try:
        return float(text)  # also +Inf, -Inf and NaN, which the formats allow
    except ValueError:
        message = f"line {number} has the value {text!r}, which is no number"
        raise ValueError(message) from None


def _labels(text: str) -> dict[str, str]:
    return {name: _unescaped(value) for name, value in _LABEL.findall(text)}


def _unescaped(value: str, escapes: Mapping[str, str] = _ESCAPES) -> str:
    return re.sub(r"\\.", lambda found: escapes.get(found[0], found[0]), value)
