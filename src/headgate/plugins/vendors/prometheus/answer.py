"""What the query API answers, read strictly.

Source: https://prometheus.io/docs/prometheus/latest/querying/api/ (instant queries, expression query result formats).
"""

import math
from typing import Literal

import msgspec

from headgate.ports.errors import UNREADABLE, Temporary, why

SERIES_MAX = 20_000

Bucket = tuple[int, str, str, str]
"""Which boundaries belong to it (0: only the upper, 1: only the lower, 2: neither, 3: both), lower, upper, count."""


class NativeHistogram(msgspec.Struct):
    """A native histogram: what it counted in all, and its buckets, none of which is cumulative."""

    count: str
    sum: str = "0"
    buckets: list[Bucket] = []


class Series(msgspec.Struct):
    """One series at one instant: its labels, and a value or a native histogram, each after its time."""

    metric: dict[str, str] = {}
    value: tuple[float, str] | None = None
    histogram: tuple[float, NativeHistogram] | None = None


class _Data(msgspec.Struct, rename="camel"):
    result_type: str
    result: msgspec.Raw = msgspec.Raw(b"[]")


class _Envelope(msgspec.Struct, rename="camel"):
    status: Literal["success", "error"]
    data: _Data | None = None
    error: str = ""
    warnings: list[str] = []


def read_answer(body: bytes) -> list[Series]:
    """The series of an instant vector. Raises Temporary, with a sentence, for anything else."""
    try:
        envelope = msgspec.json.decode(body, type=_Envelope)
    except UNREADABLE as error:
        raise Temporary(
            f"it answered what is no answer of a Prometheus ({why(error)}): is the address right?"
        ) from None
    if envelope.status != "success" or envelope.data is None:
        raise Temporary(f"it answered an error: {envelope.error[:200]}")
    if envelope.warnings:
        raise Temporary(f"it warns that the answer may not be whole: {envelope.warnings[0][:200]}")
    if envelope.data.result_type != "vector":
        raise Temporary(f"it answered a {envelope.data.result_type}, where a vector was expected")
    try:
        series = msgspec.json.decode(envelope.data.result, type=list[Series])
    except UNREADABLE as error:
        raise Temporary(f"it answered a series that is none ({why(error)})") from None
    if len(series) > SERIES_MAX:
        raise Temporary(f"it answered more than {SERIES_MAX} series: sum them, or name fewer")
    return series


def number(text: str, what: str) -> float:
    """A counter's value. Raises Temporary for NaN, an infinite or a negative one, and for what is no number."""
    try:
        value = float(text)
    except ValueError:
        raise Temporary(f"{what} is {text[:40]!r}, which is no number") from None
    if not math.isfinite(value) or value < 0:
        raise Temporary(f"{what} is {text}, which no counter can be")
    return value
