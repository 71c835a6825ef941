"""Going forward: step by step, under watch, and turning round as soon as the evidence says so."""

from msgspec.structs import replace

from headgate.core.criteria import JudgeSpec
from headgate.core.effects import SetRouting
from headgate.core.events import (
    EffectFailed,
    Judged,
    RoutingSet,
    SmokeTested,
    VersionLost,
    VersionPrepared,
    WatchResumed,
)
from headgate.core.legality import refused
from headgate.core.machine import relief
from headgate.core.machine.back import revert
from headgate.core.machine.illegal import Stale
from headgate.core.machine.warm import close_when_retired
from headgate.core.model import Bake, Expose, Learn, Leg, Plan, Prepare, Promote, Step, in_words, worst
from headgate.core.state import UNEXPOSED, Hold, State, Watch

CALM_AFTER_S = 300.0
CALM_FACTOR = 10.0
LEARNING_SHARE = 1 / 60
"""Before anybody is exposed, a sample lasts at least this share of the step so far: a day's wait takes few of them."""


def enter(state: State, at: float, plan: Plan, *, leg: int, step: int) -> State:
    """Begin a step. What nothing speaks for is not begun but held: a promotion without a verdict, a bake of nothing."""
    here = state.legs[leg]
    legs = state.legs_with(replace(here, reached=max(here.reached, step)), leg)
    state = replace(state, leg=leg, step=step, entered_at=at, frozen_s=0.0, done=False, legs=legs)
    state = _learning(state, at, plan.legs[leg])
    begun = plan.legs[leg].steps[step]
    if isinstance(begun, Promote) and begun.judged and not here.promotable:
        return replace(state, hold=Hold("unproven", "no verdict has passed since the last change of traffic"))
    if isinstance(begun, Bake) and here.exposure == UNEXPOSED:
        return replace(
            state, hold=Hold("no_data", "nothing has reached the new version yet: nothing can be judged")
        )
    return state


def _learning(state: State, at: float, leg: Leg) -> State:
    """Watch stable from the first step on, where the plan says so."""
    if not leg.learn or state.watch is not None or state.here().exposure != UNEXPOSED:
        return state
    return replace(state, watch=Watch(UNEXPOSED, at + leg.judge.interval_s, at))


def complete(state: State, at: float, plan: Plan) -> State:
    """The present step is done: go on, unless a person or a hold says wait."""
    if state.paused or state.hold:
        return replace(state, done=True)
    if state.step + 1 < len(plan.legs[state.leg].steps):
        return enter(state, at, plan, leg=state.leg, step=state.step + 1)
    if state.leg + 1 < len(plan.legs):
        return enter(replace(state, watch=None), at, plan, leg=state.leg + 1, step=0)
    return _succeed(state, at, plan)


def _succeed(state: State, at: float, plan: Plan) -> State:
    state = replace(
        state,
        stage="warm",
        outcome="promoted",
        reason=_merit(state, plan),
        ended_at=at,
        watch=None,
        done=True,
    )
    return close_when_retired(state, plan)


def _merit(state: State, plan: Plan) -> str:
    """Why the release may stand."""
    if any(leg.overridden for leg in state.legs):
        return "promoted by a person, without the judge"
    if any(leg.accepted for leg in state.legs):
        return "promoted without a passing verdict, as the plan declares"
    if all(leg.adjusts for leg in plan.legs):
        return "the version that ran, adjusted as asked"
    judged = any(isinstance(step, Promote) and step.judged for leg in plan.legs for step in leg.steps)
    return "every verdict passed" if judged else "smoke-tested, not judged, as planned"


def prepared(state: State, event: VersionPrepared, plan: Plan) -> State:
    """What the step asked for is ready, all of it; a promotion only needed it to go on."""
    leg, here = plan.legs[state.leg], state.here()
    if event.version == leg.candidate:
        here = replace(here, instances=event.instances)
    elif event.version == leg.fresh:
        here = replace(here, fresh=event.instances)
    state, step = state.with_leg(here), leg.steps[state.step]
    halfway = isinstance(step, Prepare) and leg.fresh is not None and here.instances != here.fresh
    return state if isinstance(step, Promote) or halfway else complete(state, event.at, plan)


def routed(state: State, event: RoutingSet, plan: Plan) -> State:
    """A change of traffic closes the sample under way at once: nothing is pooled across weights."""
    leg, here, watch = plan.legs[state.leg], state.here(), state.watch
    if here.relief:
        return relief.moved(state, event)
    if not isinstance(leg.steps[state.step], Expose):
        return complete(state.with_leg(replace(here, routing=event.routing)), event.at, plan)
    here = replace(
        here, routing=event.routing, exposure=state.step, passed=False, accepted=False, relieved=False
    )
    first = Watch(state.step, event.at + leg.judge.interval_s, event.at)
    state = replace(
        state, legs=state.legs_with(here), watch=replace(watch, due_at=event.at) if watch else first
    )
    return complete(state, event.at, plan)


def judged(state: State, event: Judged, plan: Plan) -> State:
    """A failing verdict turns the release round wherever it is; a passing one counts for the exposure it belongs to."""
    leg, here, watch = plan.legs[state.leg], state.here(), state.watch
    if watch is None:
        raise Stale("nothing is being watched")
    fresh, kind = watch.exposure == here.exposure, event.verdict.kind
    state = _seen(state, event, leg, watch)
    step = leg.steps[state.step]
    if kind == "fail" and not (here.overridden and isinstance(step, Promote)):
        return revert(state, event.at, plan, "rolled_back", event.verdict.reason)
    if here.relief:
        return relief.looked(state, event, watch)
    if fresh and relief.suspected(state, event, plan):
        return relief.relieve(state, event)
    if kind == "pass" and fresh and state.hold and state.hold.kind == "stable_lost":
        return _lifted(state, event, plan, step)
    if state.done or state.hold:
        return state
    if isinstance(step, Expose):
        return _delayed(state, event, leg)
    if isinstance(step, Learn):
        return _learnt(state, event, plan, step)
    return _baked(state, event, plan, step) if fresh and isinstance(step, Bake) else state


def _lifted(state: State, event: Judged, plan: Plan, step: Step) -> State:
    """The candidate passes although stable is lost: what waited for a person goes on."""
    reason = state.hold.reason if state.hold else ""
    state = replace(state, hold=None).with_warning(f"{reason}; the new version went on by its own evidence")
    if isinstance(step, Bake):
        return _baked(state, event, plan, step)
    return complete(state, event.at, plan) if state.done else state


def _seen(state: State, event: Judged, leg: Leg, watch: Watch) -> State:
    """What was seen is remembered, and the next sample begins."""
    here, kind = state.here(), event.verdict.kind
    fresh = watch.exposure == here.exposure
    tested = here.exposure if event.deadline else here.tested
    passed = kind == "pass" and not here.relief if fresh else here.passed
    frozen_s = event.at - max(watch.since, state.entered_at) if kind == "hold_external" and fresh else 0.0
    placebo = max(here.placebo, event.verdict.placebo)
    seen = replace(here, verdict=event.verdict, passed=passed, tested=tested, placebo=placebo)
    next_s = _interval_s(leg.judge, event.at - state.entered_at, seen.watched)
    return replace(
        state,
        legs=state.legs_with(seen),
        frozen_s=state.frozen_s + frozen_s,
        watch=Watch(seen.watched, event.at + next_s, event.at),
    )


def _interval_s(spec: JudgeSpec, in_step_s: float, exposure: int) -> float:
    """How long the next sample lasts: evidence does not depend on how time is cut, so a long calm needs fewer cuts."""
    calm_s = spec.interval_s * (CALM_FACTOR if in_step_s > CALM_AFTER_S else 1.0)
    return max(calm_s, LEARNING_SHARE * in_step_s) if exposure == UNEXPOSED else calm_s


def _delayed(state: State, event: Judged, leg: Leg) -> State:
    """More traffic waits until stable is well again, as long as the bake after it may last; then a person decides."""
    ordered = any(isinstance(pending.effect, SetRouting) for pending in state.pending)
    overdue = event.at - state.entered_at >= relief.patience_s(leg, state.step)
    if event.verdict.kind != "hold_external" or ordered or not overdue:
        return state
    return replace(state, hold=Hold("external", event.verdict.reason))


def _learnt(state: State, event: Judged, plan: Plan, learn: Learn) -> State:
    """Once stable's ways are known, all of its traffic may go; what never becomes known is the plan's to decide."""
    if event.verdict.learnt:
        return complete(state, event.at, plan)
    overdue = event.at - state.entered_at - state.frozen_s >= learn.deadline_s
    return _unproven(state, event, plan) if overdue else state


def _baked(state: State, event: Judged, plan: Plan, bake: Bake) -> State:
    """While stable is in trouble of its own, nothing counts towards the bake; at the deadline it becomes a hold."""
    verdict, elapsed_s = event.verdict, event.at - state.entered_at
    if verdict.kind == "hold_external":
        overdue = event.deadline or elapsed_s >= bake.deadline_s
        return replace(state, hold=Hold("external", verdict.reason)) if overdue else state
    counted_s = elapsed_s - state.frozen_s
    if verdict.kind == "pass" and counted_s >= bake.bake_s:
        return complete(state, event.at, plan)
    overdue = event.deadline or counted_s >= bake.deadline_s
    return _unproven(state, event, plan) if overdue else state


def _unproven(state: State, event: Judged, plan: Plan) -> State:
    """The deadline has come without a pass: the plan's policy decides, and unknown is never good news."""
    verdict = event.verdict
    silent = verdict.kind == "no_data"
    policy = plan.on_no_data if silent else plan.on_inconclusive
    if policy == "roll_back":
        return revert(state, event.at, plan, "rolled_back", f"not proven in time: {verdict.reason}")
    if policy == "promote":
        state = state.with_warning(
            f"went on without a passing verdict, as the plan declares: {verdict.reason}"
        )
        return complete(state.with_leg(replace(state.here(), accepted=True)), event.at, plan)
    return replace(state, hold=Hold("no_data" if silent else "inconclusive", verdict.reason))


def smoke_tested(state: State, event: SmokeTested, plan: Plan) -> State:
    """A smoke test that cannot be run has not passed."""
    if worst(event.findings) in ("fail", "unknown"):
        return revert(state, event.at, plan, "rolled_back", f"smoke test failed: {in_words(event.findings)}")
    return complete(state, event.at, plan)


def failed(state: State, event: EffectFailed, plan: Plan) -> State:
    """What cannot be carried out on the way forward is undone."""
    return revert(refused(state, event, plan), event.at, plan, "rolled_back", event.reason)


def watch_resumed(state: State, event: WatchResumed, plan: Plan) -> State:
    """What nobody watched is no part of a bake, and moves its deadline."""
    watch = replace(state.watch, since=event.at) if state.watch else None
    return replace(state, frozen_s=state.frozen_s + event.unwatched_s, watch=watch)


def lost(state: State, event: VersionLost, plan: Plan) -> State:
    """A lost canary is undone; a lost stable is not the canary's fault, and going back to it would help nobody.

    Nothing goes on then until a person decides, or the candidate passes by its own evidence (`judge.dead`).

    A lost fresh baseline fails its share of the users, whom going back helps, and leaves nothing to compare with.
    """
    leg = plan.legs[state.leg]
    if event.version in (leg.candidate, leg.fresh):
        return revert(state, event.at, plan, "rolled_back", event.reason)
    if event.version != leg.baseline:
        raise Stale(f"{event.version} is not what moves now")
    return replace(state, hold=state.hold or Hold("stable_lost", event.reason))
