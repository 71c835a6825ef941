"""The canary's bad share over stable's, with an interval that is valid at any time.

An interval is {r : evidence against "the ratio is r" is under 20}, where the evidence for a mixture of ratios against r
is an e-process: so it covers the true ratio at all times at once, with probability 19/20 (Robbins 1970; Lindon & Malek
2022). The mixture has a closed form in the step's counts, and being an average it is never above the likelihood at the
estimate: the estimate is inside, always. A step has one weight, so its counts may be added up; they count 1 / phi each.

Errors are compared given their total: each is the canary's with chance q = r n1 / (r n1 + n0), whatever moves both
arms; q is mixed over Jeffreys' Beta(1/2, 1/2), which gives q^x1 (1-q)^x0 a mean of B(1/2 + x1, 1/2 + x0) / pi.
High shares are compared as proportions: both arms' shares are mixed so, and stand against the best pair with ratio r.
"""

import math
from collections.abc import Callable
from functools import lru_cache

from headgate.core.judge.evidence.counts import Pair
from headgate.core.judge.evidence.proportions import inside, nearest_on_ratio

LEVEL = 0.05
CLOSE = 0.02
"""An end is exact to so much of the log-evidence: 20 to 1 is then 19.6 or 20.4."""
_STEPS = 25
_STRIDE = 2.0
_LOG_PI = math.log(math.pi)
_LOG_LEVEL = math.log(LEVEL)

SMALLEST = 1e-9
"""A sum under this counts as none."""

Ends = tuple[float | None, float | None]
Curve = Callable[[float], tuple[float, float]]
"""The height over the floor at the logarithm of a ratio (or of odds), and the slope there."""


def log_mixture(x: float, rest: float) -> float:
    """The log of the mean of q^x (1-q)^rest for q from Beta(1/2, 1/2)."""
    return math.lgamma(x + 0.5) + math.lgamma(rest + 0.5) - math.lgamma(x + rest + 1.0) - _LOG_PI


def _x_log(x: float, share: float) -> float:
    return x * math.log(share) if x > 0 else 0.0


def _end(curve: Curve, log: float) -> float | None:
    """Where the curve comes down to the floor, by Newton's steps; None where they do not find it: unbounded, then."""
    for _ in range(_STEPS):
        over, slope = curve(log)
        if -CLOSE < over < CLOSE:
            return math.exp(log)
        if not slope:
            return None
        stride = over / slope
        log -= stride if -_STRIDE < stride < _STRIDE else math.copysign(_STRIDE, stride)
    return None


def _conditional(x1: float, x0: float) -> tuple[Curve, float]:
    """The curve of the log-odds that an error is the canary's, and its highest point."""
    x, floor = x1 + x0, log_mixture(x1, x0) + _LOG_LEVEL

    def curve(log: float) -> tuple[float, float]:
        odds = math.exp(log)
        return x1 * log - x * math.log1p(odds) - floor, x1 - x * odds / (1.0 + odds)

    return curve, _x_log(x1, x1 / x) + _x_log(x0, x0 / x) - floor


def _proportions(n1: float, x1: float, n0: float, x0: float) -> tuple[Curve, float]:
    """The curve of the log-ratio, and its highest point."""
    a1, a0 = x1 / n1, x0 / n0
    floor = log_mixture(x1, n1 - x1) + log_mixture(x0, n0 - x0) + _LOG_LEVEL

    y1, y0 = n1 - x1, n0 - x0

    def curve(log: float) -> tuple[float, float]:
        ratio, ln = math.exp(log), math.log
        p0 = nearest_on_ratio(ratio, n1, n0, a1, a0)
        p1 = inside(ratio * p0)
        p0 = inside(p0)
        q0, q1 = 1 - p0, 1 - p1
        slope = (
            x1 - y1 * p1 / q1 if ratio < 1 else y0 * p0 / q0 - x0
        )  # the same, but where a share is at its end
        return x1 * ln(p1) + y1 * ln(q1) + x0 * ln(p0) + y0 * ln(q0) - floor, slope

    top = _x_log(x1, a1) + _x_log(y1, 1 - a1) + _x_log(x0, a0) + _x_log(y0, 1 - a0) - floor
    return curve, top


def ratio_interval(pair: Pair, phi: float = 1.0, *, exact: bool = False) -> Ends:
    """The lowest and highest ratio of shares still believable after a step's counts; None where nothing bounds it.

    `exact` compares proportions. Between the ends lies, where there is one, the estimate (x1 / n1) / (x0 / n0).
    """
    x1 = pair.canary_x / phi if pair.canary_x > SMALLEST else 0.0
    x0 = pair.stable_x / phi if pair.stable_x > SMALLEST else 0.0
    if not pair.canary_n or not pair.stable_n or not x1 + x0:
        return None, None
    unit = pair.stable_n / pair.canary_n
    if exact:
        return _ends(*_proportions(pair.canary_n / phi, x1, pair.stable_n / phi, x0), (x1, x0), unit)
    low, high = _odds_ends(x1, x0)
    return None if low is None else low * unit, None if high is None else high * unit


def _ends(curve: Curve, top: float, bad: tuple[float, float], unit: float) -> Ends:
    """Both ends, looked for from where a normal curve of this height would have them; `bad` are x1 and x0."""
    x1, x0 = bad
    reach = math.sqrt(2 * top * (1 / (x1 + 0.5) + 1 / (x0 + 0.5)))
    low = _end(curve, math.log(unit * x1 / max(x0, 0.5)) - reach) if x1 else None
    high = _end(curve, math.log(unit * max(x1, 0.5) / x0) + reach) if x0 else None
    if x1 and x0:  # a step may jump over the estimate where a share is next to 0 or 1
        estimate = unit * x1 / x0
        return (
            low if low is None or low < estimate else None,
            high if high is None or high > estimate else None,
        )
    return low, high


@lru_cache(maxsize=1024)
def _odds_ends(x1: float, x0: float) -> Ends:
    """The odds that an error is the canary's: they change with the errors only, not with every request."""
    return _ends(*_conditional(x1, x0), (x1, x0), 1.0)
