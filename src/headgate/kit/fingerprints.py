"""What kind of line a log line is: the same for two lines that differ only in their particulars."""

import re

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
