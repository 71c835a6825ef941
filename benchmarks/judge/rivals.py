"""The rules that people use now, written out, and the bounds that no rule beats. All over many runs at once.

Counts are arrays of (runs, intervals); each rule gives the time of its rollback per run, infinite for never.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

Array = np.ndarray
MINUTE_S = 60.0


@dataclass(frozen=True)
class Counts:
    """Requests and errors of both arms, per run and interval."""

    n1: Array
    x1: Array
    n0: Array
    x0: Array
    interval_s: float

    def minutes(self) -> "Counts":
        """The same, minute by minute."""
        k = max(1, round(MINUTE_S / self.interval_s))
        m = self.n1.shape[1] // k
        n1, x1, n0, x0 = (a[:, : m * k].reshape(len(a), m, k).sum(2) for a in self._arrays())
        return Counts(n1, x1, n0, x0, self.interval_s * k)

    def sums(self) -> "Counts":
        """Everything since the start, at every interval."""
        n1, x1, n0, x0 = (a.cumsum(1) for a in self._arrays())
        return Counts(n1, x1, n0, x0, self.interval_s)

    def _arrays(self) -> tuple[Array, Array, Array, Array]:
        return self.n1, self.x1, self.n0, self.x0


Rule = Callable[[Counts], Array]


def first(hit: Array, interval_s: float) -> Array:
    """The end of the first interval that is hit, per run."""
    return np.where(hit.any(1), (hit.argmax(1) + 1) * interval_s, math.inf)


def _ratio(x: Array, n: Array) -> Array:
    return np.asarray(x / np.maximum(n, 1))


def fixed_threshold(counts: Counts) -> Array:
    """Over 5% errors of the canary in a minute is a failed measurement; more than three of them roll back."""
    each = counts.minutes()
    return first((_ratio(each.x1, each.n1) > 0.05).cumsum(1) > 3, each.interval_s)


def failed_checks(counts: Counts) -> Array:
    """Under 99% success of the canary in a minute is a failed check; the fifth one rolls back."""
    each = counts.minutes()
    return first((_ratio(each.x1, each.n1) > 0.01).cumsum(1) >= 5, each.interval_s)


def z_test(counts: Counts) -> Array:
    """Two proportions, one-sided at 1%, looked at every minute, five errors at least."""
    total = counts.minutes().sums()
    x, n = total.x1 + total.x0, total.n1 + total.n0
    pooled = _ratio(x, n)
    spread = np.sqrt(pooled * (1 - pooled) * (1 / np.maximum(total.n1, 1) + 1 / np.maximum(total.n0, 1)))
    z = (_ratio(total.x1, total.n1) - _ratio(total.x0, total.n0)) / np.maximum(spread, 1e-12)
    return first((z > 2.326) & (x >= 5), total.interval_s)


def relative_rule(counts: Counts) -> Array:
    """Over 5%, or over 1.5 times stable, once the canary has had 1000 requests (latency has no part here)."""
    total = counts.minutes().sums()
    canary, stable = _ratio(total.x1, total.n1), _ratio(total.x0, total.n0)
    return first((total.n1 >= 1000) & ((canary > 0.05) | (canary > 1.5 * stable)), total.interval_s)


def _ranks(values: Array) -> tuple[Array, Array]:
    """Mid-ranks along the rows, and the tie correction of each row."""
    below = (values[:, :, None] > values[:, None, :]).sum(2)
    equal = (values[:, :, None] == values[:, None, :]).sum(2)
    return below + (equal + 1) / 2, (equal.astype(float) ** 2 - 1).sum(1)


def mann_whitney(counts: Counts) -> Array:
    """The last hour's error ratios by minute: ranks at 1% and a mean over 1.25 times stable's; every ten minutes."""
    each = counts.minutes()
    canary, stable = _ratio(each.x1, each.n1), _ratio(each.x0, each.n0)
    at = np.full(len(canary), math.inf)
    for end in range(10, canary.shape[1] + 1, 10):
        a, b = canary[:, max(0, end - 60) : end], stable[:, max(0, end - 60) : end]
        m = a.shape[1]
        ranks, ties = _ranks(np.hstack([a, b]))
        u = ranks[:, :m].sum(1) - m * (m + 1) / 2 - m * m / 2
        spread = np.sqrt(np.maximum(m * m / 12 * (2 * m + 1 - ties / (2 * m * (2 * m - 1))), 1e-12))
        worse = (u / spread > 2.326) & (a.mean(1) > 1.25 * b.mean(1))
        at = np.where(worse & np.isinf(at), end * each.interval_s, at)
    return at


RULES: dict[str, Rule] = {
    "fixed threshold, failure limit": fixed_threshold,
    "cumulative failed checks": failed_checks,
    "Mann-Whitney, every 10 min": mann_whitney,
    "z-test, every minute": z_test,
    "absolute + 50% relative": relative_rule,
}


def oracle(counts: Counts, ratio: float, null: float, phi: float, onset_s: float) -> Array:
    """Wald's test at alpha = 1% that knows the true ratio, the dispersion and when the fault begins."""
    x = counts.x1 + counts.x0
    weigh = np.log((ratio * counts.n1 + counts.n0) / (null * counts.n1 + counts.n0))
    logs = (counts.x1 * math.log(ratio / null) - x * weigh) / phi
    logs[:, : round(onset_s / counts.interval_s)] = 0.0
    return first(logs.cumsum(1) >= math.log(100), counts.interval_s)


def information_bound_s(
    rates: tuple[float, float], base: float, ratio: float, null: float, alpha: float
) -> float:
    """ln(1/alpha) over the divergence per second between the true share of errors and the null's; rates per second."""
    n1, n0 = rates
    errors = base * (ratio * n1 + n0)
    q, q0 = ratio * n1 / (ratio * n1 + n0), null * n1 / (null * n1 + n0)
    return math.log(1 / alpha) / (errors * (q * math.log(q / q0) + (1 - q) * math.log((1 - q) / (1 - q0))))
