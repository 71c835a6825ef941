"""Data as it comes: whatever is wrong with it, no exception, no NaN, and never a pass that nothing speaks for."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from headgate.core.judge.deadline import at_deadline
from headgate.core.judge.judge import observe, start
from headgate.core.judge.metrics.errors import ErrorState
from headgate.core.model.criteria import ErrorRatio, JudgeSpec, Latency, MeanCriterion
from headgate.core.model.sample import Arm, Counts, Histogram, Mean, Sample
from headgate.core.model.verdict import Verdict
from tests.core.judge.traffic import counts, judged, sample

EVERYTHING = JudgeSpec(
    (
        ErrorRatio(max=0.01),
        Latency(max_ms=500.0),
        Latency(quantile=0.5, factor=1.2),
        MeanCriterion("orders", limit=0.1),
        MeanCriterion("refunds", higher_is_better=False),
    )
)
ALSO = replace(EVERYTHING, external=True, exchangeable=True, deadline_share=0.3, retry=1)
FINE = Histogram((10.0, 100.0, 1000.0), (90, 99, 100))


def sound(verdict: Verdict) -> None:
    assert math.isfinite(verdict.evidence)
    assert verdict.evidence >= 0
    for metric in verdict.metrics:
        assert math.isfinite(metric.e_value)
        for value in (metric.stable, metric.canary, metric.ratio, metric.low, metric.high):
            assert value is None or math.isfinite(value)
    assert verdict.reason
    assert "nan" not in verdict.reason


ARMS = st.none() | st.builds(
    Arm,
    st.integers(-1, 300),
    st.integers(-1, 300),
    st.none()
    | st.builds(
        Histogram,
        st.lists(st.sampled_from([1.0, 10.0, 500.0, math.inf]), max_size=3).map(tuple),
        st.lists(st.integers(-1, 300), max_size=3).map(tuple),
    )
    | st.integers(0, 300).map(lambda n: Histogram((10.0, 500.0, math.inf), (n // 2, n, n))),
    st.dictionaries(st.sampled_from("ab"), st.builds(Counts, st.integers(0, 300), st.integers(0, 300))),
    st.dictionaries(
        st.sampled_from(["orders", "refunds"]),
        st.builds(Mean, st.floats(-1, 300) | st.just(math.nan), st.integers(-1, 300)),
    ),
)
SAMPLES = st.builds(
    sample,
    ARMS,
    ARMS,
    at=st.floats(0, 1e9),
    weight=st.integers(0, 100),
    interval_s=st.sampled_from([0.0, 0.5, 1.0, 15.0, 1e6, math.nan]),
    problems=st.sampled_from([(), (), ("no answer",)]),
)


@settings(max_examples=50)
@given(st.lists(SAMPLES, min_size=1, max_size=12))
def test_whatever_comes(samples: list[Sample]) -> None:
    for spec in (EVERYTHING, ALSO):
        state = start(spec)
        for k, one in enumerate(samples):
            state, verdict = observe(spec, state, one, k // 4)
            sound(verdict)
        sound(at_deadline(spec, state)[1])


ONLY_LATENCY = JudgeSpec((Latency(),), requests_min=0)


@pytest.mark.parametrize(
    ("stable", "canary", "said"),
    [
        (Arm(900), Arm(100, 0, FINE), "no latency histogram from stable"),
        (Arm(900, 0, FINE), Arm(100), "no latency histogram from the canary"),
        (Arm(900, 0, FINE), Arm(100, 0, Histogram((10.0, 99.0, 1000.0), (90, 99, 100))), "different bucket"),
        (Arm(900, 0, FINE), Arm(100, 0, Histogram((10.0, 100.0, 1000.0), (90, 80, 100))), "counts fall"),
        (Arm(900, 0, FINE), Arm(100, 0, Histogram((10.0, 1.0, 1000.0), (90, 99, 100))), "do not rise"),
        (Arm(900, 0, FINE), Arm(100, 0, Histogram((10.0,), (90, 99))), "do not match"),
        (Arm(900, 0, Histogram((), ())), Arm(100, 0, Histogram((), ())), "do not match"),
    ],
)
def test_a_defect_of_latency_keeps_pass_back_and_says_why(stable: Arm, canary: Arm, said: str) -> None:
    _, verdicts = judged(ONLY_LATENCY, [sample(stable, canary)] * 20)
    assert verdicts[-1].kind == "watch"
    assert said in verdicts[-1].reason
    assert verdicts[-1].metrics[0].kind == "no_data"


def test_a_defect_passes_when_the_data_are_good_again() -> None:
    good = sample(Arm(100, 0, FINE), Arm(100, 0, FINE), weight=50)
    _, verdicts = judged(ONLY_LATENCY, [good] * 10 + [sample(Arm(900), Arm(100))] + [good])
    assert [verdict.kind for verdict in verdicts[-3:]] == ["pass", "watch", "pass"]


def test_errors_without_requests_are_requests_too() -> None:
    _, verdicts = judged(JudgeSpec((ErrorRatio(),)), [counts(180, 0, 3, 20)] * 2)
    assert verdicts[-1].kind == "fail"


def test_negative_counts_are_no_data() -> None:
    assert judged(JudgeSpec((ErrorRatio(),)), [counts(-5, 0, 20, 0)])[1][0].kind == "no_data"


def test_an_endless_histogram_counts_by_its_own_total() -> None:
    """Envoy may merge its histograms later than its counters: requests that it does not know yet are not slow."""
    late = Histogram((10.0, 100.0, math.inf), (10, 10, 10))
    samples = [sample(Arm(180, 0, FINE), Arm(20, 0, late))] + [
        sample(Arm(180, 0, Histogram((10.0, 100.0, math.inf), (160, 180, 180))), Arm(40, 0, late))
    ] * 30
    _, verdicts = judged(ONLY_LATENCY, samples[1:])
    assert verdicts[-1].kind == "pass"


def test_the_canary_is_heard_again_after_silence() -> None:
    spec = JudgeSpec((ErrorRatio(),), split_factor_max=None)
    silent = [counts(180, 0, 0, 0)] * 40
    _, verdicts = judged(spec, [*silent, counts(180, 0, 20, 0)])
    assert [v.kind for v in verdicts[29:31]] == ["watch", "no_data"]
    assert verdicts[-1].kind == "watch"
    assert "no requests for 40 s" in verdicts[-2].reason


def test_a_new_step_waits_anew_for_the_canary() -> None:
    spec = JudgeSpec((ErrorRatio(),))
    state, _ = judged(spec, [counts(180, 0, 0, 0)] * 40)
    assert judged(spec, [counts(180, 0, 0, 0)], 1, state)[1][0].kind == "watch"


def test_the_stable_arm_alone_teaches() -> None:
    """Samples before the canary has traffic make the judge know stable."""
    spec = JudgeSpec((ErrorRatio(),))
    state, _ = judged(spec, [counts(200, k % 2, 0, 0, weight=0) for k in range(60)])
    (errors,) = state.metrics
    assert isinstance(errors, ErrorState)
    assert errors.comparison.known.n > 10_000
    assert errors.comparison.dispersion.weight > 10


def test_the_split_that_arrived() -> None:
    spec = JudgeSpec((ErrorRatio(),), split_factor_max=2.0)
    _, verdicts = judged(spec, [counts(1980, 0, 20, 0)] * 8)
    assert verdicts[-1].reason == "1% of the requests reached the canary, 10% was set"
    for few in ([counts(99, 0, 1, 0)] * 8, [counts(1000, 0, 60, 0)] * 8):
        assert all(verdict.kind != "inconclusive" for verdict in judged(spec, few)[1])
    off = JudgeSpec((ErrorRatio(),), split_factor_max=None)
    assert all(verdict.kind != "inconclusive" for verdict in judged(off, [counts(1980, 0, 20, 0)] * 8)[1])
