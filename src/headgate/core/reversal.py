"""Whether we may still go back.

A rollback is legal only while the old version can really run on what production is now. The question is asked before
every revert and before every `headgate rollback`; where the answer is no, traffic is frozen and the reason is said.
"""

from collections.abc import Collection

from headgate.core.model import Version
from headgate.core.plan import Leg
from headgate.core.state import LegState, State


def objection(leg: Leg, state: LegState) -> str | None:
    """Why this leg can not be undone any more; None while it can."""
    if leg.one_way_after is None or state.reached <= leg.one_way_after:
        return None
    return leg.one_way_reason or f"step {leg.one_way_after + 1} of {leg.unit.service} cannot be undone"


def objection_to_revert(state: State, legs: tuple[Leg, ...]) -> str | None:
    """Why a release under way can not be undone: the first objection of a leg that has moved; None while it can."""
    moved = zip(legs[: state.leg + 1], state.legs, strict=False)
    return next((reason for leg, at in moved if (reason := objection(leg, at)) is not None), None)


def objection_to_rollback(
    target: Version, *, stored: Collection[str], configured: Collection[str]
) -> str | None:
    """Why production can not go back to `target`: its artifact or its configuration is no longer there.

    `stored` are the digests in the artifact store, `configured` the hashes of the stored configurations.
    """
    if target.artifact not in stored:
        return f"the artifact {target.artifact[:12]} is no longer in the store"
    if target.configuration not in configured:
        return f"the configuration {target.configuration[:8]} is no longer in the store"
    return None
