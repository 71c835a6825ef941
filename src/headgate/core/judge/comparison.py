"""One bad share of the canary compared with stable's, interval by interval: the core of errors, latency and means."""

import math

import msgspec

from headgate.core.judge.conditional import conditional_logs
from headgate.core.judge.dispersion import Dispersion, cautious_phi, learn, plain_phi
from headgate.core.judge.grid import Grid
from headgate.core.judge.mirror import Harm, mirror_log
from headgate.core.judge.pair import Pair
from headgate.core.judge.process import Process, advance, idle, start_process
from headgate.core.judge.proportions import proportion_logs

HIGH_SHARE = 0.1
"""Above this share (of stable, times the null) counts are compared as proportions: sharper there."""
KNOWN_N = 20
"""Cases of stable before its share is believed."""
MEMORY_S = 300.0
"""What stable did counts half as much after this time."""
PRIOR_SHARE = 0.01
PRIOR_N = 10.0
"""A share nobody has measured yet is taken to be this, with the weight of so many cases."""


class Rule(msgspec.Struct, frozen=True):
    """How two shares are compared: the alternatives, the harm to rule out (if any), and how fast evidence may grow.

    `cap` is the most that one interval may add to the log-evidence while `phi` is not declared. `exact` always compares
    proportions, never conditional counts.
    """

    grid: Grid
    harm: Harm | None
    cap: float
    phi: float | None
    horizon_s: float
    exact: bool = False


class Comparison(msgspec.Struct, frozen=True, array_like=True):
    """`process` is the evidence against the canary, since the start; the rest is about the present step,
    except what is known of stable: `dispersion`, and `known_x` of `known_n`, slowly forgotten.

    `mirror` is the log-evidence against harm in this step and `proof` the most it has been.
    """  # fmt: skip

    process: Process
    dispersion: Dispersion = Dispersion()
    known_n: float = 0.0
    known_x: float = 0.0
    canary_n: int = 0
    canary_x: float = 0.0
    stable_n: int = 0
    stable_x: float = 0.0
    mirror: float = 0.0
    proof: float = 0.0


def start_comparison(rule: Rule) -> Comparison:
    """Nothing seen yet."""
    return Comparison(start_process(len(rule.grid.alternatives)))


def enter_step(c: Comparison) -> Comparison:
    """A new step: evidence against the canary stays, evidence for going on starts again."""
    return Comparison(c.process, c.dispersion, c.known_n, c.known_x)


def known_share(c: Comparison) -> float | None:
    """Stable's bad share as far as earlier intervals tell, or None."""
    return c.known_x / c.known_n if c.known_n >= KNOWN_N else None


def stable_share(c: Comparison, *, exact: bool) -> float:
    """The share that bets are placed at: what is known of stable, with a prior."""
    prior = 0.5 if exact else PRIOR_SHARE * PRIOR_N
    return (c.known_x + prior) / (c.known_n + (1.0 if exact else PRIOR_N))


def phi_of(rule: Rule, c: Comparison) -> float:
    """The dispersion that evidence against the canary is tempered by."""
    return rule.phi if rule.phi is not None else cautious_phi(c.dispersion)


def pair_logs(rule: Rule, c: Comparison, pair: Pair) -> list[float]:
    """The untempered log-likelihood ratios of one interval, by conditional counts or, at high shares, proportions."""
    known = known_share(c)
    if rule.exact or (known is not None and known * rule.grid.null > HIGH_SHARE):
        return proportion_logs(rule.grid, pair, stable_share(c, exact=True))
    return conditional_logs(rule.grid, pair)


def _against(rule: Rule, c: Comparison, pair: Pair, interval_s: float) -> Process:
    release = min(interval_s / rule.horizon_s, 1.0)
    if not pair.canary_n or not pair.stable_n or not (rule.exact or pair.canary_x or pair.stable_x):
        return idle(c.process, release)
    phi, cap = phi_of(rule, c), rule.cap if rule.phi is None else math.inf
    logs = pair_logs(rule, c, pair)
    return advance(c.process, [log / phi for log in logs] if phi > 1 else logs, cap, release)


def _towards_promotion(rule: Rule, c: Comparison, pair: Pair) -> float:
    if rule.harm is None or not pair.canary_n:
        return 0.0
    if rule.exact and not pair.stable_n and known_share(c) is None:
        return 0.0  # nothing to compare with, and no idea what stable's share might be
    phi = rule.phi if rule.phi is not None else plain_phi(c.dispersion)
    return mirror_log(rule.harm, pair, stable_share(c, exact=rule.exact)) / phi


def observe_pair(rule: Rule, c: Comparison, pair: Pair, half: tuple[int, int], interval_s: float) -> Comparison:
    """One more interval. Everything that weighs it was known before it: only so are the bets fair."""
    process = _against(rule, c, pair, interval_s)
    mirror = c.mirror + _towards_promotion(rule, c, pair)
    keep = 0.5 ** (interval_s / MEMORY_S)
    return Comparison(
        process,
        learn(c.dispersion, pair.stable_n, pair.stable_x, half),
        c.known_n * keep + pair.stable_n,
        c.known_x * keep + pair.stable_x,
        c.canary_n + pair.canary_n,
        c.canary_x + pair.canary_x,
        c.stable_n + pair.stable_n,
        c.stable_x + pair.stable_x,
        mirror,
        max(c.proof, mirror),
    )
