"""Views of a release, computed from its state: never stored beside it."""

from collections.abc import Iterable

import msgspec

from headgate.core.judge.evidence.risk import needed
from headgate.core.machine.events import ReleaseRequested
from headgate.core.machine.plan import Leg, Plan
from headgate.core.machine.state import Begun, LegState, State
from headgate.core.machine.steps import Step, kind_of
from headgate.core.model import Unit, Version
from headgate.core.model.routing import WHOLE
from headgate.core.model.summary import Barred, Move, Placebo, Summary

HALVES = 2
"""Stable is compared with itself where it has so many instances at least."""


def phase(state: State, plan: Plan) -> str:
    """Where a release is, in a word or two."""
    if state.hold is not None:
        return "held"
    if state.stage == "forward":
        kind = kind_of(plan.legs[state.leg].steps[state.step])
        waiting = state.here().frozen and kind.calm
        return "paused" if state.paused else "waiting for stable" if waiting else kind.phase
    if state.stage == "reverting":
        return "taken over" if state.taken_over else "rolling back"
    if state.stage in ("warm", "closed"):
        return (state.outcome or "ended").replace("_", " ")
    return state.stage


def tag(step: Step) -> str:
    """The kind of a step, as it is written in the ledger."""
    return str(step.__struct_config__.tag)


def weight(state: LegState) -> int:
    """The canary's weight in percent, as the proxy last confirmed it."""
    return state.routing.weight if state.routing else 0


def share(state: LegState, leg: Leg) -> int:
    """The percentage of the unit's traffic that the new version has, as the proxy last confirmed: all, once promoted.

    `weight` is the canary's, and a version that was promoted is a canary no more.
    """
    routing = state.routing
    if routing is None:
        return WHOLE if leg.change.adjusts else 0
    return WHOLE if routing.canary is None and routing.stable == leg.change.candidate else routing.weight


def waits_for_person(state: State, plan: Plan) -> str:
    """What a person is asked, or an empty string."""
    if state.hold is not None:
        return state.hold.reason
    if state.stage == "forward" and not state.done:
        step = plan.legs[state.leg].steps[state.step]
        if kind_of(step).asks(step):
            return kind_of(step).asks(step)
    return "paused by a person" if state.paused else ""


def progress(state: State, leg: Leg, index: int) -> tuple[tuple[Step, str], ...]:
    """The steps of a leg with their state: `done`, `now`, `next`, or `undone` on the way back."""
    here = state.legs[index]
    if state.stage == "reverting" or state.outcome in ("rolled_back", "aborted", "refused"):
        return tuple((s, "undone" if i <= here.reached else "never") for i, s in enumerate(leg.steps))
    if state.stage in ("warm", "closed") or index < state.leg:
        return tuple((step, "done") for step in leg.steps)
    now = state.step if index == state.leg else -1
    return tuple((s, "done" if i < now else "now" if i == now else "next") for i, s in enumerate(leg.steps))


def remaining_s(state: State, plan: Plan, now: float) -> float:
    """The least time the rest of the plan takes, in seconds: of the steps that are not over."""
    if state.stage != "forward":
        return 0.0
    rest = sum(least_s(step) for leg in plan.legs[state.leg + 1 :] for step in leg.steps)
    steps = plan.legs[state.leg].steps[state.step :]
    spent = now - state.entered_at - state.frozen_s if least_s(steps[0]) else 0.0
    return max(0.0, rest + sum(least_s(step) for step in steps) - spent)


def least_s(step: Step) -> float:
    """The least time that a step takes, in seconds."""
    return kind_of(step).least_s(step)


def summarise(state: State, plan: Plan, request: ReleaseRequested) -> Summary:
    """The row that `status` and `history` show."""
    pairs = tuple(zip(plan.legs, state.legs, strict=True))
    labels = {intent.unit: intent.label for intent in request.intents}
    return Summary(
        release=state.release,
        sequence=state.sequence,
        project=plan.legs[0].unit.project,
        environment=plan.legs[0].unit.environment,
        moves=tuple(
            Move(
                leg.unit,
                leg.change.baseline,
                leg.change.candidate,
                weight(at),
                labels.get(leg.unit, ""),
                leg.change.listener,
                _placebo(leg, at),
                leg.change.instances,
                tuple(_barred(leg, one) for one in at.one_way),
                leg.takes_over,
                leg.platform,
            )
            for leg, at in pairs
        ),
        author=request.author,
        requested_at=request.at,
        changed_at=state.at,
        phase=phase(state, plan),
        outcome=state.outcome if state.ended_at is not None else None,
        reason=state.hold.reason if state.hold else state.delayed or state.reason,
        ended_at=state.ended_at,
        closed=state.stage == "closed",
        warm=_warm(state, plan),
    )


def _barred(leg: Leg, begun: Begun) -> Barred:
    """What has become impossible with a one-way step."""
    step = next(one for one in leg.one_way if one.step == begun.step)
    return Barred(begun.at, step.reason, step.oldest or leg.change.candidate)


def _placebo(leg: Leg, at: LegState) -> Placebo | None:
    """What stable had against itself, where there were halves of it to compare, or a fresh baseline beside it."""
    if at.verdict is None or not leg.learn or (leg.change.instances < HALVES and leg.change.fresh is None):
        return None
    return Placebo(at.placebo, needed(leg.judge))


def _warm(state: State, plan: Plan) -> tuple[Version, ...]:
    """The old versions that are kept running for the rollback window."""
    if state.stage != "warm":
        return ()
    pairs = zip(plan.legs, state.legs, strict=True)
    return tuple(
        leg.change.baseline
        for leg, at in pairs
        if leg.change.baseline is not None and not leg.change.adjusts and not at.retired
    )


# How often the judge would have been wrong: stable against itself, over the releases of a unit.
#
# In each release one half of stable's instances plays the canary. Neither is worse, so that evidence which reaches
# what a verdict needs is a false alarm. At most 1 / needed of the releases may have one (Ville 1939), and that can be
# counted.


class Alarms(msgspec.Struct, frozen=True):
    """`false` alarms in so many `releases`, and the share of them that is `promised` at most."""

    releases: int
    false: int
    promised: float

    @property
    def rate(self) -> float:
        """The share that had one."""
        return self.false / self.releases


def alarms(summaries: Iterable[Summary], unit: Unit) -> Alarms | None:
    """Over the releases of `unit` that have ended; None where none of them compared stable with itself."""
    ended = [move for summary in summaries if summary.outcome is not None for move in summary.moves]
    tried = [move.placebo for move in ended if move.unit == unit and move.placebo is not None]
    if not tried:
        return None
    false = sum(one.evidence >= one.needed for one in tried)
    return Alarms(len(tried), false, sum(1 / one.needed for one in tried) / len(tried))
