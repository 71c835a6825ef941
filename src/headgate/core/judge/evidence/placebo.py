"""Stable against itself: the judge's own false alarms, measured where there can be no fault.

Every other instance of stable plays the canary or, where there is one, the fresh baseline does. Where that evidence
reaches what a verdict needs, the same rule would have failed stable against stable. It decides nothing.
"""

import msgspec

from headgate.core.judge.evidence.counts import conditional_logs
from headgate.core.judge.evidence.grid import Grid
from headgate.core.judge.evidence.pair import Pair
from headgate.core.judge.evidence.process import Process, advance, start_process

POINTS = 5


class Placebo(msgspec.Struct, frozen=True, array_like=True):
    """The evidence against the half that plays the canary, and the most that it has been."""

    process: Process = start_process(POINTS)
    highest: float = 1.0


def observe_placebo(
    grid: Grid, placebo: Placebo, stable: tuple[int, float], half: tuple[int, int], how: tuple[float, float]
) -> Placebo:
    """One more interval; `stable` and `half` are cases and bad cases, `how` the dispersion and the interval's cap."""
    (n, x), (half_n, half_x), (phi, cap) = stable, half, how
    if not x or not 0 < half_n < n:
        return placebo
    logs = conditional_logs(grid, Pair(half_n, half_x, n - half_n, x - half_x), phi)
    process = advance(placebo.process, logs, cap, 0.0)
    return Placebo(process, max(placebo.highest, process.e_value))
