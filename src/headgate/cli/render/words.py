"""Numbers, times and names as people read them: plain text, no rich."""

import math
import time
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from headgate.core.model import Unit, Version

_MINUTE = 60
_HOUR = 3600
_DAY = 86400
_ODDS_MAX = 1_000_000
_SHORT = 12
_COARSE = 10
"""From here on, a digit after the point says nothing."""

Labels = Mapping[Version, str]
"""What people call a version, where they gave it a name."""

NO_LABELS: Labels = MappingProxyType({})


def span(seconds: float) -> str:
    """A length of time: `85 ms`, `2.1 s`, `1m 12s`, `3h 05m`, `2d 4h`."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < _MINUTE:
        return f"{seconds:.1f} s" if seconds < _COARSE else f"{seconds:.0f} s"
    whole = round(seconds)
    if whole < _HOUR:
        return f"{whole // _MINUTE}m {whole % _MINUTE:02d}s"
    if whole < _DAY:
        return f"{whole // _HOUR}h {whole % _HOUR // _MINUTE:02d}m"
    return f"{whole // _DAY}d {whole % _DAY // _HOUR}h"


def ago(at: float, now: float) -> str:
    """How long ago `at` is: `just now`, `12 min ago`, `3 h ago`, `2 days ago`."""
    passed = max(0.0, now - at)
    if passed < _MINUTE:
        return "just now"
    if passed < _HOUR:
        return f"{passed / _MINUTE:.0f} min ago"
    if passed < 2 * _DAY:
        return f"{passed / _HOUR:.0f} h ago"
    return f"{passed / _DAY:.0f} days ago"


def moment(at: float) -> str:
    """A point in time, to the second, where we are."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))


def day(at: float) -> str:
    """A point in time, to the minute, where we are."""
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(at))


def count(number: int, noun: str = "") -> str:
    """`12,031`, or with a noun `1 request`, `2 requests`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}" if noun else f"{number:,}"


def percent(part: float, whole: float) -> str:
    """A share, with as many digits as say something; `-` of nothing."""
    if not whole:
        return "-"
    share = 100 * part / whole
    if share in (0, 100):
        return f"{share:.0f}%"
    return f"{share:.2f}%" if share < _COARSE else f"{share:.1f}%"


def odds(evidence: float) -> str:
    """Evidence without a unit: `1`, `3.4`, `31`, `over 1,000,000`."""
    if not math.isfinite(evidence) or evidence > _ODDS_MAX:
        return f"over {_ODDS_MAX:,}"
    whole = evidence >= _COARSE or round(evidence, 1) == round(evidence)
    return f"{evidence:,.0f}" if whole else f"{evidence:.1f}"


def short(digest: str) -> str:
    """The beginning of a digest, enough to name it."""
    return digest[:_SHORT]


def version(found: Version | None, label: str = "") -> str:
    """A version as people call it: its label and key, or its key alone."""
    if found is None:
        return "nothing"
    return f"{label} ({found.key})" if label else found.key


def name(found: Version | None, label: str = "") -> str:
    """The shortest name of a version: its label, or the beginning of its digest."""
    return label or (short(found.artifact) if found else "nothing")


def place(units: Sequence[Unit]) -> str:
    """Where units are: `shop/production/web`, `shop/production: api, web`."""
    if len(units) == 1:
        return str(units[0])
    return f"{units[0].project}/{units[0].environment}: {', '.join(unit.service for unit in units)}"
