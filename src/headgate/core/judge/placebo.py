"""Stable against itself: the judge's own false alarms, measured where there can be no fault.

Every other instance of stable plays the canary, then the others do: the mean of both e-processes. Wherever it reaches
what a verdict needs, the same rule would have failed stable against stable. It decides nothing.
"""

import msgspec

from headgate.core.judge.conditional import conditional_logs
from headgate.core.judge.grid import Grid
from headgate.core.judge.pair import Pair
from headgate.core.judge.process import Process, advance, start_process

POINTS = 5


class Placebo(msgspec.Struct, frozen=True, array_like=True):
    """Each half in the canary's place, and the most that the evidence has been."""

    one: Process = start_process(POINTS)
    other: Process = start_process(POINTS)
    highest: float = 1.0


def observe_placebo(
    grid: Grid, placebo: Placebo, stable: tuple[int, float], half: tuple[int, int], how: tuple[float, float]
) -> Placebo:
    """One more interval; `stable` and `half` are cases and bad cases, `how` the dispersion and the interval's cap."""
    (n, x), (half_n, half_x), (phi, cap) = stable, half, how
    if not x or not 0 < half_n < n:
        return placebo
    rest_n, rest_x = n - half_n, x - half_x
    one = conditional_logs(grid, Pair(half_n, half_x, rest_n, rest_x), phi)
    other = conditional_logs(grid, Pair(rest_n, rest_x, half_n, half_x), phi)
    after = advance(placebo.one, one, cap, 0.0), advance(placebo.other, other, cap, 0.0)
    return Placebo(*after, max(placebo.highest, (after[0].e_value + after[1].e_value) / 2))
