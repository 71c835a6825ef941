"""How long to wait before asking again."""

import math
from collections.abc import Callable
from email.utils import parsedate_to_datetime

from headgate.plugins.web.client.limits import Limits


def pause_s(limits: Limits, attempt: int, draw: Callable[[], float]) -> float:
    """Before attempt `attempt + 1` (from 1): "full jitter", uniform from nothing to a bound that doubles.

    `draw` is uniform in [0, 1). Source: Exponential Backoff and Jitter, AWS Architecture Blog, 2015.
    """
    bound: float = min(limits.pause_max_s, limits.pause_first_s * 2 ** (attempt - 1))
    return draw() * bound


def retry_after_s(value: str, now: float) -> float:
    """Seconds that a `Retry-After` (RFC 9110, 10.2.3: seconds or an HTTP date) asks for; 0 when it says nothing."""
    text = value.strip()
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        wait = parsedate_to_datetime(text).timestamp() - now
    except (ValueError, TypeError, OverflowError):
        return 0.0
    return max(0.0, wait) if math.isfinite(wait) else 0.0
