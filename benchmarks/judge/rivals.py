"""The rules that people use now, written out, and the bounds that no rule beats. All over many runs at once.

Counts are arrays of (runs, intervals); each rule gives the time of its rollback per run, infinite for never.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

Array = np.ndarray
MINUTE_S = 60.0
LOOK = 10
"""Minutes between two looks of the rank tests."""


@dataclass(frozen=True)
class Counts:
    """Requests and errors of both arms, per run and interval; `slow*`: requests at most `le` ms, where known."""

    n1: Array
    x1: Array
    n0: Array
    x0: Array
    interval_s: float
    le: tuple[float, ...] = ()
    slow1: Array | None = None
    slow0: Array | None = None

    def minutes(self) -> "Counts":
        """The same, minute by minute."""
        k = max(1, round(MINUTE_S / self.interval_s))
        m = self.n1.shape[1] // k
        return self._each(
            lambda a: a[:, : m * k].reshape(len(a), m, k, *a.shape[2:]).sum(2), self.interval_s * k
        )

    def sums(self) -> "Counts":
        """Everything since the start, at every interval."""
        return self._each(lambda a: a.cumsum(1), self.interval_s)

    def _each(self, change: Callable[[Array], Array], interval_s: float) -> "Counts":
        slow1, slow0 = (None if a is None else change(a) for a in (self.slow1, self.slow0))
        n1, x1, n0, x0 = (change(a) for a in (self.n1, self.x1, self.n0, self.x0))
        return Counts(n1, x1, n0, x0, interval_s, self.le, slow1, slow0)


ComparisonRule = Callable[[Counts], Array]


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
    """Over 5%, or over 1.5 times stable, once the canary has had 1000 requests; or a p99 over 1.3 times stable's.

    The quantile is interpolated within its bucket, as Prometheus' `histogram_quantile` has it.
    """
    total = counts.minutes().sums()
    canary, stable = _ratio(total.x1, total.n1), _ratio(total.x0, total.n0)
    bad = (canary > 0.05) | (canary > 1.5 * stable)
    if total.slow1 is not None and total.slow0 is not None:
        bad |= quantile_ms(total.le, total.slow1, 0.99) > 1.3 * quantile_ms(total.le, total.slow0, 0.99)
    return first((total.n1 >= 1000) & bad, total.interval_s)


def quantile_ms(le: tuple[float, ...], count: Array, q: float) -> Array:
    """The quantile of cumulative buckets (..., len(le)), the last of which holds every request."""
    edges, rank = np.array([0.0, *le]), q * count[..., -1]
    k = (count >= rank[..., None]).argmax(-1)
    padded = np.concatenate([np.zeros((*count.shape[:-1], 1), count.dtype), count], axis=-1)
    low, high = (np.take_along_axis(padded, k[..., None] + d, -1)[..., 0] for d in (0, 1))
    part = (rank - low) / np.maximum(high - low, 1)
    return np.asarray(edges[k] + (edges[k + 1] - edges[k]) * part)


def _ranks(values: Array) -> tuple[Array, Array]:
    """Mid-ranks along the rows, and the tie correction of each row."""
    below = (values[:, :, None] > values[:, None, :]).sum(2)
    equal = (values[:, :, None] == values[:, None, :]).sum(2)
    return below + (equal + 1) / 2, (equal.astype(float) ** 2 - 1).sum(1)


def _windows(counts: Counts) -> Iterator[tuple[float, Array, Array]]:
    """Every ten minutes: the moment, and the last hour's error ratios by minute of the canary and of stable."""
    each = counts.minutes()
    canary, stable = _ratio(each.x1, each.n1), _ratio(each.x0, each.n0)
    for end in range(LOOK, canary.shape[1] + 1, LOOK):
        yield end * each.interval_s, canary[:, max(0, end - 60) : end], stable[:, max(0, end - 60) : end]


def mann_whitney(counts: Counts) -> Array:
    """Ranks at 1%, one-sided, and an effect: the canary's mean over 1.25 times stable's."""
    at = np.full(len(counts.n1), math.inf)
    for now, a, b in _windows(counts):
        m = a.shape[1]
        ranks, ties = _ranks(np.hstack([a, b]))
        u = ranks[:, :m].sum(1) - m * (m + 1) / 2 - m * m / 2
        spread = np.sqrt(np.maximum(m * m / 12 * (2 * m + 1 - ties / (2 * m * (2 * m - 1))), 1e-12))
        worse = (u / spread > 2.326) & (a.mean(1) > 1.25 * b.mean(1))
        at = np.where(worse & np.isinf(at), now, at)
    return at


def tolerant_mann_whitney(counts: Counts) -> Array:
    """As Kayenta has it: the shift's 98% interval (Hodges & Lehmann 1963) wholly over a tolerance of a quarter of it.

    And the same effect as above.
    """
    at = np.full(len(counts.n1), math.inf)
    for now, a, b in _windows(counts):
        m = a.shape[1]
        shifts = (a[:, :, None] - b[:, None, :]).reshape(len(a), m * m)
        k = max(round(m * m / 2 - 2.326 * math.sqrt(m * m * (2 * m + 1) / 12)), 0)
        parts = np.partition(shifts, (k, m * m // 2), axis=1)
        low, middle = parts[:, k], parts[:, m * m // 2]
        worse = (low > 0.25 * np.abs(middle)) & (a.mean(1) > 1.25 * b.mean(1))
        at = np.where(worse & np.isinf(at), now, at)
    return at


RULES: dict[str, ComparisonRule] = {
    "fixed threshold, failure limit": fixed_threshold,
    "cumulative failed checks": failed_checks,
    "Mann-Whitney": mann_whitney,
    "Mann-Whitney, tolerance": tolerant_mann_whitney,
    "z-test, every minute": z_test,
    "absolute + relative": relative_rule,
}


def oracle(counts: Counts, ratio: float, null: float, phi: float, onset_s: float) -> Array:
    """Wald's test at alpha = 1% that knows the true ratio, the dispersion and when the fault begins."""
    x = counts.x1 + counts.x0
    weigh = np.log((ratio * counts.n1 + counts.n0) / (null * counts.n1 + counts.n0))
    logs = (counts.x1 * math.log(ratio / null) - x * weigh) / phi
    logs[:, : round(onset_s / counts.interval_s)] = 0.0  # it has not seen what came before
    return first(logs.cumsum(1) >= math.log(100), counts.interval_s)


def information_bound(bake: tuple[Array, float, float, float], null: float, alpha: float) -> float:
    """The intervals until the divergence between the true share of errors and the null's has reached ln(1/alpha).

    `bake`: the canary's weight in each interval, requests an interval, the base ratio and how many times worse.
    """
    weights, requests, base, ratio = bake
    n1, n0 = requests * weights / 100, requests * (1 - weights / 100)
    errors = base * (ratio * n1 + n0)
    q, q0 = ratio * n1 / (ratio * n1 + n0), null * n1 / (null * n1 + n0)
    gained = (errors * (q * np.log(q / q0) + (1 - q) * np.log((1 - q) / (1 - q0)))).cumsum()
    short = math.log(1 / alpha)
    k = int((gained < short).sum())
    if k == len(gained):
        return math.inf
    before = float(gained[k - 1]) if k else 0.0
    return k + (short - before) / (float(gained[k]) - before)
