"""Counts compared given their total: what hits both arms alike cancels out.

Given x = x1 + x0 bad answers in an interval with n1 canary and n0 stable requests, the canary's share of them is
binomial with q(r) = r n1 / (r n1 + n0) when its bad share is r times stable's. The likelihood ratio of r against the
null r0 is

    (r / r0)^x1 * ((r0 n1 + n0) / (r n1 + n0))^x        (Lindon & Malek 2022, for Poisson counts).

For independent requests (Bernoulli) it is valid at *any* bad share p, not only at small ones: its mean is
(1 + r0 p (f c - 1))^n1 (1 + p (c - 1))^n0 with f = r / r0 and c = (r0 n1 + n0) / (r n1 + n0), and log(1 + y) <= y
makes that at most exp(p (c (r n1 + n0) - (r0 n1 + n0))) = 1. At high shares it is merely weak; `proportions` is the
sharp form there.
"""

import math
from math import log1p

import msgspec

from headgate.core.judge.evidence.process import Grid

# Cases and bad cases of both arms in one interval: what every comparison is made of.


class Pair(msgspec.Struct, frozen=True):
    """`canary_x` of `canary_n` and `stable_x` of `stable_n`; sums of bounded quantities need not be whole."""

    canary_n: int
    canary_x: float
    stable_n: int
    stable_x: float


def share(x: float, n: float) -> float | None:
    """X of n, or None when there was nothing."""
    return x / n if n > 0 else None


def conditional_logs(grid: Grid, pair: Pair, phi: float = 1.0) -> list[float]:
    """The log-likelihood ratio of each alternative in `grid` against its null, tempered by `phi`."""
    n1 = pair.canary_n
    part = n1 / (grid.null * n1 + pair.stable_n)
    bad = pair.canary_x / phi
    total = bad + pair.stable_x / phi
    if not bad:
        return [-total * log1p(distance * part) for _, distance in grid.pairs]
    return [bad * log - total * log1p(distance * part) for log, distance in grid.pairs]


# The tail of a binomial, exactly.

NEGLIGIBLE = 1e-17


def binomial_tail(n: int, x: int, q: float) -> float:
    """The chance of at least `x` of `n`, each with chance `q`."""
    if x <= 0:
        return 1.0
    if x > n or q <= 0:
        return 0.0
    if q >= 1:
        return 1.0
    log = math.lgamma(n + 1) - math.lgamma(x + 1) - math.lgamma(n - x + 1)
    term = math.exp(log + x * math.log(q) + (n - x) * math.log1p(-q))
    total, odds, mean = 0.0, q / (1 - q), n * q
    for k in range(x, n + 1):
        total += term
        if k > mean and term < total * NEGLIGIBLE:
            break
        term *= (n - k) / (k + 1) * odds
    return min(total, 1.0)
