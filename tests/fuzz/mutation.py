"""New inputs from known ones: bytes flipped, cut, spliced and repeated; JSON changed as JSON; words put in."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from typing import Any

ODD = (
    b"\0", b"\xff", b"\xc3\x28", b"\xed\xa0\x80", "\N{BYTE ORDER MARK}".encode(), "\N{LINE SEPARATOR}".encode(),
    b"\r\n", b"\n", b" ", b"\t", b'"', b"'", b"\\", b"{", b"}", b"[", b"]", b"<", b">", b"&", b"*", b"%", b":", b",",
    b"-1", b"0", b"1e999", b"NaN", b"-Infinity", b"9" * 25, b"9" * 5000, b"1e-400", b"true", b"null", b'""', b"[]",
    b"{}", b"\\ud800", b"\\u0000", b"[" * 2000, b'{"a":' * 2000, b"../", b"/", b"http://[", b"::1", b"=", b"\x80" * 9,
)  # fmt: skip
"""What has broken parsers before."""

VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2**31, 2**53 + 1, 2**63, 2**64, 10**30, 0.5, -0.0, 1e308, 1e-320, "", "0", "-1", "nan",
    "inf", "1e400", "\ud800", "\0", "a" * 300, "\N{SNOWMAN}", "http://[::1", "../..", [], {}, [[]], [{}], {"": ""},
)  # fmt: skip
"""What stands in JSON where something else was meant."""

GROWN_FROM, GROWN_TO = 16 * 1024, (16 * 1024, 16 * 1024, 128 * 1024, 128 * 1024, 1024 * 1024)


def mutated(
    draw: random.Random, data: bytes, others: Sequence[bytes], words: Sequence[bytes], limit: int
) -> bytes:
    """`data`, changed a few times."""
    for _ in range(1 + min(6, int(draw.expovariate(0.7)))):
        if draw.random() < 0.35 and (changed := _as_json(draw, data)) is not None:
            data = changed
        else:
            data = draw.choice(_WAYS)(draw, data, others, words)
    return data[:limit]


def grown(draw: random.Random, data: bytes, words: Sequence[bytes], limit: int) -> bytes:
    """`data` with a part of it, or a word, said over and over: what costs too much shows where there is much."""
    size = min(limit, draw.choice(GROWN_TO))
    at = draw.randrange(len(data) + 1)
    part = data[at : at + 1 + min(200, int(draw.expovariate(0.05)))]
    if draw.random() < 0.3 or not part:
        part = draw.choice((*ODD[:40], *words)) + draw.choice((b"", part[:20], *words[:8]))
    part = part or b" "
    times = max(1, (size - len(data)) // len(part))
    return (data[:at] + part * times + data[at:])[:limit]


_Way = Callable[[random.Random, bytes, Sequence[bytes], Sequence[bytes]], bytes]


def _flip(draw: random.Random, data: bytes, others: Sequence[bytes], words: Sequence[bytes]) -> bytes:
    if not data:
        return bytes((draw.randrange(256),))
    changed = bytearray(data)
    for _ in range(draw.choice((1, 1, 1, 2, 4, 16))):
        at = draw.randrange(len(changed))
        changed[at] = draw.choice((changed[at] ^ (1 << draw.randrange(8)), draw.randrange(256)))
    return bytes(changed)


def _cut(draw: random.Random, data: bytes, others: Sequence[bytes], words: Sequence[bytes]) -> bytes:
    start, end = _slice(draw, data)
    return data[:start] + data[end:]


def _shorten(draw: random.Random, data: bytes, others: Sequence[bytes], words: Sequence[bytes]) -> bytes:
    return data[: draw.randrange(len(data) + 1)]


def _repeat(draw: random.Random, data: bytes, others: Sequence[bytes], words: Sequence[bytes]) -> bytes:
    start, end = _slice(draw, data)
    return data[:start] + data[start:end] * draw.choice((2, 2, 3, 10, 100)) + data[end:]


def _swap(draw: random.Random, data: bytes, others: Sequence[bytes], words: Sequence[bytes]) -> bytes:
    start, end = _slice(draw, data)
    at = draw.randrange(len(data) + 1)
    return data[:at] + data[start:end] + data[at:]


def _splice(draw: random.Random, data: bytes, others: Sequence[bytes], words: Sequence[bytes]) -> bytes:
    other = draw.choice(others) if others else b""
    return data[: draw.randrange(len(data) + 1)] + other[draw.randrange(len(other) + 1) :]


def _say(draw: random.Random, data: bytes, others: Sequence[bytes], words: Sequence[bytes]) -> bytes:
    word = draw.choice(words if words and draw.random() < 0.6 else ODD)
    start, end = _slice(draw, data)
    return data[:start] + word + data[end if draw.random() < 0.5 else start :]


_WAYS: tuple[_Way, ...] = (_flip, _flip, _cut, _shorten, _repeat, _swap, _splice, _say, _say)


def _slice(draw: random.Random, data: bytes) -> tuple[int, int]:
    start = draw.randrange(len(data) + 1)
    return start, min(len(data), start + 1 + min(500, int(draw.expovariate(0.1))))


def _as_json(draw: random.Random, data: bytes) -> bytes | None:
    """The document with one place changed; None where it is none."""
    if data[:1] not in (b"{", b"[") or len(data) > GROWN_FROM:
        return None
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        return None
    places = list(_places(document))
    if not places:
        return None
    holder, key = draw.choice(places)
    match draw.randrange(5):
        case 0:
            del holder[key]
        case 1 if isinstance(holder, dict):
            holder[draw.choice([one for _, one in places if isinstance(one, str)] or [""])] = holder.pop(key)
        case 2:
            other, place = draw.choice(places)
            holder[key] = _copied(other.get(place) if isinstance(other, dict) else other[place % len(other)])
        case _:
            holder[key] = draw.choice(VALUES)
    return json.dumps(document, ensure_ascii=draw.random() < 0.5).encode("utf-8", "surrogatepass")


def _copied(value: Any) -> Any:  # noqa: ANN401 - JSON
    return json.loads(json.dumps(value))


def _places(document: Any) -> list[tuple[Any, Any]]:  # noqa: ANN401 - JSON
    found: list[tuple[Any, Any]] = []
    waiting = [document]
    while waiting:
        value = waiting.pop()
        keys = (
            value.keys() if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
        )
        for key in keys:
            found.append((value, key))
            waiting.append(value[key])
    return found


def keys_in(data: bytes) -> list[str]:
    """The keys of a JSON document; none where it is none."""
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        return []
    return [key for _, key in _places(document) if isinstance(key, str)]


def as_json(document: object) -> bytes:
    """The document in bytes, with whatever JSON knows nothing of (NaN, half a surrogate) in it."""
    return json.dumps(document, ensure_ascii=False).encode("utf-8", "surrogatepass")
