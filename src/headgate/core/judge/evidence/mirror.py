"""Evidence that a version may go on: the mirror of the evidence against it.

Its null is harm: the canary's bad share is at least `worse` times stable's *and* at least `worse_by` higher. It is
refuted by the same safe test of two proportions (`proportions`) that refutes "no worse", betting on equal arms; of the
null's two edges the bet is placed against the one farther from stable's share, and it is valid against both since
either half-plane contains the null. Promotion is proven once the evidence has reached 1/beta (Ville 1939). Without
errors each clean request is worth -ln(1 - worse_by), so about ln(1/beta) / worse_by of them are enough.
"""

import math

import msgspec

from headgate.core.judge.evidence.counts import Pair
from headgate.core.judge.evidence.process import CEILING
from headgate.core.judge.evidence.proportions import (
    inside,
    log_factor,
    nearest_on_difference,
    nearest_on_ratio,
    share_log,
)

FROM_START = 0.8
RESTART = 0.05
"""Most of the mass bets from the step's start; a twentieth of the rest begins anew at every interval, so that a bad
first second (a cold start, an incident on both arms) does not weigh on the whole step."""
LARGEST = 50.0


class Harm(msgspec.Struct, frozen=True):
    """The least harm that promotion must rule out: `ratio` times stable's share; `difference` more than it, or None.

    A ratio under 1 is for shares that should be high.
    """

    ratio: float
    difference: float | None


class Mirror(msgspec.Struct, frozen=True, array_like=True):
    """The evidence against harm: what the bets have become, and what has not been bet yet."""

    mass: float = FROM_START
    waiting: float = 1.0 - FROM_START

    @property
    def e_value(self) -> float:
        """The evidence: 1 is none, 20 is "20 to 1 that there is no harm"."""
        return self.mass + self.waiting


def advance_mirror(mirror: Mirror, log: float) -> Mirror:
    """One more interval, with its log-factor against harm."""
    fresh = mirror.waiting * RESTART
    mass = (mirror.mass + fresh) * math.exp(min(log, LARGEST))
    return Mirror(min(mass, CEILING), mirror.waiting - fresh)


def harmful_share(harm: Harm, stable_share: float) -> float:
    """The canary's share at which harm begins, for a stable share."""
    if harm.difference is None:
        return harm.ratio * stable_share
    return max(harm.ratio * stable_share, stable_share + harm.difference)


def _null(harm: Harm, pair: Pair, a: float) -> tuple[float, float]:
    n1, n0 = pair.canary_n, pair.stable_n
    if harm.difference is None or a * (harm.ratio - 1) >= harm.difference:
        b0 = nearest_on_ratio(harm.ratio, n1, n0, a, a)
        return b0, harm.ratio * b0
    b0 = nearest_on_difference(harm.difference, n1, n0, a, a)
    return b0, b0 + harm.difference


def mirror_log(harm: Harm, pair: Pair, stable_share: float) -> float:
    """The log of one interval's factor against harm; `stable_share` is known from earlier intervals only."""
    a = inside(stable_share)
    if not pair.canary_n or harmful_share(harm, a) >= 1:
        return 0.0
    if not pair.stable_n:
        return _alone(harm, pair, a)
    b0, b1 = _null(harm, pair, a)
    return log_factor(pair, (a, a), (inside(b0), inside(b1)))


def _alone(harm: Harm, pair: Pair, a: float) -> float:
    return share_log(pair.canary_n, pair.canary_x, a, inside(harmful_share(harm, a)))


def cases_needed(harm: Harm, stable_share: float, log_needed: float) -> float:
    """About how many more cases of a healthy canary it takes to gain `log_needed`, where stable has many more."""
    a = inside(stable_share)
    b = harmful_share(harm, a)
    if b >= 1 or log_needed <= 0:
        return math.inf if log_needed > 0 else 0.0
    b = inside(b)
    return log_needed / share_log(1, a, a, b)
