"""Numbers as people read them."""

import math

_MANY = 10
_ENDLESS = 1e6


def percent(share: float) -> str:
    """A share of 0.048 as `4.8%`; small ones keep two digits."""
    value = 100 * share
    if value == 0 or value >= 1:
        return f"{value:.1f}%" if 0 < value < 100 else f"{value:.0f}%"  # noqa: PLR2004
    return f"{value:.2g}%" if value >= 0.001 else f"{value:.1e}%"  # noqa: PLR2004


def exactly(share: float) -> str:
    """A share as it was declared: 0.0125 as `1.25%`."""
    return f"{100 * share:g}%"


def times(ratio: float) -> str:
    """A ratio as `48x` or `1.25x`."""
    return f"{ratio:.0f}x" if ratio >= _MANY else f"{ratio:.3g}x"


def odds(e_value: float) -> str:
    """Evidence as odds: `412 to 1`."""
    if e_value >= _ENDLESS:
        return "over a million to 1"
    return f"{e_value:.0f} to 1" if e_value >= _MANY else f"{e_value:.1f} to 1"


def duration(seconds: float) -> str:
    """A time in the unit that it is read in: `40 s`, `12 min`, `3 h`."""
    if seconds < 2 * 60:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 2 * 3600 else f"{seconds / 3600:.0f} h"


def amount(n: float) -> str:
    """A number of cases, rounded up; endless ones are `many`."""
    return f"{math.ceil(n)}" if n < _ENDLESS else "many"
