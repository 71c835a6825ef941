"""A stable that serves nobody: the candidate is judged by its own evidence, and nothing waits for stable to be well.

Freezing the weight protects users while both versions may suffer from the same bad day. Where stable fails most of its
requests there is nobody left to protect: what answers quickly with an error is no measure of latency, and the fix for
all of it may be the candidate. It has to show that it serves: that its bad share is under `SERVES`, by a sequential
likelihood ratio (Wald 1947) of a tenth of that against it, over the step's counts.
"""

import math

from msgspec.structs import replace

from headgate.core.judge.evidence.comparison import Comparison, Rule
from headgate.core.judge.evidence.proportions import share_log
from headgate.core.judge.verdict.reading import Reading
from headgate.core.judge.words import amount
from headgate.core.model.sample import Arm

DEAD_SHARE = 0.5
"""Stable is dead when it fails this share of its requests lately ..."""
DEAD_N = 20
"""... of so many at least."""
SERVES = 0.05
"""A candidate serves when no more than this share of its requests fails."""
BURSTS = 2.0
"""The dispersion of its errors, where none is declared: what stable showed while it died says nothing of it."""
_GOOD = SERVES / 10


def is_dead(c: Comparison) -> bool:
    """Whether stable fails most of its requests, by what is known of it lately."""
    return c.known.recent_n >= DEAD_N and c.known.recent_x >= DEAD_SHARE * c.known.recent_n


def fails_most(arm: Arm) -> bool:
    """Whether this interval's requests mostly failed: what they took, and what came of them, is no measure."""
    return arm.errors > 0 and arm.errors >= DEAD_SHARE * arm.requests


def by_its_own_evidence(rule: Rule, c: Comparison, readings: tuple[Reading, ...]) -> tuple[Reading, ...]:
    """The readings where stable is dead: errors decide, by what the candidate shows of itself; the rest is shown."""
    missing = _missing(rule, c)
    return tuple(
        replace(reading, external="", sudden=False, blocks=missing)
        if reading.evidence.metric.startswith("error_ratio")
        else replace(reading, weight=0.0)
        for reading in readings
    )


def _missing(rule: Rule, c: Comparison) -> str:
    """What still keeps the candidate from having shown that it serves; empty once it has."""
    phi = rule.phi or BURSTS
    lacking = math.log(rule.proof) - share_log(c.canary_n, c.canary_x, _GOOD, SERVES) / phi
    if lacking <= 0:
        return ""
    more = amount(lacking * phi / share_log(1, 0, _GOOD, SERVES))
    return f"stable fails most of its requests; about {more} more good requests of the canary show that it serves"
