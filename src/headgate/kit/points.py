"""Numbers in answers of vendors: which are counts, and which only look like counts."""

import math
from collections.abc import Iterable

from headgate.core.model.window import Window
from headgate.ports.errors import Temporary

Point = tuple[float, object]
"""When (seconds since the epoch) and what: a number, a number as text, or nothing."""

POINTS_MAX = 100_000
_SHOWN_MAX = 10**300


def count_in(value: object, what: str) -> float | None:
    """A count; None for nothing (null, NaN). Raises Temporary for what is no count: negative, infinite, no number."""
    if value is None or (isinstance(value, str) and value.strip().lower() == "nan"):
        return None
    try:
        number = (
            float(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else -1.0
        )
    except (ValueError, OverflowError):  # a whole number of JSON may have hundreds of digits
        number = -1.0
    if math.isnan(number):
        return None
    if not math.isfinite(number) or number < 0:
        small = isinstance(value, float) or (isinstance(value, int) and abs(value) < _SHOWN_MAX)
        shown = f"{value:g}" if small else f"a {type(value).__name__}"
        raise Temporary(f"{what}: {shown} is no count")
    return number


def summed(points: Iterable[Point], window: Window, what: str) -> float | None:
    """The sum of one series' points, None where none has a value.

    Raises Temporary where it cannot be what was asked: a time outside of `window` (clocks differ, or the source rounds
    to another resolution), the same time twice, a value that is no count, over POINTS_MAX points.
    """
    seen: set[float] = set()
    total: float | None = None
    for at, value in points:
        number = count_in(value, what)
        if number is None:
            continue
        if not window.start <= at < window.end:
            outside = at - window.end if at >= window.end else window.start - at
            raise Temporary(
                f"{what}: a count is {outside:.0f} s outside of what was asked: do the clocks agree, "
                "and has the source this resolution?"
            )
        if at in seen or len(seen) >= POINTS_MAX:
            raise Temporary(f"{what}: more than one count for the same time")
        seen.add(at)
        total = (total or 0.0) + number
    return total


def single(found: list[float | None], what: str) -> float | None:
    """The value of the one series there may be. Raises Temporary when there are several."""
    if len(found) > 1:
        raise Temporary(f"{what}: {len(found)} series answered where one was expected: sum them in the query")
    return found[0] if found else None
