"""The canary's bad share over stable's, with an interval that is valid at any time.

Per interval, given the total, the log-likelihood of the ratio r is x1 ln(r) - x ln(r n1 + n0) (see `conditional`).
Summed over intervals, divided by phi, and compared with its own mixture over a grid of ratios, it gives the confidence
sequence {r : mixture / likelihood(r) < 1 / level} (Robbins 1970; Lindon & Malek 2022): it covers the true ratio at all
times at once, with probability 1 - level. Between grid points the log-likelihood is interpolated.
"""

import math
from operator import add

from headgate.core.judge.grid import Grid

LEVEL = 0.05


def observe_likelihood(likelihood: tuple[float, ...], logs: list[float]) -> tuple[float, ...]:
    """One more interval; `logs` are relative to the grid's null and tempered by the dispersion."""
    return tuple(map(add, likelihood, logs))


def ratio_interval(grid: Grid, likelihood: tuple[float, ...]) -> tuple[float | None, float | None]:
    """The lowest and highest ratio that are still believable, each None where the grid does not bound it."""
    if not any(likelihood):
        return None, None
    top, exp = max(likelihood), math.exp
    mixture = top + math.log(sum([exp(value - top) for value in likelihood]) / len(likelihood))
    floor = mixture + math.log(LEVEL)
    first, last = 0, len(likelihood) - 1
    while likelihood[first] <= floor:
        first += 1
    while likelihood[last] <= floor:
        last -= 1

    def crossing(inner: int, outer: int) -> float:
        part = (likelihood[inner] - floor) / (likelihood[inner] - likelihood[outer])
        return grid.null * math.exp(grid.logs[inner] + part * (grid.logs[outer] - grid.logs[inner]))

    low = crossing(first, first - 1) if first else None
    high = crossing(last, last + 1) if last + 1 < len(likelihood) else None
    return low, high
