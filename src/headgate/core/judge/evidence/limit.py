"""Absolute limits: a one-sample e-process, charged to the canary only while stable meets the limit itself.

The null is "the bad share is at most m"; the mixture is over shares above m. The factor of one interval,
(p/m)^x ((1-p)/(1-m))^(n-x), has a mean of at most 1 for any mix of shares up to m.
"""

import msgspec

from headgate.core.judge.evidence.counts import Pair
from headgate.core.judge.evidence.known import KnownShare, remember
from headgate.core.judge.evidence.process import Grid, Process, advance, idle, odds_grid, start_process
from headgate.core.judge.evidence.proportions import inside, share_logs

POINTS = 10
PLAIN_X = 5
"""Bad answers of stable before it is said to break the limit."""


class LimitTest(msgspec.Struct, frozen=True, array_like=True):
    """`process` is the evidence since the start, `known` is stable; the counts are of this step.

    `excused` is true while stable, too, plainly breaks the limit.
    """

    process: Process
    known: KnownShare = KnownShare()
    canary_n: int = 0
    canary_x: float = 0.0
    excused: bool = False


class LimitRule(msgspec.Struct, frozen=True):
    """`share` is the most bad answers allowed; `cap` the most that one interval may add to the log-evidence."""

    share: float
    cap: float
    horizon_s: float

    @property
    def grid(self) -> Grid:
        """The shares above the limit."""
        return odds_grid(inside(self.share), POINTS)


def start_limit() -> LimitTest:
    """Nothing seen yet."""
    return LimitTest(start_process(POINTS))


def enter_step(limit: LimitTest) -> LimitTest:
    """A new step: the evidence stays, the counts start again."""
    return LimitTest(limit.process, limit.known, excused=limit.excused)


def stable_meets(rule: LimitRule, pair: Pair, known: KnownShare) -> bool:
    """Whether stable keeps the limit, lately and in this very interval (one bad answer is no breach)."""
    if known.share is not None and known.share > rule.share:
        return False
    return pair.stable_x < 2 or pair.stable_x <= rule.share * pair.stable_n  # noqa: PLR2004


def _breaks(rule: LimitRule, known: KnownShare) -> bool:
    """Whether stable plainly breaks the limit, over minutes or lately: not by an error or two."""
    spans = ((known.n, known.x), (known.recent_n, known.recent_x))
    return any(x >= PLAIN_X and x > rule.share * n for n, x in spans)


def observe_limit(rule: LimitRule, limit: LimitTest, pair: Pair, phi: float, interval_s: float) -> LimitTest:
    """One more interval of the canary; with no stable at all, the limit alone is judged."""
    release = min(interval_s / rule.horizon_s, 1.0)
    alone = not pair.stable_n
    if pair.canary_n and (alone or stable_meets(rule, pair, limit.known)):
        logs = [log / phi for log in share_logs(rule.grid, pair.canary_n, pair.canary_x)]
        process = advance(limit.process, logs, rule.cap, release)
    else:
        process = idle(limit.process, release)
    known = remember(limit.known, pair.stable_n, pair.stable_x, interval_s)
    return LimitTest(
        process,
        known,
        limit.canary_n + pair.canary_n,
        limit.canary_x + pair.canary_x,
        not alone and _breaks(rule, known),
    )
