"""New kinds of errors in the logs: lines with a fingerprint that the old version had not logged before the release.

The *incumbent* of a service is, of the versions that are read, the one with the most requests in the LOOKBACK_S before;
what it had logged in that time is *known*. Lines of all versions are held against the same known ones, the incumbent's
too: when nothing has changed, a rare error turns up new as often per request on one arm as on the other. So the judge
may compare them as it compares any share, as the mean `new_errors` (lower is better): lines of new kinds over requests,
at most one per request. A count without requests would blame whichever arm has more traffic, and "not in stable" alone
would blame the canary for every rare error, for stable can log nothing that stable has not.

What one version logged earlier, in a release that was taken back, is not known: it is new again.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from headgate.core.model import Version
from headgate.core.model.window import Window

NEW_ERRORS = "new_errors"
LINES_MAX = 1000
"""So many lines are read at once, the newest; of more, their share of new kinds stands for all."""

LOOKBACK_LINES_MAX = 5000
LOOKBACK_S = 24 * 3600
KINDS_MAX = 5000


@dataclass(frozen=True)
class Lines:
    """The newest lines in a window, and how many there are in all."""

    total: float
    texts: tuple[str, ...]


class Reader(Protocol):
    """A source of log lines."""

    async def lines(self, query: str, window: Window, most: int) -> Lines:
        """The newest lines of `query` in `window`, at most `most`. Raises Temporary or Permanent."""
        ...


@dataclass(frozen=True)
class History:
    """What a version did in the LOOKBACK_S before it was read first."""

    requests: float
    kinds: frozenset[str]


def kinds_of(texts: Iterable[str]) -> frozenset[str]:
    """Their fingerprints, at most KINDS_MAX."""
    found: set[str] = set()
    for text in texts:
        if len(found) >= KINDS_MAX:
            break
        found.add(fingerprint(text))
    return frozenset(found)


def incumbent(histories: dict[Version, History], version: Version) -> History | None:
    """The history of the incumbent of `version`'s unit; None while there is nobody to compare with."""
    same = [history for other, history in histories.items() if other.unit == version.unit]
    most = max(same, key=lambda history: history.requests, default=None)
    return most if most is not None and len(same) > 1 and most.requests > 0 else None


def new_lines(lines: Lines, known: frozenset[str]) -> float:
    """How many of all the lines are of new kinds, by the share among those that were read."""
    if not lines.texts:
        return 0.0
    new = sum(fingerprint(text) not in known for text in lines.texts)
    return max(lines.total, len(lines.texts)) * new / len(lines.texts)


# What kind of line a log line is: the same for two lines that differ only in their particulars.

LINE_MAX = 1000
FINGERPRINT_MAX = 160

_UUID = r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}"
_PARTICULARS = re.compile(
    rf"""
      (?P<quoted>"(?:[^"\\]|\\.)*"|(?<!\w)'(?:[^'\\]|\\.)*'|`[^`]*`)
    | (?P<url>\b[a-z][a-z0-9+.-]*://\S+)
    | (?P<uuid>\b{_UUID}\b)
    | (?P<address>\b[\w.+-]{{1,64}}+@[\w-]{{1,63}}+\.[\w.-]{{1,255}}\b)
    | (?P<path>(?<![\w])(?:~|\.{{0,2}})/[^\s:,;()\]]+)
    | (?P<hex>\b0x[0-9a-f]+\b|\b(?=[a-f]*[0-9])(?=[0-9]*[a-f])[0-9a-f]{{6,}}\b)
    | (?P<number>\d+(?:[.,:_-]\d+)*)
    """,
    re.VERBOSE | re.IGNORECASE,
)


def fingerprint(line: str) -> str:
    """The line without quoted text, URLs, UUIDs, addresses, paths, hexadecimals and numbers, at most FINGERPRINT_MAX.

    Only the first LINE_MAX characters count. Letter case and spaces do not.
    """
    masked = _PARTICULARS.sub(lambda found: f"<{found.lastgroup}>", line[:LINE_MAX])
    return " ".join(masked.lower().split())[:FINGERPRINT_MAX]
