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

from math import log1p

from headgate.core.judge.evidence.grid import Grid
from headgate.core.judge.evidence.pair import Pair


def conditional_logs(grid: Grid, pair: Pair, phi: float = 1.0) -> list[float]:
    """The log-likelihood ratio of each alternative in `grid` against its null, tempered by `phi`."""
    n1 = pair.canary_n
    part = n1 / (grid.null * n1 + pair.stable_n)
    bad = pair.canary_x / phi
    total = bad + pair.stable_x / phi
    if not bad:
        return [-total * log1p(distance * part) for _, distance in grid.pairs]
    return [bad * log - total * log1p(distance * part) for log, distance in grid.pairs]
