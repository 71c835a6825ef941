"""Absolute limits: a one-sample e-process, charged to the canary only while stable meets the limit itself.

The null is "the bad share is at most m"; the mixture is over shares above m. The factor of one interval,
(p/m)^x ((1-p)/(1-m))^(n-x), has a mean of at most 1 for any mix of shares up to m.
"""

import msgspec

from headgate.core.judge.grid import Grid, odds_grid
from headgate.core.judge.pair import Pair
from headgate.core.judge.process import Process, advance, idle, start_process
from headgate.core.judge.proportions import inside, share_logs

POINTS = 10


class Limit(msgspec.Struct, frozen=True, array_like=True):
    """`process` is the evidence since the start; counts are of this step.

    `blamed` is false while stable breaks the limit too.
    """

    process: Process
    canary_n: int = 0
    canary_x: float = 0.0
    blamed: bool = True


class LimitRule(msgspec.Struct, frozen=True):
    """`share` is the most bad answers allowed; `cap` the most that one interval may add to the log-evidence."""

    share: float
    cap: float
    horizon_s: float

    @property
    def grid(self) -> Grid:
        """The shares above the limit."""
        return odds_grid(inside(self.share), POINTS)


def start_limit() -> Limit:
    """Nothing seen yet."""
    return Limit(start_process(POINTS))


def enter_step(limit: Limit) -> Limit:
    """A new step: the evidence stays, the counts start again."""
    return Limit(limit.process, blamed=limit.blamed)


def stable_meets(rule: LimitRule, pair: Pair, known: float | None) -> bool:
    """Whether stable keeps the limit, lately (`known`) and in this very interval (one bad answer is no breach)."""
    if known is not None and known > rule.share:
        return False
    return pair.stable_x < 2 or pair.stable_x <= rule.share * pair.stable_n  # noqa: PLR2004


def observe_limit(
    rule: LimitRule, limit: Limit, pair: Pair, known: float | None, phi: float, interval_s: float
) -> Limit:
    """One more interval of the canary; with no stable at all, the limit alone is judged."""
    release = min(interval_s / rule.horizon_s, 1.0)
    blamed = not pair.stable_n or stable_meets(rule, pair, known)
    if not pair.canary_n or not blamed:
        process = idle(limit.process, release)
    else:
        logs = [log / phi for log in share_logs(rule.grid, pair.canary_n, pair.canary_x)]
        process = advance(limit.process, logs, rule.cap, release)
    return Limit(process, limit.canary_n + pair.canary_n, limit.canary_x + pair.canary_x, blamed)
