"""Whether stable itself has plainly got worse: then it is a bad day, whoever the canary is.

Stable's last seconds are compared with the minutes before them. What is known of it "lately" is a part of what is
known "over minutes" (`known`), so their difference is what was before. It has plainly got worse when the likelihood
of lately's bad cases, against their being `PLAIN` times as frequent as before, is as great as a verdict needs.
"""

import math

from headgate.core.judge.evidence.known import KNOWN_N, KnownShare

PLAIN = 3.0
"""Up to this many times worse than before is a day like another."""
PRIOR_X = 0.5
PRIOR_N = 50.0
BURST_MAX = 4.0
"""The onset of an incident looks like a burst: here, dispersion counts up to this much."""
AFTER_STEP_S = 60.0
"""Stable getting worse so soon after a step may be the canary's doing, through something that both depend on."""


def degraded(
    known: KnownShare, phi: float, needed: float, *, good: bool = False
) -> tuple[float, float] | None:
    """Stable's bad share before and lately where it has plainly got worse; `good`: the counts are of good cases."""
    n, before_n = known.recent_n, known.n - known.recent_n
    x, before_x = known.recent_x, known.x - known.recent_x
    if good:
        x, before_x = n - x, before_n - before_x
    if before_n < KNOWN_N or x < 1:
        return None
    before, lately = (max(before_x, 0.0) + PRIOR_X) / (before_n + PRIOR_N), x / n
    due = PLAIN * before * n
    if x <= due or (x * math.log(x / due) - x + due) / min(phi, BURST_MAX) < math.log(needed):
        return None
    return before, lately
