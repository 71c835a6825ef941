"""Replays, backtests and what a threshold would have done, on releases told by hand."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from headgate.core.again.backtest import backtest, outcome
from headgate.core.again.counterfactual import Threshold, counterfactual, found_at
from headgate.core.again.replay import Replay, ReplayedInterval, replay
from headgate.core.machine.events import Judged
from headgate.core.machine.plan import Leg
from headgate.core.model import Arm, Sample, Verdict
from headgate.core.model.criteria import ErrorRatio, JudgeSpec
from headgate.ledger import sample_digest
from tests.cli import stories
from tests.core.judge.traffic import counts

PASS, FAIL, WATCH = (Verdict(kind, "so") for kind in ("pass", "fail", "watch"))


def nowhere(digest: str) -> Sample | None:
    return None


def seconds(errors: list[int], interval_s: float = 1.0) -> list[Sample]:
    return [
        replace(counts(900, 1, 100, bad), at=(k + 1) * interval_s, interval_s=interval_s)
        for k, bad in enumerate(errors)
    ]


def made(name: str, then: str, now: str, harm: int = 3) -> Replay:
    """One letter a second: w(atch), p(ass), f(ail)."""
    kinds = {"w": WATCH, "p": PASS, "f": FAIL}
    samples = seconds([harm] * len(then))
    pairs = zip(samples, then, now, strict=True)
    return Replay(
        name,
        0.0,
        tuple(ReplayedInterval(one.at, 0, 1, 10, kinds[a], kinds[b], harm, one) for one, a, b in pairs),
    )


@pytest.mark.parametrize(
    ("then", "now", "change", "harm", "time_s"),
    [
        ("wwwpp", "wwwpp", "same", 0, 0.0),
        ("wwwpp", "wpppp", "same", 0, 2.0),
        ("wwwff", "wwwff", "same", 0, 0.0),
        ("wwwwf", "wwfff", "earlier", 6, 2.0),
        ("wwfww", "wwwwf", "later", -6, -2.0),
        ("wwppp", "wwfff", "gained", 6, 0.0),
        ("wwwff", "wwwpp", "lost", 0, 0.0),
    ],
)
def test_what_other_criteria_change(then: str, now: str, change: str, harm: int, time_s: float) -> None:
    found = outcome(made("r1", then, now))
    assert (found.change, found.harm_saved, found.time_saved_s) == (change, harm, time_s)


def test_what_is_compacted_cannot_be_told() -> None:
    assert outcome(replace(made("r1", "ww", "ff"), missing=1)).change == "unknown"
    assert outcome(Replay("r1", 0.0, (), 0)).change == "unknown"


def test_a_backtest_sums_up() -> None:
    sums = backtest([made("r1", "wwwwf", "wwfff"), made("r2", "wwppp", "wwfff"), made("r3", "wf", "wp")])
    assert (sums.count("gained"), sums.count("lost"), sums.harm_saved, sums.time_saved_s) == (1, 1, 12, 2.0)


def test_a_replay_judges_every_interval_of_the_story() -> None:
    story = stories.baking()
    known = {sample_digest(fact.sample): fact.sample for fact in story.facts if fact.sample is not None}
    seen = replay(story.said, known.get)
    assert [one.recorded for one in seen.intervals] == [
        event.verdict for event in story.said if isinstance(event, Judged)
    ]
    assert seen.missing == 0
    assert replay(story.said, nowhere).missing == len(seen.intervals)


def test_a_replay_takes_other_criteria() -> None:
    story = stories.baking()
    known = {sample_digest(fact.sample): fact.sample for fact in story.facts if fact.sample is not None}

    def strict(leg: Leg) -> JudgeSpec:
        return replace(leg.judge, requests_min=1_000_000, criteria=leg.judge.of(ErrorRatio))

    seen = replay(story.said, known.get, strict)
    assert {one.verdict.kind for one in seen.intervals} <= {"watch", "no_data", "inconclusive"}


def test_what_does_not_begin_with_a_request_is_refused() -> None:
    with pytest.raises(ValueError, match="begins with a ReleaseRequested"):
        replay((), nowhere)


@pytest.mark.parametrize(
    ("errors", "window_s", "at"),
    [
        ([0] * 10, 2.0, None),
        ([0, 0, 9, 9], 2.0, 4.0),
        ([0, 0, 0, 9], 4.0, None),
        ([9], 2.0, None),
    ],
)
def test_a_threshold_looks_at_whole_windows(errors: list[int], window_s: float, at: float | None) -> None:
    assert found_at(seconds(errors), Threshold(0.05, window_s)) == at


@pytest.mark.parametrize(
    ("errors", "said"),
    [
        ([20, 20], "A threshold of 5% over 60 s would have found this 58 s later."),
        ([4, 4], "A threshold of 5% over 60 s would not have found this at all."),
        ([20] * 70, "A threshold of 5% over 60 s would have found this 10 s earlier."),
        ([20] * 60, "A threshold of 5% over 60 s would have found this just then."),
    ],
)
def test_the_counterfactual_in_words(errors: list[int], said: str) -> None:
    samples = seconds(errors)
    story = stories.baking()
    judged = next(event for event in story.said if isinstance(event, Judged))
    kinds = [WATCH] * (len(samples) - 1) + [FAIL]
    events = [
        replace(judged, at=one.at, sample=f"{k}", verdict=verdict)
        for k, (one, verdict) in enumerate(zip(samples, kinds, strict=True))
    ]
    assert counterfactual(events, lambda digest: samples[int(digest)]) == said
    assert counterfactual(events[:-1], lambda digest: samples[int(digest)]) == ""


def test_of_several_units_only_the_one_that_failed_counts() -> None:
    other = replace(seconds([50] * 60)[0].unit, service="api")
    samples = [replace(one, unit=other) for one in seconds([50] * 60)] + seconds([4, 4])
    story = stories.baking()
    judged = next(event for event in story.said if isinstance(event, Judged))
    kinds = [WATCH] * (len(samples) - 1) + [FAIL]
    events = [
        replace(judged, at=one.at, sample=f"{k}", verdict=verdict)
        for k, (one, verdict) in enumerate(zip(samples, kinds, strict=True))
    ]
    assert "not have found this at all" in counterfactual(events, lambda digest: samples[int(digest)])


def test_arms_that_could_not_be_read_count_nothing() -> None:
    gap = [replace(one, canary=None) for one in seconds([50, 50])]
    assert found_at([*gap, *seconds([0, 0])], Threshold(0.05, 2.0)) is None
    assert found_at([replace(gap[0], canary=Arm(10, 9))], Threshold(0.05, 1.0)) == 1.0
