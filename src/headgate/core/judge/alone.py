"""The candidate with nearly all of the traffic: what stable was known for takes stable's place.

After a switch, and under the whole traffic before a promotion, no interval has two arms to compare. The null is then
that the candidate does no harm, as promotion understands it (`mirror.Harm`), against the worst that stable's earlier
cases leave believable: its share is at most the Chernoff bound at DOUBT (Hoeffding 1963: n KL(x/n, u) <= ln(1/DOUBT),
with n tempered by the dispersion). Each interval's factor is that of one arm against a limit (`limit`), so that with
probability 1 - DOUBT its mean is at most 1. Nothing tells a bad day from a bad version here: less than harm is never
charged, and going back is the safe side.
"""

import math

from headgate.core.judge.grid import odds_grid
from headgate.core.judge.known import KNOWN_N, Known
from headgate.core.judge.mirror import Harm, harmful_share
from headgate.core.judge.pair import Pair
from headgate.core.judge.proportions import inside, share_logs

GONE = 20
"""Stable is as good as gone when the canary has had so many times its cases, and so many at least."""
DOUBT = 0.001
HARM_MAX = 0.95
"""Where harm would only begin here, nothing can be told."""
_STEPS = 30
_DIGITS = 3


def stands_alone(canary_n: int, stable_n: int) -> bool:
    """Whether stable is as good as gone, by the cases of both in the step so far."""
    return canary_n >= GONE and stable_n * GONE < canary_n


def alone_logs(harm: Harm, known: Known, pair: Pair, phi: float, points: int) -> list[float] | None:
    """The log-likelihood ratios of one interval of the candidate against no harm; None when nothing can be told."""
    if known.n < KNOWN_N:
        return None
    good = harm.ratio < 1
    bad_known = known.n - known.x if good else known.x
    highest = highest_share(known.n / phi, bad_known / phi)
    limit = 1 - harmful_share(harm, 1 - highest) if good else harmful_share(harm, highest)
    limit = math.ceil(limit * 10**_DIGITS) / 10**_DIGITS
    if limit >= HARM_MAX:
        return None
    x = pair.canary_n - pair.canary_x if good else pair.canary_x
    return [log / phi for log in share_logs(odds_grid(inside(limit), points), pair.canary_n, x)]


def highest_share(n: float, x: float, doubt: float = DOUBT) -> float:
    """The highest share that `x` of `n` cases leave believable."""
    low, high, enough = x / n, 1.0, math.log(1 / doubt)
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if n * _divergence(x / n, middle) < enough else (low, middle)
    return high


def _divergence(a: float, b: float) -> float:
    """The Kullback-Leibler divergence of two shares."""
    b = inside(b)
    bad = a * math.log(a / b) if a > 0 else 0.0
    return bad + ((1 - a) * math.log((1 - a) / (1 - b)) if a < 1 else 0.0)
