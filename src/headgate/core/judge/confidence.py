"""The canary's bad share over stable's, with an interval that is valid at any time.

Per interval, given the total, the log-likelihood of the ratio r is x1 ln(r) - x ln(r n1 + n0) (see `conditional`). Summed
over intervals, divided by phi, and compared with its own mixture over a grid of ratios, it gives the confidence sequence
{r : mixture / likelihood(r) < 1 / level} (Robbins 1970; Lindon & Malek 2022): it covers the true ratio at all times at
once, with probability 1 - level. Between grid points the log-likelihood is interpolated.
"""

import math

from headgate.core.judge.pair import Pair

LEVEL = 0.05
RATIOS = tuple(math.exp(math.log(0.03) + k * math.log(1000 / 0.03) / 27) for k in range(28))
"""Ratios from 0.03 to 1000, log-spaced."""
LOGS = tuple(math.log(ratio) for ratio in RATIOS)


def start_likelihood() -> tuple[float, ...]:
    """Nothing seen yet."""
    return (0.0,) * len(RATIOS)


def observe_likelihood(likelihood: tuple[float, ...], pair: Pair, phi: float) -> tuple[float, ...]:
    """One more interval, tempered by the dispersion; all values are relative to the ratio 1."""
    n1, n0, x1 = pair.canary_n, pair.stable_n, pair.canary_x / phi
    total = (pair.canary_x + pair.stable_x) / phi
    if not total or not n1 or not n0:
        return likelihood
    log, one = math.log, math.log(n1 + n0)
    return tuple(
        [
            value + x1 * f - total * (log(r * n1 + n0) - one)
            for value, r, f in zip(likelihood, RATIOS, LOGS, strict=True)
        ]
    )


def _crossing(inner: int, outer: int, likelihood: tuple[float, ...], floor: float) -> float:
    part = (likelihood[inner] - floor) / (likelihood[inner] - likelihood[outer])
    return math.exp(LOGS[inner] + part * (LOGS[outer] - LOGS[inner]))


def ratio_interval(likelihood: tuple[float, ...]) -> tuple[float | None, float | None]:
    """The lowest and highest ratio that are still believable, each None where the grid does not bound it."""
    top = max(likelihood)
    mixture = top + math.log(sum([math.exp(value - top) for value in likelihood]) / len(likelihood))
    floor = mixture + math.log(LEVEL)
    inside = [k for k, value in enumerate(likelihood) if value > floor]
    if not inside:
        return None, None
    first, last = inside[0], inside[-1]
    low = _crossing(first, first - 1, likelihood, floor) if first else None
    high = _crossing(last, last + 1, likelihood, floor) if last + 1 < len(likelihood) else None
    return low, high
