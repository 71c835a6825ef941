"""Bars of text."""

import math

_FULL = "█"
_EMPTY = "░"


def bar(share: float, width: int) -> str:
    """A bar of `width` characters, filled to `share` (0..1); whatever is more than nothing shows at least one."""
    filled = round(min(1.0, max(0.0, share)) * width)
    if share > 0:
        filled = max(1, filled)
    return _FULL * filled + _EMPTY * (width - filled)


def evidence_share(evidence: float, needed: float) -> float:
    """How far evidence has grown to what is needed, on a log scale: each doubling is as long as the last."""
    if evidence <= 1 or needed <= 1 or math.isnan(evidence):
        return 0.0
    if math.isinf(evidence):
        return 1.0
    return min(1.0, math.log(evidence) / math.log(needed))
