"""Quantities as people write them: `1m30s`, `0.5%`, `512MiB`, `1.5x`; read and written back in the same way."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise

_NUMBER = r"[0-9]{1,20}(?:\.[0-9]{1,20})?"
_DURATION_MS = {"d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1000, "ms": 1}
_SIZE_BYTES = {"GiB": 1 << 30, "GB": 10**9, "MiB": 1 << 20, "MB": 10**6, "KiB": 1 << 10, "kB": 1000, "B": 1}
_DURATION_PART = re.compile(rf"({_NUMBER})(ms|s|m|h|d)")
_DURATION = re.compile(rf"(?:{_NUMBER}(?:ms|s|m|h|d))+")
_PERCENTAGE = re.compile(rf"({_NUMBER})%")
_FACTOR = re.compile(rf"({_NUMBER})x")
_SIZE = re.compile(rf"({_NUMBER})(GiB|GB|MiB|MB|KiB|kB|B)")


def parse_duration(text: str) -> float:
    """Seconds of `2h`, `1m30s`, `250ms`: units from large to small, each once, down to 1 ms. Raises ValueError."""
    if not _DURATION.fullmatch(text):
        raise ValueError("it is not a number with ms, s, m, h or d")
    parts = _DURATION_PART.findall(text)
    sizes = [_DURATION_MS[unit] for _, unit in parts]
    if any(later >= earlier for earlier, later in pairwise(sizes)):
        raise ValueError("units go from large to small, each once")
    total_ms = sum(Decimal(number) * _DURATION_MS[unit] for number, unit in parts)
    if total_ms != int(total_ms):
        raise ValueError("nothing finer than 1ms is kept")
    return int(total_ms) / 1000


def write_duration(seconds: float) -> str:
    """`seconds`, rounded to 1 ms, as `parse_duration` reads it."""
    rest_ms = round(seconds * 1000)
    parts: list[str] = []
    for unit, size_ms in _DURATION_MS.items():
        count, rest_ms = divmod(rest_ms, size_ms)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"


def parse_percentage(text: str) -> float:
    """The share (0.005) that `0.5%` means. Raises ValueError."""
    found = _PERCENTAGE.fullmatch(text)
    if not found:
        raise ValueError("it is not a number with %")
    return float(Decimal(found[1]) / 100)


def write_percentage(share: float) -> str:
    """A share (0.005) as `parse_percentage` reads it."""
    return f"{_digits(Decimal(repr(share)) * 100)}%"


def parse_size(text: str) -> int:
    """Bytes of `512MiB` (1024 x 1024) or `10MB` (1000 x 1000). Raises ValueError."""
    found = _SIZE.fullmatch(text)
    if not found:
        raise ValueError("it is not a number with B, kB, MB, GB, KiB, MiB or GiB")
    size = Decimal(found[1]) * _SIZE_BYTES[found[2]]
    if size != int(size):
        raise ValueError("it is not a whole number of bytes")
    return int(size)


def write_size(size_bytes: int) -> str:
    """`size_bytes` in the largest unit that divides it, as `parse_size` reads it."""
    for unit, unit_bytes in _SIZE_BYTES.items():
        if size_bytes and size_bytes % unit_bytes == 0:
            return f"{size_bytes // unit_bytes}{unit}"
    return f"{size_bytes}B"


def parse_factor(text: str) -> float:
    """1.5 of `1.5x`. Raises ValueError."""
    found = _FACTOR.fullmatch(text)
    if not found:
        raise ValueError("it is not a number with x")
    return float(found[1])


def write_factor(factor: float) -> str:
    """1.5 as `1.5x`."""
    return f"{_digits(Decimal(repr(factor)))}x"


def _digits(number: Decimal) -> str:
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


@dataclass(frozen=True)
class Notation:
    """One way of writing a quantity. `read` raises ValueError; `pattern` and `examples` are for editors."""

    noun: str
    examples: tuple[str, ...]
    pattern: str
    read: Callable[[str], float]
    write: Callable[[float], str]
    bare_unit: str
    """The unit to propose when somebody wrote a bare number."""


DURATION = Notation(
    "a duration", ("30s", "1m30s", "250ms"), f"^{_DURATION.pattern}$", parse_duration, write_duration, "s"
)
PERCENTAGE = Notation(
    "a percentage", ("5%", "0.5%"), f"^{_PERCENTAGE.pattern}$", parse_percentage, write_percentage, "%"
)
SIZE = Notation(
    "a size", ("512MiB", "10MB"), f"^{_SIZE.pattern}$", parse_size, lambda size: write_size(round(size)), "MB"
)
FACTOR = Notation("a factor", ("1.5x", "2x"), f"^{_FACTOR.pattern}$", parse_factor, write_factor, "x")
