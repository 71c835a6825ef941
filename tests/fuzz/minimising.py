"""A smaller input with the same finding."""

from __future__ import annotations

from collections.abc import Callable

TRIES_MAX = 400


def minimised(data: bytes, still: Callable[[bytes], bool], tries: int = TRIES_MAX) -> bytes:
    """Take out ever smaller pieces as long as `still` holds, within a number of tries."""
    size = max(1, len(data) // 2)
    while size >= 1 and tries > 0:
        at, shrunk = 0, False
        while at < len(data) and tries > 0:
            shorter = data[:at] + data[at + size :]
            tries -= 1
            if still(shorter):
                data, shrunk = shorter, True
            else:
                at += size
        size = size if shrunk and size > 1 else size // 2
    return data
