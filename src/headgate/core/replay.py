"""A recorded release judged again: by its own criteria, bit for bit as it was, or by others."""

from collections.abc import Callable, Iterable

import msgspec

from headgate.core.criteria import JudgeSpec
from headgate.core.events import AnyEvent, Judged, ReleaseDequeued, ReleaseRequested
from headgate.core.judge.harm import harmed
from headgate.core.judge.judge import JudgeState, observe, start
from headgate.core.machine import step as advance
from headgate.core.model import Expose, Leg, Plan, Sample, Verdict
from headgate.core.state import State, initial

Samples = Callable[[str], Sample | None]
Criteria = Callable[[Leg], JudgeSpec]


class Rejudged(msgspec.Struct, frozen=True):
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
    intervals: tuple[Rejudged, ...]
    missing: int = 0

    @property
    def differing(self) -> tuple[Rejudged, ...]:
        """The intervals that are judged in another way now; by its own criteria there is none."""
        return tuple(one for one in self.intervals if one.verdict != one.recorded)

    @property
    def recorded_fail(self) -> Rejudged | None:
        """The first interval that was said to fail then."""
        return next((one for one in self.intervals if one.recorded.kind == "fail"), None)

    @property
    def fail(self) -> Rejudged | None:
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
    judges, found, missing = _judges(plan, criteria), list[Rejudged](), 0
    for event in stream:
        if isinstance(event, ReleaseDequeued):
            plan = event.plan
            judges = _judges(plan, criteria)
        if isinstance(event, Judged) and state.watch is not None:
            sample = samples(event.sample)
            if sample is None:
                missing += 1
            else:
                judges, one = _again(plan, state, judges, event, sample, criteria)
                found.append(one)
        state, _ = advance(state, event, plan)
    return Replay(first.release, first.at, tuple(found), missing)


def _judges(plan: Plan, criteria: Criteria) -> tuple[JudgeState, ...]:
    return tuple(start(criteria(leg)) for leg in plan.legs)


def _again(
    plan: Plan,
    state: State,
    judges: tuple[JudgeState, ...],
    event: Judged,
    sample: Sample,
    criteria: Criteria,
) -> tuple[tuple[JudgeState, ...], Rejudged]:
    index, exposure = state.leg, state.watch.exposure if state.watch else -1
    leg = plan.legs[index]
    judge, verdict = _observe(criteria(leg), judges[index], sample, exposure)
    step = leg.steps[exposure] if exposure >= 0 else None
    exposed = isinstance(step, Expose) and bool(step.weight or step.matches)
    bad = harmed(criteria(leg), sample.canary) if exposed else 0
    again = Rejudged(event.at, index, exposure, sample.weight, event.verdict, verdict, bad, sample)
    return (*judges[:index], judge, *judges[index + 1 :]), again


def _observe(spec: JudgeSpec, judge: JudgeState, sample: Sample, exposure: int) -> tuple[JudgeState, Verdict]:
    """As the controller does it, also where the judge breaks down."""
    try:
        return observe(spec, judge, sample, exposure)
    except Exception as error:  # noqa: BLE001 - what was no data then is no data now
        return judge, Verdict("no_data", f"the judge broke down: {type(error).__name__}: {error}")
