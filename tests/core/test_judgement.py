"""One interval as the controller judges it, and the same again from the ledger, bit for bit."""

import pytest
from msgspec.structs import replace

from headgate.core.again.replay import replay
from headgate.core.judge import judgement
from headgate.core.judge.judge import JudgeState, start
from headgate.core.judge.judgement import LEARNING, judge
from headgate.core.judge.metrics.errors import ErrorState
from headgate.core.machine.effects import Observe
from headgate.core.machine.events import AnyEvent, Judged
from headgate.core.machine.state import UNEXPOSED, Pending
from headgate.core.model import Arm, Sample
from headgate.core.model.criteria import ErrorRatio, JudgeSpec
from tests.core.judge.traffic import counts, sample
from tests.core.ride import Ride, answer, leg, plan_of, request

SPEC = JudgeSpec((ErrorRatio(),), interval_s=1.0, external=True)
ALONE = sample(Arm(1000, 2), Arm(), weight=0)


def fed(spec: JudgeSpec, *looks: tuple[Sample, int]) -> tuple[JudgeState, list[str]]:
    state, said = start(spec), list[str]()
    for one, exposure in looks:
        state, verdict = judge(spec, state, one, exposure)
        said.append(verdict.kind)
    return state, said


def test_a_canary_that_nobody_is_sent_to_is_not_silent() -> None:
    _, said = fed(SPEC, *[(ALONE, UNEXPOSED)] * 100)
    assert set(said) == {"watch"}
    _, verdict = judge(SPEC, start(SPEC), ALONE, UNEXPOSED)
    assert verdict.reason == LEARNING


def test_its_silence_counts_from_the_exposure_on() -> None:
    spec = replace(SPEC, no_data_after_s=5.0)
    _, said = fed(spec, *[(ALONE, UNEXPOSED)] * 100, *[(replace(ALONE, weight=10), 1)] * 6)
    assert said[-6:] == ["watch"] * 5 + ["no_data"]


def test_what_cannot_be_read_is_unknown_there_too() -> None:
    blind = replace(ALONE, stable=None, problems=("no answer",))
    assert fed(SPEC, (blind, UNEXPOSED), (replace(ALONE, stable=None), UNEXPOSED))[1] == ["no_data"] * 2


def test_trouble_of_stable_is_said_and_nobody_is_suspected() -> None:
    state, _ = fed(SPEC, *[(ALONE, UNEXPOSED)] * 60)
    _, verdict = judge(SPEC, state, sample(Arm(1000, 300), Arm(), weight=0), UNEXPOSED)
    assert (verdict.kind, verdict.shared) == ("hold_external", False)
    assert verdict.reason.startswith("stable itself got worse")
    assert "after the step" not in verdict.reason


def test_what_is_learnt_before_the_exposure_is_known_in_it() -> None:
    """Storms that stable has shown already do not roll back a canary that has them too."""
    calm, storm = sample(Arm(900, 0), Arm(), weight=0), sample(Arm(900, 60), Arm(), weight=0)
    blown = sample(Arm(900, 1), Arm(100, 9))
    blind, _ = fed(SPEC, (blown, 1))
    learnt, _ = fed(SPEC, *([(calm, UNEXPOSED)] * 7 + [(storm, UNEXPOSED)]) * 6, (blown, 1))
    (known,), (unknown,) = learnt.metrics, blind.metrics
    assert isinstance(known, ErrorState)
    assert isinstance(unknown, ErrorState)
    assert known.e_value < unknown.e_value


# --- the exact test ---------------------------------------------------------------------------------------------------

TESTED = replace(SPEC, deadline_share=0.5)
FEW = counts(90, 0, 10, 1)


def test_the_exact_test_finds_what_watching_has_not() -> None:
    spec = replace(TESTED, dispersion=1.0)
    state, said = fed(spec, *[(counts(200, 0, 20, 1), 1)] * 2)
    assert "fail" not in said
    _, watched = judge(spec, state, counts(200, 0, 20, 1), 1)
    after, verdict = judge(spec, state, counts(200, 0, 20, 1), 1, deadline=True)
    assert (watched.kind == "fail", verdict.kind) == (False, "fail")
    assert "allowed at the deadline" in verdict.reason
    assert after.failed == verdict


def test_what_kept_the_last_interval_from_passing_still_does() -> None:
    state, said = fed(TESTED, *[(counts(9000, 0, 1000, 0), 1)] * 3)
    assert said[-1] == "pass"
    gap = replace(counts(9000, 0, 1000, 0), problems=("one source is silent",))
    assert judge(TESTED, state, gap, 1, deadline=True)[1].kind == "no_data"


def test_a_judge_that_breaks_down_at_the_deadline_is_no_data(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("by zero")

    monkeypatch.setattr(judgement, "at_deadline", broken)
    before = start(TESTED)
    after, verdict = judge(TESTED, before, FEW, 1, deadline=True)
    assert (after, verdict.kind) == (before, "no_data")


# --- again from the ledger --------------------------------------------------------------------------------------------

LEARNT = 3


def recorded(spec: JudgeSpec, intervals: list[Sample]) -> tuple[list[AnyEvent], dict[str, Sample]]:
    """A release that learns, is exposed, and is judged by the real judge until the samples end."""
    ride = Ride(plan_of(replace(leg(), judge=spec, learn=True)))
    story: list[AnyEvent] = [request(ride.plan)]
    known, state, left = dict[str, Sample](), start(spec), list(intervals)
    while left and ride.state.stage in ("checking", "forward"):
        looks = [one for one in ride.state.pending if isinstance(one.effect, Observe)]
        own = [one for one in ride.state.pending if one not in looks]
        learning = looks and len(intervals) - len(left) < LEARNT
        pending = own[0] if own and not learning else looks[0]
        event = answer(pending, ride.state.at)
        if isinstance(event, Judged):
            event, state = look(ride, pending, event, left.pop(0), known, state)
        story.append(event)
        ride.tell(event)
    return story, known


def look(
    ride: Ride, pending: Pending, event: Judged, one: Sample, known: dict[str, Sample], state: JudgeState
) -> tuple[Judged, JudgeState]:
    effect = pending.effect
    assert isinstance(effect, Observe)
    name = f"sample {len(known)}"
    one = replace(one, at=event.at)
    if effect.exposure == UNEXPOSED:
        one = replace(one, canary=Arm(), weight=0)
    known[name] = one
    spec = ride.plan.legs[0].judge
    state, verdict = judge(spec, state, one, effect.exposure, deadline=effect.deadline)
    return replace(event, sample=name, verdict=verdict), state


INCIDENT = [counts(900, 2, 100, 0)] * 40 + [counts(900, 300, 100, 33)] * 8 + [counts(900, 2, 100, 0)] * 40


@pytest.mark.parametrize(
    ("intervals", "expected"),
    [
        ([counts(90, 0, 10, 0)] * 30, {"watch"}),
        (INCIDENT, {"watch", "hold_external"}),
        ([counts(20, 0, 2, 0)] * 4 + [counts(20, 0, 2, 1)] * 4 + [counts(20, 0, 2, 0)] * 10, {"watch"}),
    ],
)
@pytest.mark.parametrize("share", [0.0, 0.5])
def test_a_replay_is_bit_for_bit_with_every_kind_of_look(
    intervals: list[Sample], expected: set[str], share: float
) -> None:
    spec = replace(SPEC, deadline_share=share, retry=1, requests_min=5000)
    story, known = recorded(spec, intervals)
    seen = replay(story, known.get)
    assert len(seen.intervals) > 10
    assert seen.differing == ()
    assert {one.exposure for one in seen.intervals} >= {UNEXPOSED, 1}
    assert {one.recorded.kind for one in seen.intervals} >= expected
    judged = [event for event in story if isinstance(event, Judged)]
    assert any(event.deadline for event in judged) == (share > 0)
