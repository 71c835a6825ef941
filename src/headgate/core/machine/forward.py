"""Going forward: step by step, under watch, and turning round as soon as the evidence says so."""

from msgspec.structs import replace

from headgate.core.criteria import JudgeSpec
from headgate.core.events import EffectFailed, Judged, RoutingSet, SmokeTested, VersionLost, VersionPrepared
from headgate.core.machine.back import revert
from headgate.core.machine.illegal import Stale
from headgate.core.machine.warm import close_when_retired
from headgate.core.model import Bake, Expose, Plan, Promote, in_words, worst
from headgate.core.state import Hold, State, Watch

CALM_AFTER_S = 300.0
CALM_FACTOR = 10.0


def enter(state: State, at: float, plan: Plan, *, leg: int, step: int) -> State:
    """Begin a step. What nothing speaks for is not begun but held: a promotion without a verdict, a bake of nothing."""
    here = state.legs[leg]
    legs = state.legs_with(replace(here, reached=max(here.reached, step)), leg)
    state = replace(state, leg=leg, step=step, entered_at=at, done=False, legs=legs)
    begun = plan.legs[leg].steps[step]
    if isinstance(begun, Promote) and begun.judged and not here.promotable:
        return replace(state, hold=Hold("unproven", "no verdict has passed since the last change of traffic"))
    if isinstance(begun, Bake) and state.watch is None:
        return replace(
            state, hold=Hold("no_data", "nothing has reached the new version yet: nothing can be judged")
        )
    return state


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
    judged = any(isinstance(step, Promote) and step.judged for leg in plan.legs for step in leg.steps)
    return "every verdict passed" if judged else "smoke-tested, not judged, as planned"


def prepared(state: State, event: VersionPrepared, plan: Plan) -> State:
    """The instances that the step asked for are ready; a promotion only needed them to go on."""
    leg = plan.legs[state.leg]
    if event.version == leg.candidate:
        state = state.with_leg(replace(state.here(), instances=event.instances))
    return state if isinstance(leg.steps[state.step], Promote) else complete(state, event.at, plan)


def routed(state: State, event: RoutingSet, plan: Plan) -> State:
    """A change of traffic closes the sample under way at once: nothing is pooled across weights."""
    leg, here, watch = plan.legs[state.leg], state.here(), state.watch
    if not isinstance(leg.steps[state.step], Expose):
        return complete(state.with_leg(replace(here, routing=event.routing)), event.at, plan)
    here = replace(here, routing=event.routing, exposure=state.step, passed=False, accepted=False)
    exposure, due_at = (watch.exposure, event.at) if watch else (state.step, event.at + leg.judge.interval_s)
    state = replace(state, legs=state.legs_with(here), watch=Watch(exposure, due_at))
    return complete(state, event.at, plan)


def judged(state: State, event: Judged, plan: Plan) -> State:
    """A failing verdict turns the release round wherever it is; a passing one counts for the exposure it belongs to."""
    leg, here, watch = plan.legs[state.leg], state.here(), state.watch
    if watch is None:
        raise Stale("nothing is being watched")
    fresh = watch.exposure == here.exposure
    kind = event.verdict.kind
    seen = replace(here, verdict=event.verdict, passed=kind == "pass" if fresh else here.passed)
    state = replace(
        state,
        legs=state.legs_with(seen),
        watch=Watch(here.exposure, event.at + _interval_s(leg.judge, event.at - state.entered_at)),
    )
    step = leg.steps[state.step]
    if kind == "fail" and not (here.overridden and isinstance(step, Promote)):
        return revert(state, event.at, plan, "rolled_back", event.verdict.reason)
    if fresh and isinstance(step, Bake) and not (state.done or state.hold):
        return _baked(state, event, plan, step)
    return state


def _interval_s(spec: JudgeSpec, in_step_s: float) -> float:
    """How long the next sample lasts: evidence does not depend on how time is cut, so a long calm needs fewer cuts."""
    return spec.interval_s * (CALM_FACTOR if in_step_s > CALM_AFTER_S else 1.0)


def _baked(state: State, event: Judged, plan: Plan, bake: Bake) -> State:
    elapsed_s = event.at - state.entered_at
    if event.verdict.kind == "pass" and elapsed_s >= bake.bake_s:
        return complete(state, event.at, plan)
    return state if elapsed_s < bake.deadline_s else _unproven(state, event, plan)


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
    return revert(state, event.at, plan, "rolled_back", event.reason)


def lost(state: State, event: VersionLost, plan: Plan) -> State:
    """A lost canary is undone; a lost stable is not the canary's fault, and going back to it would help nobody."""
    leg = plan.legs[state.leg]
    if event.version == leg.candidate:
        return revert(state, event.at, plan, "rolled_back", event.reason)
    if event.version != leg.baseline:
        raise Stale(f"{event.version} is not what moves now")
    return replace(state, hold=state.hold or Hold("stable_lost", event.reason))
