"""Two proportions compared exactly, at any height (Turner, Ly & Grünwald 2024, "safe tests for two proportions").

The null is a convex set of pairs (p0, p1), here `p1 = r p0` or `p1 = p0 + d` and everything beyond. For an alternative
(a0, a1) outside of it, let (b0, b1) be the null's point that minimises n0 KL(a0, b0) + n1 KL(a1, b1). Then

    (a1/b1)^x1 ((1-a1)/(1-b1))^(n1-x1) (a0/b0)^x0 ((1-a0)/(1-b0))^(n0-x0)

has a mean of at most 1 at every point of the null: the weighted mean of the arms' one-case factors is linear in
(p0, p1), equals 1 at (b0, b1) and, by the minimum's condition, nowhere in the null more; the geometric mean is smaller
still. It also holds for quantities in [0, 1] that are not whole, since a^y b^(1-y) <= y a + (1-y) b.
"""

import math

from headgate.core.judge.evidence.counts import Pair
from headgate.core.judge.evidence.process import Grid

SMALLEST = 1e-6
"""Shares are kept this far from 0 and 1."""
_STEPS = 60
_CLOSE = 1e-9


def inside(share: float) -> float:
    """`share`, kept away from 0 and 1 where logarithms end."""
    return min(max(share, SMALLEST), 1 - SMALLEST)


def nearest_on_ratio(ratio: float, n1: float, n0: float, a1: float, a0: float) -> float:
    """The stable share b0 of the point (b0, ratio * b0) nearest to (a0, a1): the smaller root of a quadratic."""
    square = ratio * (n1 + n0)
    linear = n1 * a1 + ratio * n0 * a0 + ratio * n1 + n0
    constant = n1 * a1 + n0 * a0
    return 2 * constant / (linear + math.sqrt(max(linear * linear - 4 * square * constant, 0.0)))


def nearest_on_difference(difference: float, n1: int, n0: int, a1: float, a0: float) -> float:
    """The stable share b0 of the point (b0, b0 + difference) nearest to (a0, a1), which lies below that line.

    The minimum's condition, times b0, rises from below zero at 0 to above zero at a0: safeguarded Newton steps, begun
    where small shares would have it.
    """
    low, high = 0.0, a0
    pull = n1 * ((1 - a1) / (1 - difference - a0) - a1 / (a0 + difference)) if difference + a0 < 1 else n1
    b = a0 * n0 / (n0 + max(pull, 0.0)) if n0 else a0 / 2
    for _ in range(_STEPS):
        up, down, lower = b + difference, 1 - b - difference, (1 - a0) / (1 - b)
        right, left = (1 - a1) / down, a1 / up
        slope = n1 * (right - left) + n0 * lower
        value = b * slope - n0 * a0
        low, high = (b, high) if value < 0 else (low, b)
        bend = slope + b * (n1 * (right / down + left / up) + n0 * lower / (1 - b))
        step = b - value / bend if bend > 0 else high
        following = step if low < step < high else (low + high) / 2
        if abs(following - b) <= _CLOSE * a0:
            return following
        b = following
    return b


def log_factor(pair: Pair, alternative: tuple[float, float], null: tuple[float, float]) -> float:
    """The log of the factor above; both points are (stable, canary)."""
    (a0, a1), (b0, b1) = alternative, null
    x1, x0 = pair.canary_x, pair.stable_x
    bad = x1 * math.log(a1 / b1) + x0 * math.log(a0 / b0)
    good = (pair.canary_n - x1) * math.log((1 - a1) / (1 - b1)) + (pair.stable_n - x0) * math.log(
        (1 - a0) / (1 - b0)
    )
    return bad + good


def proportion_logs(grid: Grid, pair: Pair, stable_share: float, phi: float = 1.0) -> list[float]:
    """Like `conditional_logs`, for alternatives at `stable_share`, which must come from earlier intervals only."""
    a0, n1, n0 = inside(stable_share), pair.canary_n, pair.stable_n
    if not n1 or not n0:
        return [0.0] * len(grid.alternatives)
    logs: list[float] = []
    for ratio in grid.alternatives:
        a1 = inside(ratio * a0)
        if (a1 - grid.null * a0) * (ratio - grid.null) <= 0:
            logs.append(0.0)  # clipped into the null: nothing can be said with this one
            continue
        b0 = nearest_on_ratio(grid.null, n1, n0, a1, a0)
        logs.append(log_factor(pair, (a0, a1), (b0, grid.null * b0)) / phi)
    return logs


def share_log(n: float, x: float, alternative: float, null: float) -> float:
    """One arm's log-likelihood ratio of one share against another: `x` bad of `n` cases."""
    return x * math.log(alternative / null) + (n - x) * math.log((1 - alternative) / (1 - null))


def share_logs(grid: Grid, n: int, x: float) -> list[float]:
    """One arm against an absolute limit: log-likelihood ratios of the shares in `grid` against its null."""
    m = grid.null
    return [
        x * f + (n - x) * math.log((1 - p) / (1 - m))
        for p, f in zip(grid.alternatives, grid.logs, strict=True)
    ]
