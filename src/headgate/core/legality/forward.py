"""Going forward from a frozen release: its fix takes its traffic over where it stands, and never has less of it.

A release is frozen when a one-way step has begun and something holds it. Its canary's users must not go back to the
old version, so a release that goes forward begins with their share: they are the first who meet its candidate. Should
it fail as well, it is frozen in its turn, and another one may take it over.
"""

from collections.abc import Collection, Mapping

import msgspec
from msgspec.structs import replace

from headgate.core.machine.one_way import objection, objection_to_revert
from headgate.core.machine.plan import Leg, Plan
from headgate.core.machine.state import LegState, State
from headgate.core.machine.steps import Bake, Expose, Promote, Step
from headgate.core.model import Match, Unit, Version
from headgate.core.model.routing import WHOLE


class Forward(msgspec.Struct, frozen=True):
    """Where a release goes forward from: `release` is frozen with `candidate` at `weight` percent and these `matches`.

    `reason` says why its users must not go back, `oldest` is the oldest version that works.
    """

    release: str
    candidate: Version
    weight: int
    reason: str
    oldest: Version
    matches: tuple[Match, ...] = ()


def frozen(state: State, plan: Plan) -> Mapping[Unit, Forward]:
    """From where each unit that this release has moved can go forward; nothing while the release is not frozen."""
    if state.stage != "forward" or state.hold is None or objection_to_revert(state, plan.legs) is None:
        return {}
    moved = [
        (leg, at)
        for leg, at in zip(plan.legs[: state.leg + 1], state.legs, strict=False)
        if at.routing is not None or at.one_way
    ]
    first = next((leg, at) for leg, at in moved if objection(leg, at) is not None)
    return {leg.unit: _from(state.release, leg, at, first) for leg, at in moved}


def may_take_over(asked: Mapping[Unit, Version], stands: Mapping[Unit, Forward]) -> bool:
    """Whether a release goes forward from a frozen one: it moves all units of that, one at least to another version."""
    if not stands or not stands.keys() <= asked.keys():
        return False
    return any(asked[unit] != one.candidate for unit, one in stands.items())


def from_there(steps: tuple[Step, ...], forward: Forward) -> tuple[Step, ...]:
    """The steps with no exposure below the one that users have; those that would change nothing are left out.

    Of an exposure that is left out its bakes are, too; its smoke tests and questions stay.
    """
    raised = never_fewer(tuple(_raised(step, forward) for step in steps), 0)
    found: list[Step] = []
    for index, step in enumerate(raised):
        ahead = next((one for one in raised[index + 1 :] if isinstance(one, Expose)), None)
        here = next((one for one in reversed(raised[: index + 1]) if isinstance(one, Expose)), None)
        repeated = here is not None and here == ahead
        if not (repeated and isinstance(step, (Expose, Bake))):
            found.append(step)
    return tuple(found)


def takes_over(state: State, plan: Plan, release: str) -> bool:
    """Whether this release has all the traffic that `release` had: the proxy has confirmed each unit of it."""
    own = [at for leg, at in zip(plan.legs, state.legs, strict=True) if leg.takes_over == release]
    return bool(own) and all(at.routing is not None for at in own)


def taking_over(release: str, others: Collection[tuple[State, Plan]]) -> str:
    """The release that is about to take `release` over; empty: none is."""
    return next(
        (
            state.release
            for state, plan in others
            if state.stage in ("checking", "forward") and any(leg.takes_over == release for leg in plan.legs)
        ),
        "",
    )


def _from(release: str, leg: Leg, at: LegState, first: tuple[Leg, LegState]) -> Forward:
    own = (leg, at) if objection(leg, at) is not None else first
    begun_first = own[1].one_way[0].step
    cause = next(one for one in own[0].one_way if one.step == begun_first)
    oldest = (cause.oldest or leg.change.candidate) if own[0] is leg else leg.change.candidate
    exposure = _exposure(leg, at)
    return Forward(release, leg.change.candidate, exposure.weight, cause.reason, oldest, exposure.matches)


def _exposure(leg: Leg, at: LegState) -> Expose:
    """What reaches the candidate at most: the last order of traffic counts, also where nothing has confirmed it."""
    promoted = at.routing is not None and at.routing.stable == leg.change.candidate
    if promoted or any(isinstance(leg.steps[one.step], Promote) for one in at.one_way):
        return Expose(weight=WHOLE)
    reached = [step for step in leg.steps[: at.reached + 1] if isinstance(step, Expose)]
    return reached[-1] if reached else Expose()


def never_fewer(steps: tuple[Step, ...], begins: int) -> tuple[Step, ...]:
    """The steps, where from the one with index `begins` on no request that matched goes back to the old version."""
    matches: tuple[Match, ...] = ()
    found: list[Step] = []
    for index, step in enumerate(steps):
        if isinstance(step, Expose) and index >= begins:
            matches = tuple(dict.fromkeys((*matches, *step.matches)))
            found.append(replace(step, matches=matches))
        else:
            found.append(step)
    return tuple(found)


def _raised(step: Step, forward: Forward) -> Step:
    if not isinstance(step, Expose):
        return step
    matches = tuple(dict.fromkeys((*forward.matches, *step.matches)))
    return replace(step, weight=max(step.weight, forward.weight), matches=matches)
