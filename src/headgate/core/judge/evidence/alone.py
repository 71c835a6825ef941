"""The candidate with nearly all of the traffic: what stable was known for takes stable's place.

After a switch, and under the whole traffic before a promotion, no interval has two arms to compare. The null is then
that the candidate's share is within two bounds: what is allowed beside the worst that stable's earlier cases leave
believable, by the Chernoff bound at DOUBT (Hoeffding 1963: n KL(x/n, u) <= ln(1/DOUBT), n tempered by the dispersion);
and harm, as promotion understands it (`mirror.Harm`), beside what stable showed. Each interval's factor is that of one
arm against a limit (`limit`): for a version as good as stable its mean is at most 1, with probability 1 - DOUBT.
Nothing tells a bad day from a bad version here: less than harm is never charged, and going back is the safe side.
"""

import math

from headgate.core.judge.evidence.counts import Pair
from headgate.core.judge.evidence.known import KNOWN_N, KnownShare, stable_share
from headgate.core.judge.evidence.mirror import Harm, harmful_share
from headgate.core.judge.evidence.process import Grid, odds_grid
from headgate.core.judge.evidence.proportions import inside, share_logs

GONE = 20
"""Stable is as good as gone when the canary has had so many times its cases, or so many since stable's last one."""
DOUBT = 0.001
HARM_MAX = 0.95
"""Where harm would only begin here, nothing can be told."""
_STEPS = 30
_DIGITS = 3


def stands_alone(canary_n: int, stable_n: int, lone_n: int) -> bool:
    """Whether stable is as good as gone: by the cases of both in the step so far, or the canary's since stable's last.

    What stable was still answering when all of its traffic went is no company.
    """
    return lone_n >= GONE or (canary_n >= GONE and stable_n * GONE < canary_n)


def alone_logs(harm: Harm, known: KnownShare, pair: Pair, phi: float, grid: Grid) -> list[float] | None:
    """The log-likelihood ratios of one interval of the candidate against no harm; None when nothing can be told.

    `grid` has what is allowed, as a factor, and how many alternatives there are.
    """
    if known.n < KNOWN_N:
        return None
    limit = (
        _highest_good(harm, known, phi, grid.null)
        if harm.ratio < 1
        else _highest(harm, known, phi, grid.null)
    )
    limit = math.ceil(limit * 10**_DIGITS) / 10**_DIGITS
    if limit >= HARM_MAX:
        return None
    x = pair.canary_n - pair.canary_x if harm.ratio < 1 else pair.canary_x
    against = odds_grid(inside(limit), len(grid.alternatives))
    return [log / phi for log in share_logs(against, pair.canary_n, x)]


def _highest(harm: Harm, known: KnownShare, phi: float, allowed: float) -> float:
    """The bad share up to which nothing is charged."""
    believable = highest_share(known.n / phi, known.x / phi)
    return max(allowed * believable, harmful_share(harm, stable_share(known, exact=False)))


def _highest_good(harm: Harm, known: KnownShare, phi: float, allowed: float) -> float:
    """The same where counts are of good cases: the share of the others up to which nothing is charged."""
    believable = 1 - highest_share(known.n / phi, (known.n - known.x) / phi)
    return 1 - min(allowed * believable, harmful_share(harm, stable_share(known, exact=True)))


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
