"""What passing a step risks: the harm to be ruled out grows with the share of the users that the next step exposes.

Going from 5% to 25% with a version that fails a fifth more of its requests costs 5% of all requests; going to everybody
with one that fails a twentieth more costs as much. A step is proven when the next one risks no more than `worse_by` of
all requests: so early steps need fewer requests, and the whole of the proof is asked before everybody is exposed.
"""

from functools import lru_cache

from msgspec.structs import replace

from headgate.core.judge.evidence.mirror import Harm
from headgate.core.model.criteria import JudgeSpec

LEAST = 0.1
"""No step is taken to risk less than a tenth of the users."""
_HALF_WAY = 0.5


def risk_after(spec: JudgeSpec, step: int) -> float:
    """The share of the users that the step after the one with this index exposes; all of them, where nobody says."""
    weight = next((weight for index, weight in spec.ahead if index == step), 100)
    return min(max(weight / 100, LEAST), 1.0)


def at_risk(harm: Harm, risk: float, stable_share: float) -> Harm:
    """The harm to be ruled out where the next step exposes this share of the users.

    It stays within what can be told: half-way to a version that fails everything.
    """
    if harm.difference is None or risk >= 1:
        return harm
    widest = max(harm.difference, (1 - stable_share) * _HALF_WAY)
    return replace(harm, difference=min(harm.difference / risk, widest))


# What a false rollback may cost: alpha, shared between watching and deadlines, and less of it for every retry.


@lru_cache(maxsize=256)
def needed(spec: JudgeSpec) -> float:
    """The evidence that makes a verdict `fail`: 1 over what this attempt may spend of alpha while it watches."""
    return (spec.retry + 1) ** 2 / (spec.alpha * (1 - spec.deadline_share))


def deadline_alpha(spec: JudgeSpec, spent: int) -> float:
    """What the next step's deadline may spend, after `spent` of them."""
    if spent >= spec.deadlines:
        return 0.0
    return spec.alpha * spec.deadline_share / ((spec.retry + 1) ** 2 * spec.deadlines)
