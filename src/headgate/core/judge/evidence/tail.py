"""The tail of a binomial, exactly."""

import math

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
