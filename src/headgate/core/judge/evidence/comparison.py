"""One bad share of the canary compared with stable's, interval by interval: the core of errors, latency and means."""

import math

import msgspec

from headgate.core.judge.evidence.alone import alone_logs, stands_alone
from headgate.core.judge.evidence.counts import Pair, conditional_logs
from headgate.core.judge.evidence.dispersion import BLOCK, Dispersion, cautious_phi, lasting, learn, settled
from headgate.core.judge.evidence.known import KnownShare, remember, stable_share
from headgate.core.judge.evidence.mirror import Harm, Mirror, advance_mirror, mirror_log
from headgate.core.judge.evidence.process import Grid, Process, advance, idle, start_process
from headgate.core.judge.evidence.proportions import proportion_logs
from headgate.core.judge.evidence.risk import at_risk

HIGH_SHARE = 0.1
"""Above this share (of stable, times the null) counts are compared as proportions: sharper there."""
CALM = 3.0
"""The canary has been well for a moment once this much evidence has spoken against harm."""
STORM = 8.0
"""The dispersion of a storm that stable has not shown yet."""


class ComparisonRule(msgspec.Struct, frozen=True):
    """How two shares are compared: the alternatives, the harm to rule out (if any), and how fast evidence may grow.

    `alone` is the harm that the canary is charged with where stable has next to no traffic; None: none is.
    `cap` is the most that one interval may add to the log-evidence while `phi` is not declared. `exact` always compares
    proportions, never conditional counts. `proof` is the evidence that rules harm out.
    """

    grid: Grid
    harm: Harm | None
    cap: float
    phi: float | None
    horizon_s: float
    proof: float
    exact: bool = False
    alone: Harm | None = None


class Comparison(msgspec.Struct, frozen=True, array_like=True):
    """What has been seen of one bad share of both arms.

    `process` is the evidence against the canary, since the start; `dispersion` and `known` are what is known of stable.
    `room` is what the log-evidence may gain now, `calm` the most that spoke against harm in any step. The rest is about
    the present step: the counts, the evidence against harm (`mirror`) and the most it has been, what the step after it
    risks (`risk`: the share of the users that meet the canary then), the canary's cases since stable's last one
    (`lone_n`), its bad cases that nothing could be compared with (`unweighed`), and the log-evidence of the last
    interval by itself (`latest`), before any cap.
    """

    process: Process
    dispersion: Dispersion = Dispersion()
    known: KnownShare = KnownShare()
    canary_n: int = 0
    canary_x: float = 0.0
    stable_n: int = 0
    stable_x: float = 0.0
    mirror: Mirror = Mirror()
    proof: float = 1.0
    room: float = math.inf
    calm: float = 1.0
    risk: float = 1.0
    lone_n: int = 0
    unweighed: float = 0.0
    latest: float = 0.0


def start_comparison(rule: ComparisonRule) -> Comparison:
    """Nothing seen yet."""
    return Comparison(start_process(len(rule.grid.alternatives)))


def enter_step(c: Comparison, risk: float = 1.0) -> Comparison:
    """A new step: evidence against the canary stays, evidence for going on starts again."""
    return Comparison(c.process, c.dispersion, c.known, room=c.room, calm=c.calm, risk=risk)


def phi_of(rule: ComparisonRule, c: Comparison) -> float:
    """The dispersion that evidence is tempered by."""
    return max(1.0, rule.phi) if rule.phi is not None else cautious_phi(c.dispersion)


def step_pair(c: Comparison) -> Pair:
    """The present step's counts."""
    return Pair(c.canary_n, c.canary_x, c.stable_n, c.stable_x)


def _pair_logs(rule: ComparisonRule, c: Comparison, pair: Pair, phi: float) -> list[float] | None:
    """The tempered log-likelihood ratios of one interval, or None when it says nothing.

    At high shares (as known before the interval) proportions are compared: there a clean interval tells something too.
    """
    if not pair.canary_n:
        return None
    if rule.alone is not None and stands_alone(c.canary_n, c.stable_n, c.lone_n):
        return alone_logs(rule.alone, c.known, pair, phi, rule.grid)
    if not pair.stable_n:
        return None
    known = c.known.share
    if rule.exact and known is None:
        return None  # no idea what stable's share might be: a blind bet is a lost one
    if rule.exact or (known is not None and known * rule.grid.null > HIGH_SHARE):
        return proportion_logs(rule.grid, pair, stable_share(c.known, exact=True), phi)
    return conditional_logs(rule.grid, pair, phi) if pair.canary_x or pair.stable_x else None


def bad_cases(rule: ComparisonRule, pair: Pair) -> float:
    """The canary's bad cases, where the counts may be of good ones."""
    return pair.canary_n - pair.canary_x if rule.grid.null < 1 else pair.canary_x


def _sparing(c: Comparison) -> bool:
    """Whether what comes now may be a storm: the canary has been well, and stable has not shown yet what storms do.

    A version that fails its users does so from the start, as a rule, and is then found at once.
    """
    return c.calm >= CALM and not settled(c.dispersion)


def _against(
    rule: ComparisonRule, c: Comparison, logs: list[float] | None, interval_s: float, phi: float
) -> tuple[Process, float]:
    """The evidence after one more interval, and the room that is left for what comes next.

    No alternative gains more than `cap` while one burst lasts: where bursts may go on over several intervals, the room
    that is used up comes back over as many, so that no verdict rests on a single storm. What even a storm's dispersion
    leaves of an interval's evidence always counts: a fault that fails hundreds is no storm.
    """
    release = min(interval_s / rule.horizon_s, 1.0)
    if rule.phi is not None:
        process = c.process
        return (idle(process, release) if logs is None else advance(process, logs, math.inf, release)), c.room
    sparing = _sparing(c)
    most = rule.cap / 2 if sparing else rule.cap
    room = min(c.room + rule.cap / (BLOCK if sparing else lasting(c.dispersion)), most)
    if logs is None:
        return idle(c.process, release), room
    highest = max(logs)
    limit = max(room, min(highest * phi / STORM, rule.cap)) if sparing else room
    return advance(c.process, logs, limit, release), room - min(max(highest, 0.0), room)


def _towards_promotion(rule: ComparisonRule, c: Comparison, pair: Pair, phi: float) -> Mirror:
    if rule.harm is None or not pair.canary_n or c.proof >= rule.proof:
        return c.mirror  # no harm to rule out, nothing seen, or proven already
    if rule.exact and c.known.share is None:
        return c.mirror  # no idea what stable's share might be: a blind bet is a lost one
    believed = stable_share(c.known, exact=rule.exact)
    gain = mirror_log(at_risk(rule.harm, c.risk, believed), pair, believed) / phi
    if rule.phi is None and gain > 0:
        gain = min(gain, math.log(rule.proof) / lasting(c.dispersion))  # a lull between storms proves little
    return advance_mirror(c.mirror, gain)


def observe_pair(
    rule: ComparisonRule,
    c: Comparison,
    pair: Pair,
    half: tuple[int, int],
    interval_s: float,
    known_phi: float | None = None,
    stable: tuple[int, float] | None = None,
) -> Comparison:
    """One more interval. Everything that weighs it was known before it: only so are the bets fair.

    `half`: cases and bad cases of half of stable's instances. `known_phi`: the dispersion, where it is known already.
    `stable`: cases and bad cases of all of it, where the pair has a part only.
    """
    n, x = stable or (pair.stable_n, pair.stable_x)
    phi = phi_of(rule, c) if known_phi is None else known_phi
    mirror = _towards_promotion(rule, c, pair, phi)
    logs = _pair_logs(rule, c, pair, phi)
    process, room = _against(rule, c, logs, interval_s, phi)
    return Comparison(
        process,
        learn(c.dispersion, n, x, half),
        remember(c.known, n, x, interval_s),
        c.canary_n + pair.canary_n,
        c.canary_x + pair.canary_x,
        c.stable_n + pair.stable_n,
        c.stable_x + pair.stable_x,
        mirror,
        max(c.proof, mirror.e_value),
        room,
        max(c.calm, mirror.e_value),
        c.risk,
        0 if pair.stable_n else c.lone_n + pair.canary_n,
        c.unweighed + (bad_cases(rule, pair) if logs is None else 0.0),
        max(logs) if logs is not None else 0.0,
    )
