"""What one metric says after an interval: its evidence, its part in the decision, and whether it keeps `pass` back."""

import math
from functools import lru_cache

import msgspec

from headgate.core.judge.evidence.alone import stands_alone
from headgate.core.judge.evidence.comparison import Comparison, ComparisonRule, phi_of, step_pair
from headgate.core.judge.evidence.confidence import ratio_interval
from headgate.core.judge.evidence.counts import share
from headgate.core.judge.evidence.known import stable_share
from headgate.core.judge.evidence.limit import LimitTest
from headgate.core.judge.evidence.mirror import cases_needed, harmful_share
from headgate.core.judge.evidence.risk import at_risk, needed
from headgate.core.judge.verdict.external import degraded
from headgate.core.judge.words import amount, percent, times
from headgate.core.model.criteria import JudgeSpec
from headgate.core.model.verdict import Evidence, VerdictKind

UNEASY = 3.0
"""With evidence of 3 to 1 against the canary in any metric nothing passes, whatever was proven before."""
UNWEIGHED_MIN = 3.0
"""So many bad cases that nothing could be compared with are no chance event any more."""


class Reading(msgspec.Struct, frozen=True):
    """`weight` is the metric's part in the evidence; `blocks` says why nothing may pass yet (empty: it may).

    `external` says what is wrong with stable itself; `sudden`: it has only lately got so. `warning` is said beside the
    verdict, and decides nothing.
    """

    evidence: Evidence
    weight: float
    blocks: str = ""
    external: str = ""
    sudden: bool = False
    warning: str = ""


class Found(msgspec.Struct, frozen=True):
    """A comparison's evidence, and what keeps `pass` back."""

    e_value: float
    blocks: str


class Subject(msgspec.Struct, frozen=True):
    """How a metric is named: `metric` for machines, `noun` for people; `allowed` is the factor it is held to.

    `beside` says what is counted of stable, where that is something else.
    """

    metric: str
    noun: str
    allowed: float
    unit: str = "request"
    good: bool = False
    beside: str = ""


def suspicious(spec: JudgeSpec, e_value: float) -> bool:
    """Half-way (in logarithms) to a failing verdict."""
    return e_value * e_value >= needed(spec)


@lru_cache(maxsize=64)
def allowance(factor: float) -> str:
    """What a metric is held to, in words."""
    return f"{'at least' if factor < 1 else 'allowed'} {times(factor)}"


def _comparison_words(rule: ComparisonRule, subject: Subject, c: Comparison) -> tuple[str, float | None]:
    canary, stable = share(c.canary_x, c.canary_n), share(c.stable_x, c.stable_n)
    if canary is None:
        return f"{subject.noun}: nothing from the canary in this step yet", None
    if stable is None or (rule.alone is not None and stands_alone(c.canary_n, c.stable_n, c.lone_n)):
        return f"{subject.noun} {percent(canary)}, {_before(c)}", None
    ratio = canary / stable if stable > 0 else None
    measured = f"{times(ratio)}, " if ratio is not None else ""
    beside = f"{percent(stable)} {subject.beside}on stable ({measured}{allowance(subject.allowed)})"
    return f"{subject.noun} {percent(canary)} against {beside}", ratio


def _before(c: Comparison) -> str:
    """What stands in for stable, where it has no traffic."""
    share = c.known.share
    return "no stable to compare with" if share is None else f"{percent(share)} on stable before"


def missing_proof(rule: ComparisonRule, subject: Subject, c: Comparison) -> str:
    """What still speaks against passing, as a clause; empty once harm is ruled out in this step."""
    if rule.harm is None or c.proof >= rule.proof:
        return ""
    lacking = math.log(rule.proof / c.mirror.e_value) * phi_of(rule, c)
    believed = stable_share(c.known, exact=rule.exact)
    more = cases_needed(at_risk(rule.harm, c.risk, believed), believed, lacking)
    return f"{subject.noun}: about {amount(more)} more good {subject.unit}s of the canary are needed to rule out harm"


def comparison_reading(
    spec: JudgeSpec,
    rule: ComparisonRule,
    subject: Subject,
    c: Comparison,
    weight: float,
    found: Found | None = None,
) -> Reading:
    """A comparison's reading. Without stable only the promise of no harm is judged."""
    note, ratio = _comparison_words(rule, subject, c)
    if found is None:
        found = Found(c.process.e_value, missing_proof(rule, subject, c))
    e_value, blocks = found.e_value, _kept_back(rule, subject, c, found.blocks)
    kind: VerdictKind = "inconclusive" if suspicious(spec, e_value) else "watch" if blocks else "pass"
    low, high = ratio_interval(step_pair(c), phi_of(rule, c), exact=rule.exact)
    stable, canary = share(c.stable_x, c.stable_n), share(c.canary_x, c.canary_n)
    evidence = Evidence(subject.metric, kind, e_value, stable, canary, ratio, low, high, note)
    if not spec.external:
        return Reading(evidence, weight, blocks)
    worse = stable_trouble(spec, rule, subject, c)
    return Reading(evidence, weight, blocks, worse, bool(worse))


def _kept_back(rule: ComparisonRule, subject: Subject, c: Comparison, proof: str) -> str:
    """Why the metric keeps a pass back, as a clause: the first rule of three that does; empty: none does.

    `proof` is what is missing of it: a share that only stable could give a meaning to, so that it counts for nothing
    where stable has next to no traffic left.
    """
    if proof and not (rule.exact and stands_alone(c.canary_n, c.stable_n, c.lone_n)):
        return proof
    return _unweighed(rule, subject, c) or _just_now(subject, c)


def _unweighed(rule: ComparisonRule, subject: Subject, c: Comparison) -> str:
    """Whether more bad cases than harm begins at had nothing to be compared with: unknown is no success."""
    harm = rule.alone
    if harm is None or c.unweighed < UNWEIGHED_MIN:
        return ""
    begins = harmful_share(harm, stable_share(c.known, exact=rule.exact))
    begins = 1 - begins if harm.ratio < 1 else begins
    if c.unweighed <= begins * c.canary_n:
        return ""
    unit = subject.unit
    return f"{subject.noun}: {c.unweighed:.0f} bad {unit}s of the canary came while stable had none to compare with"


def _just_now(subject: Subject, c: Comparison) -> str:
    """Whether the last interval by itself speaks against the canary: no release passes at the moment it goes bad."""
    return f"{subject.noun}: worse in the last interval than before" if c.latest >= math.log(UNEASY) else ""


def stable_trouble(spec: JudgeSpec, rule: ComparisonRule, subject: Subject, c: Comparison) -> str:
    """What has plainly got worse on stable, or nothing."""
    good = subject.allowed < 1
    shares = degraded(c.known, phi_of(rule, c), needed(spec), good=good)
    if shares is None:
        return ""
    before, lately = (1 - share for share in shares) if good else shares
    return (
        f"stable itself got worse: {subject.noun} {percent(lately)} lately against {percent(before)} before"
    )


def limit_reading(spec: JudgeSpec, subject: Subject, limit: LimitTest, weight: float) -> Reading:
    """An absolute limit's reading; while stable breaks the limit too, the canary is not blamed and nothing passes."""
    measured = share(limit.canary_x, limit.canary_n)
    e_value = limit.process.e_value
    if measured is None:
        note = f"{subject.noun}: nothing from the canary in this step yet"
        return Reading(Evidence(subject.metric, "watch", e_value, note=note), weight)
    shown, allowed = (1 - measured, 1 - subject.allowed) if subject.good else (measured, subject.allowed)
    bound = "at least" if subject.good else "at most"
    note = f"{subject.noun} {percent(shown)} ({bound} {percent(allowed)} allowed)"
    blocks = ""
    if limit.excused:
        blocks = f"stable itself breaks the limit for {subject.noun}: not charged to the canary"
        note = f"{note}; {blocks}"
    kind: VerdictKind = "inconclusive" if suspicious(spec, e_value) or blocks else "pass"
    ratio = shown / allowed if allowed > 0 else None
    return Reading(
        Evidence(subject.metric, kind, e_value, canary=shown, ratio=ratio, note=note), weight, blocks, blocks
    )


def unmeasured(metric: str, noun: str, why: str, e_value: float, weight: float) -> Reading:
    """A metric that this interval could not tell anything about."""
    return Reading(Evidence(metric, "no_data", e_value, note=f"{noun}: {why}"), weight, f"{noun}: {why}")
