"""Two series of values without counts behind them, compared point by point: how often the canary's is worse.

Points of the same moment share what happens to both arms, so only the sign of their difference is used. If the canary's
point is above in at most half of the cases, whatever the values, (2p)^a (2(1-p))^(n-a) has a mean of at most 1 for any
p over 1/2 and a points above of n; mixed evenly over these p (Robbins 1970) it is

    2^(n+1) B(a+1, n-a+1) P(Bin(n+1, 1/2) <= a),

valid however often one looks at more points (Ville 1939). Nothing is assumed of the values' distribution; points that
hang together, as those of one slow minute do, are to be further apart.
"""

import math

import msgspec

from headgate.core.judge.evidence.counts import binomial_tail

Point = tuple[float, float]
"""The values of stable and of the canary at one moment."""


class Series(msgspec.Struct, frozen=True):
    """What two series say: how many pairs of points there are, the evidence against the canary, and that for it."""

    n: int
    against: float
    harmless: float
    higher: bool


def above_half(above: int, n: int) -> float:
    """The e-value against "above in at most half of the cases", after `above` of `n`."""
    log_beta = math.lgamma(above + 1) + math.lgamma(n - above + 1) - math.lgamma(n + 2)
    below = binomial_tail(n + 1, n + 1 - above, 0.5)  # by symmetry, P(Bin(n + 1, 1/2) <= above)
    return math.exp(min((n + 1) * math.log(2) + log_beta, 600.0)) * below


def allowed(stable: float, factor: float, *, up: bool) -> float:
    """The value at which the canary becomes worse: `factor` times stable's size away from it."""
    room = abs(stable) * (factor - 1)
    return stable + room if up else stable - room / factor


def compare(points: list[Point], margin: float, worse: float, *, up: bool, down: bool) -> Series:
    """Evidence that the canary is over `margin` times worse, and that it is not `worse` times so.

    `up` and `down` say which direction is bad; where both are, their evidence is averaged, and harm in each ruled out.
    """
    n = len(points)
    found: list[tuple[float, float, bool]] = []
    for is_up in [direction for direction, asked in ((True, up), (False, down)) if asked]:
        sign = 1 if is_up else -1
        bad, harmed = (
            sum(sign * (canary - allowed(stable, factor, up=is_up)) > 0 for stable, canary in points)
            for factor in (margin, worse)
        )
        found.append((above_half(bad, n), above_half(n - harmed, n), is_up))
    against, _, higher = max(found)
    mean, harmless = sum(one[0] for one in found) / len(found), min(one[1] for one in found)
    return Series(n, mean, harmless, higher if against > 1 else up)
