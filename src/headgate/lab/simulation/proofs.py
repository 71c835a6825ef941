"""Proofs of a release's course, told anew from its events.

Nothing of the machine is asked but where it came to.

Each function looks at the last event of a trace and returns what is wrong, or nothing.
"""

from dataclasses import dataclass, field

from headgate.core.machine.effects import Effect, Observe, PrepareVersion, SetRouting, StopVersion
from headgate.core.machine.events import (
    AnyEvent,
    EffectFailed,
    Judged,
    ReleaseAborted,
    RoutingSet,
    VersionLost,
    VersionPrepared,
    VersionStopped,
    VersionVerified,
    WatchResumed,
)
from headgate.core.machine.plan import Leg
from headgate.core.machine.state import State
from headgate.core.machine.steps import Bake
from headgate.core.model import Routing, Unit, Version, worst
from headgate.lab.simulation.trace import Trace

SLACK_S = 8.0
"""Beyond a deadline: the sample under way, and a fault or two."""

ROUNDING_S = 1e-6


@dataclass
class Course:
    """What is counted along the way. `counted_s` is how long the present bake was watched while stable was well.

    `counted_until` is up to when that is known, `skipped_s` what of the time since nobody watched. `moved` are the legs
    whose traffic went forward, `sound` those whose old version was seen to work after it came back, or whose doubt a
    person took over. `routed` is what the proxy confirmed last, `sizes` what was prepared last; of `stopped` versions
    the end was ordered and answered, also where it failed or another release needed them.
    """

    step: tuple[int, int, float] = (-1, -1, 0.0)
    counted_s: float = 0.0
    counted_until: float = 0.0
    skipped_s: float = 0.0
    moved: frozenset[int] = frozenset()
    sound: frozenset[int] = frozenset()
    routed: dict[Unit, Routing] = field(default_factory=dict[Unit, Routing])
    sizes: dict[Version, int] = field(default_factory=dict[Version, int])
    stopped: set[Version] = field(default_factory=set[Version])

    def take(self, trace: Trace, event: AnyEvent) -> None:
        """Count one more event, which the trace has just taken in; to be called after the proofs have looked."""
        before, after = trace.before, trace.state
        if isinstance(event, RoutingSet):
            back = frozenset({trace.leg_of(event.routing.unit)})
            self.moved = self.moved | back if before.stage == "forward" else self.moved
            self.sound = self.sound - back
        if isinstance(event, VersionVerified) and worst(event.findings) in ("pass", "warn"):
            self.sound |= {before.leg}
        if isinstance(event, ReleaseAborted) and before.stage == "reverting":
            self.sound |= {before.leg}
        self._count(trace, event)
        self._done(trace, event)
        place = (after.leg, after.step, after.entered_at)
        if place != self.step:
            self.step, self.counted_s, self.counted_until, self.skipped_s = place, 0.0, event.at, 0.0

    def _done(self, trace: Trace, event: AnyEvent) -> None:
        match event:
            case RoutingSet(routing=routing):
                self.routed[routing.unit] = routing
            case VersionPrepared(version=version, instances=instances):
                self.sizes[version] = instances
            case VersionStopped(version=version):
                self.stopped.add(version)
            case EffectFailed() if isinstance(effect := trace.issued[event.effect], StopVersion):
                self.stopped.add(effect.version)
            case _:
                return

    def _count(self, trace: Trace, event: AnyEvent) -> None:
        if isinstance(event, WatchResumed):
            self.skipped_s += event.unwatched_s
        if not isinstance(event, Judged):
            return
        self.counted_s += counted_s(self, trace, event)
        self.counted_until, self.skipped_s = event.at, 0.0


def counted_s(course: Course, trace: Trace, event: Judged) -> float:
    """How much of the interval before `event` counts for the bake."""
    effect = trace.issued[event.effect]
    current = isinstance(effect, Observe) and effect.exposure == trace.before.here().exposure
    if event.verdict.kind == "hold_external" and current:
        return 0.0
    return max(0.0, event.at - course.counted_until - course.skipped_s)


def bakes_its_time(course: Course, trace: Trace, event: AnyEvent) -> str:
    """3. A bake ends by a verdict that passed under the exposure in force, and not before its time."""
    bake = _bake(trace.before, trace)
    if bake is None or not isinstance(event, Judged) or not _went_on(trace):
        return ""
    effect = trace.issued[event.effect]
    declared = trace.plan.on_inconclusive == "promote" and event.verdict.kind != "pass"
    if declared:
        return ""
    if not isinstance(effect, Observe) or effect.exposure != trace.before.here().exposure:
        return "a bake ended by a verdict on traffic that it does not have any more"
    lasted_s = course.counted_s + counted_s(course, trace, event)
    if lasted_s < bake.bake_s - ROUNDING_S:
        return f"a bake of {bake.bake_s:g} s ended when {lasted_s:g} s of it had been watched"
    return ""


def keeps_its_deadline(course: Course, trace: Trace, event: AnyEvent) -> str:
    """8. A bake that is not proven in its time does not go on for ever."""
    bake = _bake(trace.state, trace)
    state = trace.state
    if bake is None or not isinstance(event, Judged) or state.hold or state.done or state.here().relief:
        return ""
    if (state.leg, state.step, state.entered_at) != course.step:
        return ""
    lasted_s = course.counted_s + counted_s(course, trace, event)
    if lasted_s <= bake.deadline_s + SLACK_S:
        return ""
    return f"a bake with a deadline of {bake.deadline_s:g} s goes on after {lasted_s:g} s"


def is_seen_to_work(course: Course, trace: Trace) -> str:
    """13. A release that has ended badly has every old version that it left seen to work, or a person's word for it."""
    state = trace.state
    if state.stage != "closed" or trace.before.stage != "reverting" or state.taken_over:
        return ""
    for index in course.moved - course.sound:
        leg = trace.plan.legs[index]
        if leg.change.baseline is not None:
            return f"{state.release} is over, and nobody saw {leg.change.baseline} work"
    return ""


def is_undone_or_barred(course: Course, trace: Trace) -> str:
    """22. Of a release that has ended badly every step begun is undone, or barred and taken over by another release."""
    state = trace.state
    if state.stage != "closed" or trace.before.stage != "reverting":
        return ""
    if state.taken_over and not trace.barred:
        return f"{state.release} was taken over and could have been undone"
    for leg in trace.plan.legs:
        if leg.change.baseline is None or leg.change.adjusts:
            continue
        begun = [effect for effect in trace.issued.values() if _concerns(effect, leg)]
        started = any(
            isinstance(one, PrepareVersion) and one.version == leg.change.candidate for one in begun
        )
        moved = any(
            isinstance(one, SetRouting) and leg.change.candidate in one.routing.versions() for one in begun
        )
        now = course.routed.get(leg.unit)
        if started and leg.change.candidate not in course.stopped:
            return f"{state.release} is over, and {leg.change.candidate} was never told to stop"
        if state.taken_over:
            continue
        if moved and (now is None or now.stable != leg.change.baseline or now.canary is not None):
            return f"{state.release} is over, and its traffic is not back on {leg.change.baseline}"
        size = course.sizes.get(leg.change.baseline, leg.change.size_before)
        if size != leg.change.size_before and not state.warnings:
            return f"{state.release} is over, and {leg.change.baseline} has {size} instances"
    return ""


def _concerns(effect: Effect, leg: Leg) -> bool:
    unit = effect.routing.unit if isinstance(effect, SetRouting) else getattr(effect, "version", None)
    return unit in (leg.unit, leg.change.candidate, leg.change.baseline)


def lost_stable_holds(trace: Trace, event: AnyEvent) -> str:
    """8. Where stable is lost there is nothing to compare with: nothing goes on by itself."""
    if (
        not isinstance(event, VersionLost)
        or event.version != trace.plan.legs[trace.before.leg].change.baseline
    ):
        return ""
    held = trace.state.stage != "forward" or trace.state.hold is not None
    return "" if held else f"{event.version} is lost, and the release goes on"


def _went_on(trace: Trace) -> bool:
    before, after = trace.before, trace.state
    if after.stage not in ("forward", "warm", "closed") or before.done:
        return False
    return (before.leg, before.step, before.done) != (after.leg, after.step, after.done)


def _bake(state: State, trace: Trace) -> Bake | None:
    """The bake under the cursor of a state, if it is one."""
    if state.stage != "forward":
        return None
    step = trace.plan.legs[state.leg].steps[state.step]
    return step if isinstance(step, Bake) else None
