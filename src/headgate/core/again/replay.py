"""A recorded release judged again: by its own criteria, bit for bit as it was, or by others."""

from collections.abc import Callable, Iterable

import msgspec
from msgspec.structs import replace

from headgate.core.judge.judge import JudgeState, start
from headgate.core.judge.judgement import harmed, judge
from headgate.core.machine.asking import initial
from headgate.core.machine.effects import Observe
from headgate.core.machine.events import AnyEvent, Judged, ReleaseDequeued, ReleaseRequested
from headgate.core.machine.plan import Leg, Plan
from headgate.core.machine.state import State
from headgate.core.machine.step import step as advance
from headgate.core.machine.steps import Expose
from headgate.core.model import Sample, Verdict
from headgate.core.model.criteria import JudgeSpec

Samples = Callable[[str], Sample | None]
Criteria = Callable[[Leg], JudgeSpec]


class ReplayedInterval(msgspec.Struct, frozen=True):
    """One interval: what was said of it then, and what is said now. `harmed` canary requests went badly in it.

    `exposure` is the step it belongs to, in which the canary had `weight` percent.
    """

    at: float
    leg: int
    exposure: int
    weight: int
    recorded: Verdict
    verdict: Verdict
    harmed: int
    sample: Sample


class Replay(msgspec.Struct, frozen=True):
    """All intervals in order. `missing` is how many have no sample any more (they are compacted after a while)."""

    release: str
    began_at: float
    intervals: tuple[ReplayedInterval, ...]
    missing: int = 0

    @property
    def differing(self) -> tuple[ReplayedInterval, ...]:
        """The intervals that are judged in another way now; by its own criteria there is none."""
        return tuple(one for one in self.intervals if one.verdict != one.recorded)

    @property
    def recorded_fail(self) -> ReplayedInterval | None:
        """The first interval that was said to fail then."""
        return next((one for one in self.intervals if one.recorded.kind == "fail"), None)

    @property
    def fail(self) -> ReplayedInterval | None:
        """The first interval that is said to fail now."""
        return next((one for one in self.intervals if one.verdict.kind == "fail"), None)

    def harm_until(self, at: float) -> int:
        """How many canary requests had gone badly by then."""
        return sum(one.harmed for one in self.intervals if one.at <= at)


def recorded(leg: Leg) -> JudgeSpec:
    """The criteria that the release itself was judged by."""
    return leg.judge


def replay(events: Iterable[AnyEvent], samples: Samples, criteria: Criteria = recorded) -> Replay:
    """Judge the samples of a release again. Raises ValueError when its first event is no request."""
    stream = iter(events)
    first = next(stream, None)
    if not isinstance(first, ReleaseRequested):
        raise ValueError("a release begins with a ReleaseRequested")  # noqa: TRY004 - the stream is wrong, not its type
    plan, state = first.plan, initial(first.release, first.plan)
    state, _ = advance(state, first, plan)
    judges, found, missing = _judges(plan, criteria), list[ReplayedInterval](), 0
    for event in stream:
        if isinstance(event, ReleaseDequeued):
            plan = event.plan
            judges = _judges(plan, criteria)
        look = answered(state, event)
        if isinstance(event, Judged) and look is not None:
            sample = samples(event.sample)
            if sample is None:
                missing += 1
            else:
                judges, one = _again(plan, look, judges, event, sample, criteria)
                found.append(one)
        state, _ = advance(state, event, plan)
    return Replay(first.release, first.at, tuple(found), missing)


def _judges(plan: Plan, criteria: Criteria) -> tuple[JudgeState, ...]:
    return tuple(start(_attempt(criteria(leg), leg)) for leg in plan.legs)


def _attempt(spec: JudgeSpec, leg: Leg) -> JudgeSpec:
    """Criteria for this leg: it is the attempt that it was, with as many deadlines as it had."""
    return replace(spec, retry=leg.judge.retry, deadlines=leg.judge.deadlines)


def answered(state: State, event: AnyEvent) -> Observe | None:
    """The look that an event answers, in the state before it; None where it answers none."""
    if not isinstance(event, Judged):
        return None
    pending = next((one.effect for one in state.pending if one.id == event.effect), None)
    return pending if isinstance(pending, Observe) else None


def _again(
    plan: Plan,
    look: Observe,
    judges: tuple[JudgeState, ...],
    event: Judged,
    sample: Sample,
    criteria: Criteria,
) -> tuple[tuple[JudgeState, ...], ReplayedInterval]:
    index, exposure = look.leg, look.exposure
    leg = plan.legs[index]
    spec = _attempt(criteria(leg), leg)
    known, verdict = judge(spec, judges[index], sample, exposure, deadline=look.deadline)
    step = leg.steps[exposure] if exposure >= 0 else None
    exposed = isinstance(step, Expose) and bool(step.weight or step.matches)
    bad = harmed(spec, sample.canary) if exposed else 0
    again = ReplayedInterval(event.at, index, exposure, sample.weight, event.verdict, verdict, bad, sample)
    return (*judges[:index], known, *judges[index + 1 :]), again
