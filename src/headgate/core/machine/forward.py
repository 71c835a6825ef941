"""Going forward: step by step, under watch, and turning round as soon as the evidence says so.

What a step makes of an answer or of a verdict is its kind's to say (`core.machine.steps`); what follows from it is
said here.
"""

from typing import assert_never

from msgspec.structs import replace

from headgate.core.machine import relief
from headgate.core.machine.answers import Answer, CommandRan, EffectFailed, Judged, RoutingSet
from headgate.core.machine.back import revert, with_what_runs_on
from headgate.core.machine.effects import SetRouting
from headgate.core.machine.events import VersionLost, WatchResumed
from headgate.core.machine.names import Stale
from headgate.core.machine.one_way import refused
from headgate.core.machine.plan import Leg, Plan
from headgate.core.machine.state import UNEXPOSED, Hold, LegState, Progress, State, Watch
from headgate.core.machine.steps import Promote, kind_of
from headgate.core.machine.steps.kind import Decision, Look, TurnBack
from headgate.core.machine.warm import close_when_retired
from headgate.core.model.criteria import JudgeSpec

CALM_AFTER_S = 300.0
CALM_FACTOR = 10.0
LEARNING_SHARE = 1 / 60
"""Before anybody is exposed, a sample lasts at least this share of the step so far: a day's wait takes few of them."""


def enter(state: State, at: float, plan: Plan, *, leg: int, step: int) -> State:
    """Begin a step. What nothing speaks for is not begun but held."""
    begun = plan.legs[leg].steps[step]
    legs = state.legs_with(_begun(state.legs[leg], step), leg)
    state = replace(state, leg=leg, step=step, entered_at=at, frozen_s=0.0, done=False, legs=legs)
    state = _learning(state, at, plan.legs[leg])
    hold = kind_of(begun).enter(begun, state.here())
    return replace(state, hold=hold) if hold is not None else state


def _begun(here: LegState, step: int) -> LegState:
    """The leg with this step begun, and every one before it that a person skipped."""
    before: tuple[Progress, ...] = tuple("begun" if how == "ahead" else how for how in here.progress[:step])
    return replace(here, progress=(*before, "begun", *here.progress[step + 1 :]))


def _completed(here: LegState, step: int) -> LegState:
    return replace(here, progress=(*here.progress[:step], "done", *here.progress[step + 1 :]))


def _learning(state: State, at: float, leg: Leg) -> State:
    """Watch stable from the first step on, where the plan says so."""
    if not leg.learn or state.watch is not None or state.here().exposure != UNEXPOSED:
        return state
    return replace(state, watch=Watch(UNEXPOSED, at + leg.judge.interval_s, at))


def complete(state: State, at: float, plan: Plan) -> State:
    """The present step is done: go on, unless a person or a hold says wait."""
    state = state.with_leg(_completed(state.here(), state.step))
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
    if all(leg.change.adjusts for leg in plan.legs):
        return "the version that ran, adjusted as asked"
    judged = any(isinstance(step, Promote) and step.judged for leg in plan.legs for step in leg.steps)
    return "every verdict passed" if judged else "smoke-tested, not judged, as planned"


def answered(state: State, event: Answer, plan: Plan) -> State:
    """The world has answered an effect of the present step, which says where that leads."""
    if isinstance(event, RoutingSet) and state.here().relief:
        return relief.moved(state, event)
    leg = plan.legs[state.leg]
    step = leg.steps[state.step]
    if isinstance(event, CommandRan):
        state = refused(state, event, plan)
    found = kind_of(step).answered(step, leg.change, state, event)
    state = state.with_leg(found.here)
    if found.exposed:
        state = _sampled_anew(state, event.at, leg)
    return _decide(state, event.at, plan, found.decision)


def _sampled_anew(state: State, at: float, leg: Leg) -> State:
    """A change of traffic closes the sample under way at once: nothing is pooled across weights."""
    first = Watch(state.step, at + leg.judge.interval_s, at)
    return replace(state, watch=replace(state.watch, due_at=at) if state.watch else first)


def _decide(state: State, at: float, plan: Plan, decision: Decision) -> State:
    """Go where the step leads."""
    match decision:
        case "stay":
            return state
        case "done":
            return complete(state, at, plan)
        case "again":
            return enter(state, at, plan, leg=state.leg, step=state.step)
        case "unproven":
            return _unproven(state, at, plan)
        case TurnBack(reason):
            return revert(state, at, plan, "rolled_back", reason)
        case Hold():
            return replace(state, hold=decision)
    assert_never(decision)


def judged(state: State, event: Judged, plan: Plan) -> State:
    """A failing verdict turns the release round wherever it is; a passing one counts for the exposure it belongs to."""
    leg, here, watch = plan.legs[state.leg], state.here(), state.watch
    if watch is None:
        raise Stale("nothing is being watched")
    fresh, kind = watch.exposure == here.exposure, event.verdict.kind
    state = _seen(state, event, leg, watch)
    if kind == "fail" and not (here.overridden and _promoting(leg, state.step)):
        return revert(with_what_runs_on(state), event.at, plan, "rolled_back", event.verdict.reason)
    if here.relief:
        return relief.looked(state, event, watch)
    if fresh and relief.suspected(state, event, plan):
        return relief.relieve(state, event)
    if kind == "pass" and fresh and state.hold and state.hold.kind == "stable_lost":
        return _lifted(state, event, plan)
    if state.done or state.hold:
        return state
    return _looked_at(state, event, plan, current=fresh)


def _promoting(leg: Leg, step: int) -> bool:
    """Whether the leg has come to its promotion, or beyond it."""
    return any(isinstance(one, Promote) for one in leg.steps[: step + 1])


def _lifted(state: State, event: Judged, plan: Plan) -> State:
    """The candidate passes although stable is lost: what waited for a person goes on."""
    reason = state.hold.reason if state.hold else ""
    state = replace(state, hold=None).with_warning(f"{reason}; the new version went on by its own evidence")
    if state.done:
        return complete(state, event.at, plan)
    return _looked_at(state, event, plan, current=True)


def _looked_at(state: State, event: Judged, plan: Plan, *, current: bool) -> State:
    """The present step takes the verdict."""
    leg = plan.legs[state.leg]
    step = leg.steps[state.step]
    look = Look(
        event.verdict,
        event.at - state.entered_at,
        state.frozen_s,
        event.deadline,
        current,
        any(isinstance(pending.effect, SetRouting) for pending in state.pending),
        relief.patience_s(leg, state.step),
    )
    return _decide(state, event.at, plan, kind_of(step).judged(step, look))


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


def _unproven(state: State, at: float, plan: Plan) -> State:
    """The deadline has come without a pass: the plan's policy decides, and unknown is never good news."""
    verdict = state.here().verdict
    reason = verdict.reason if verdict is not None else "nothing was judged"
    silent = verdict is None or verdict.kind == "no_data"
    policy = plan.on_no_data if silent else plan.on_inconclusive
    if policy == "roll_back":
        return revert(state, at, plan, "rolled_back", f"not proven in time: {reason}")
    if policy == "promote":
        state = state.with_warning(f"went on without a passing verdict, as the plan declares: {reason}")
        return complete(state.with_leg(replace(state.here(), accepted=True)), at, plan)
    return replace(state, hold=Hold("no_data" if silent else "inconclusive", reason))


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
    change = plan.legs[state.leg].change
    if event.version in (change.candidate, change.fresh):
        return revert(state, event.at, plan, "rolled_back", event.reason)
    if event.version != change.baseline:
        raise Stale(f"{event.version} is not what moves now")
    return replace(state, hold=state.hold or Hold("stable_lost", event.reason))
