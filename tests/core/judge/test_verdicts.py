"""Pass, fail, watch, inconclusive, no data: which verdict when."""

import random

import msgspec
import pytest

from headgate.core.judge.judge import JudgeState, start
from headgate.core.model.criteria import ErrorRatio, JudgeSpec, Latency, MeanCriterion
from headgate.core.model.sample import Arm, Sample
from tests.core.judge.traffic import FAST, LE, arm, counts, judged, orders, sample

ERRORS = JudgeSpec((ErrorRatio(),))
LIMIT = JudgeSpec((ErrorRatio(max=0.01),))
ORDERS = JudgeSpec((MeanCriterion("orders"),), requests_min=0)
SLOW = (0.35, 0.3, 0.2, 0.05, 0.02, 0.01, 0.0, 0.07, 0.0)
"""Seven in a hundred requests take over 500 ms."""


def live(
    seconds: int, stable: float, canary: float, *, rate: int = 200, weight: int = 10, seed: int = 1
) -> list[Sample]:
    rng, n1 = random.Random(seed), rate * weight // 100
    return [
        sample(arm(rng, rate - n1, stable, FAST, 2), arm(rng, n1, canary, FAST), at=k + 1.0, weight=weight)
        for k in range(seconds)
    ]


@pytest.mark.parametrize(
    ("samples", "kind"),
    [
        ([counts(180, 0, 20, 0)], "watch"),
        ([counts(180, 0, 20, 0)] * 6, "pass"),
        ([counts(1800, 2, 200, 0)] * 6, "pass"),
        ([counts(1800, 90, 200, 10)] * 6, "pass"),
        ([counts(180, 0, 20, 4)], "watch"),
        ([counts(180, 0, 20, 4)] * 3, "fail"),
        ([counts(180, 0, 20, 20)] * 2, "fail"),
        ([counts(180, 0, 20, 20)], "inconclusive"),
        ([counts(180, 0, 20, 1)] * 12, "fail"),
        ([counts(180, 0, 20, 1)] * 4, "inconclusive"),
        ([counts(180, 0, 20, 1)] * 2, "watch"),
        ([counts(180, 36, 20, 4)] * 30, "pass"),
        ([counts(1800, 9, 200, 1)] * 4 + [counts(1800, 180, 200, 20)] * 30, "pass"),
        ([counts(50, 20, 50, 50)] * 4, "fail"),
        ([counts(180, 0, 0, 0)] * 30, "watch"),
        ([counts(180, 0, 0, 0)] * 31, "no_data"),
        ([counts(0, 0, 0, 0)] * 31, "no_data"),
        ([counts(0, 0, 20, 0, weight=100)] * 5, "pass"),
        ([counts(0, 0, 20, 4, weight=100)] * 30, "watch"),
        ([counts(180, 0, 20, 0)] * 6 + [sample(Arm(180), None, problems=("no answer",))], "no_data"),
        ([sample(Arm(180), None)] * 31, "no_data"),
        ([counts(180, 0, 20, 0)] * 6 + [sample(Arm(180), Arm(20), problems=("no orders",))], "no_data"),
        ([sample(Arm(180), Arm(20, 4), problems=("no orders",))] * 3, "fail"),
        ([counts(1990, 0, 10, 0)] * 20, "inconclusive"),
        ([counts(1000, 0, 1000, 0)] * 20, "inconclusive"),
        ([counts(1990, 0, 10, 0, weight=0)] * 20, "pass"),
    ],
)
def test_errors(samples: list[Sample], kind: str) -> None:
    _, verdicts = judged(ERRORS, samples)
    assert verdicts[-1].kind == kind, verdicts[-1].reason
    assert verdicts[-1].reason


@pytest.mark.parametrize(
    ("samples", "kind", "said"),
    [
        ([counts(180, 0, 20, 1)] * 12, "fail", "errors 5.0%"),
        ([counts(1800, 40, 200, 5)] * 30, "inconclusive", "stable itself breaks the limit"),
        ([counts(0, 0, 20, 2, weight=100)] * 12, "fail", "at most 1.0% allowed"),
        ([counts(0, 0, 200, 0, weight=100)] * 5, "pass", "no stable to compare with"),
    ],
)
def test_an_absolute_limit(samples: list[Sample], kind: str, said: str) -> None:
    _, verdicts = judged(LIMIT, samples)
    assert (verdicts[-1].kind, said in verdicts[-1].reason) == (kind, True), verdicts[-1].reason


def test_after_the_promotion_the_limit_is_still_kept() -> None:
    """Stable has no traffic in the soak; what was learnt of it stays."""
    state, verdicts = judged(LIMIT, live(10, 0.001, 0.001))
    assert verdicts[-1].kind == "pass"
    state, verdicts = judged(LIMIT, [counts(0, 0, 200, 0, weight=100)] * 5, 1, state)
    assert verdicts[-1].kind == "pass"
    _, verdicts = judged(LIMIT, [counts(0, 0, 200, 20, weight=100)] * 5, 1, state)
    assert verdicts[-1].kind == "fail"


def test_a_first_release_is_judged_alone() -> None:
    """There is no stable to compare with: absolute limits, and plainly no harm."""
    rng = random.Random(2)
    good = [sample(Arm(), arm(rng, 50, 0.0, FAST), weight=100, at=k + 1.0) for k in range(6)]
    _, verdicts = judged(JudgeSpec(), good)
    assert verdicts[-1].kind == "pass", verdicts[-1].reason
    assert "no stable to compare with" in verdicts[-1].reason
    bad = [sample(None, arm(rng, 50, 0.3, FAST), weight=100, at=k + 1.0) for k in range(30)]
    assert all(verdict.kind == "watch" for verdict in judged(JudgeSpec(), bad)[1])


@pytest.mark.parametrize(
    ("samples", "kind"),
    [
        ([orders(18, 18, 2, 2)] * 6, "pass"),
        ([orders(18, 18, 2, 0)] * 10, "fail"),
        ([orders(18, 12, 2, 0)] * 20, "fail"),
        ([orders(18, 5.4, 2, 0.6)] * 60, "pass"),
        ([orders(18, 18, 0, 0)] * 20, "watch"),
        ([orders(0, 0, 0, 0)] * 20, "watch"),
        ([orders(18, 18, 2, 2)] * 6 + [orders(18, float("nan"), 2, 2)], "watch"),
        ([orders(18, 18, 2, 2)] * 6 + [orders(18, -4, 2, 2)], "watch"),
        ([orders(18, 18, 2, 2)] * 6 + [orders(18, 18, 2, 80)], "watch"),
        ([orders(17, 18, 3, 2), orders(19, 18, 1, 2)] * 3, "pass"),
    ],
)
def test_business_signals(samples: list[Sample], kind: str) -> None:
    _, verdicts = judged(ORDERS, [*samples])
    silent = samples[-1].canary is not None and samples[-1].canary.requests == 0
    assert verdicts[-1].kind == ("watch" if silent else kind), verdicts[-1].reason


def test_no_order_at_all_is_found_within_a_few_intervals() -> None:
    _, verdicts = judged(ORDERS, [orders(18, 18, 2, 0)] * 10)
    assert next(k for k, verdict in enumerate(verdicts, 1) if verdict.kind == "fail") <= 6
    assert "0% against 100% on stable" in verdicts[-1].reason


def test_where_low_is_good() -> None:
    spec = JudgeSpec((MeanCriterion("orders", higher_is_better=False),), requests_min=0)
    assert judged(spec, [orders(90, 9, 10, 1)] * 40)[1][-1].kind == "pass"
    assert judged(spec, [orders(90, 9, 10, 4)] * 20)[1][-1].kind == "fail"


def test_a_mean_has_an_absolute_limit_too() -> None:
    spec = JudgeSpec((MeanCriterion("orders", limit=0.9),), requests_min=0)
    alone = [orders(0, 0, 20, 12)] * 10
    assert judged(spec, alone)[1][-1].kind == "fail"
    assert "at least 90.0% allowed" in judged(spec, alone)[1][-1].reason


def latency(seconds: int, shares: tuple[float, ...], stable: tuple[float, ...] = FAST) -> list[Sample]:
    rng = random.Random(3)
    return [sample(arm(rng, 180, 0, stable, 2), arm(rng, 20, 0, shares), at=k + 1.0) for k in range(seconds)]


def test_latency_alike_passes() -> None:
    _, verdicts = judged(JudgeSpec(), latency(12, FAST))
    assert verdicts[-1].kind == "pass", verdicts[-1].reason


def test_a_slow_tail_fails_and_names_the_bound() -> None:
    _, verdicts = judged(JudgeSpec(), latency(20, SLOW))
    assert verdicts[-1].kind == "fail"
    assert "requests over" in verdicts[-1].reason
    assert [e.kind for e in verdicts[-1].metrics] == ["pass", "fail"]


def test_slow_on_both_arms_is_not_the_canarys_fault() -> None:
    _, verdicts = judged(JudgeSpec(), latency(4, FAST) + latency(20, SLOW, SLOW))
    assert all(verdict.kind != "fail" for verdict in verdicts)


def test_an_absolute_latency() -> None:
    spec = JudgeSpec((Latency(max_ms=400.0, factor=None),))
    assert judged(spec, latency(12, FAST))[1][-1].kind == "pass"
    failed = judged(spec, latency(20, SLOW))[1][-1]
    assert failed.kind == "fail"
    assert "over 500 ms" in failed.reason
    assert judged(spec, latency(20, SLOW, SLOW))[1][-1].kind == "inconclusive"
    beyond = JudgeSpec((Latency(max_ms=1e6, factor=None),))
    assert judged(beyond, latency(3, FAST))[1][-1].metrics[0].kind == "no_data"


def test_it_is_quick_at_two_hundred_requests_a_second() -> None:
    """Means over seeds of the time to find a version that fails a fifth or a twentieth of its requests."""
    for share, mean_s in ((0.2, 3.0), (0.05, 12.0)):
        found: list[int] = []
        for seed in range(12):
            _, verdicts = judged(JudgeSpec((ErrorRatio(),)), live(60, 0.001, share, seed=seed))
            found.append(next(k for k, verdict in enumerate(verdicts, 1) if verdict.kind == "fail"))
        assert sum(found) / len(found) <= mean_s


def test_a_healthy_step_passes_within_seconds() -> None:
    for seed in range(12):
        _, verdicts = judged(JudgeSpec(), live(15, 0.001, 0.001, seed=seed))
        assert any(verdict.kind == "pass" for verdict in verdicts)
        assert all(verdict.kind != "fail" for verdict in verdicts)


def test_once_failed_always_failed() -> None:
    state, verdicts = judged(ERRORS, [counts(180, 0, 20, 20)] * 2)
    assert state.failed == verdicts[-1]
    later, again = judged(ERRORS, [counts(180, 0, 20, 0)] * 50, 7, state)
    assert later == state
    assert all(verdict == verdicts[-1] for verdict in again)


def test_evidence_carries_over_to_the_next_step_and_proof_does_not() -> None:
    state, verdicts = judged(ERRORS, [counts(180, 0, 20, 0)] * 6)
    assert verdicts[-1].kind == "pass"
    _, verdicts = judged(ERRORS, [counts(150, 0, 50, 0, weight=25)], 1, state)
    assert verdicts[-1].kind == "watch"
    state, verdicts = judged(ERRORS, [counts(180, 0, 20, 2)] * 2)
    assert verdicts[-1].kind != "fail"
    _, verdicts = judged(ERRORS, [counts(150, 0, 50, 6, weight=25)], 1, state)
    assert verdicts[-1].kind == "fail"


def test_the_same_errors_at_another_weight_are_no_evidence() -> None:
    """Pooled over both steps the canary would look three times worse (Simpson's paradox)."""
    early = [counts(900, 0, 100, 0)] * 20
    state, _ = judged(ERRORS, early)
    late = [counts(500, 10, 500, 10, weight=50)] * 20
    _, verdicts = judged(ERRORS, late, 1, state)
    assert verdicts[-1].kind == "pass"


def test_metrics_with_weight_zero_are_shown_and_never_decide() -> None:
    spec = JudgeSpec((ErrorRatio(weight=0.0), MeanCriterion("orders")))
    _, verdicts = judged(spec, [orders(18, 18, 2, 2)] * 3 + [counts(180, 0, 20, 20)] * 6)
    assert verdicts[-1].kind != "fail"
    assert verdicts[-1].metrics[0].e_value > 1e6


def test_it_can_be_asked_never_to_pass() -> None:
    spec = msgspec.structs.replace(ERRORS, promote=False)
    verdict = judged(spec, [counts(180, 0, 20, 0)] * 10)[1][-1]
    assert verdict.kind == "watch"
    assert "keep watching" in verdict.reason


def test_the_least_number_of_requests_is_a_floor() -> None:
    spec = msgspec.structs.replace(ERRORS, requests_min=500)
    _, verdicts = judged(spec, [counts(180, 0, 20, 0)] * 26)
    assert [v.kind for v in verdicts[23:]] == ["watch", "pass", "pass"]


def test_the_state_is_small_constant_and_survives_the_wire() -> None:
    spec = JudgeSpec(
        (
            ErrorRatio(max=0.01),
            Latency(max_ms=500.0),
            MeanCriterion("orders"),
            MeanCriterion("revenue", limit=0.1),
        )
    )
    state, sizes = start(spec), []
    for k in range(60):
        state, _ = judged(spec, live(5, 0.01, 0.01, seed=k), k // 20, state)
        packed = msgspec.msgpack.encode(state)
        assert msgspec.msgpack.decode(packed, type=JudgeState) == state
        sizes.append(len(packed))
    assert max(sizes) < 4096
    assert max(sizes[20:]) - min(sizes[20:]) < 100
    failed, _ = judged(spec, [counts(180, 0, 20, 20)] * 8, 9, state)
    assert failed.failed is not None
    assert len(msgspec.msgpack.encode(failed)) < 4096 + 1500


def test_the_reason_is_a_sentence_with_numbers() -> None:
    rng = random.Random(5)
    samples = [sample(arm(rng, 1800, 0.001, k=2), arm(rng, 200, 0.05), at=k + 1.0) for k in range(8)]
    verdict = judged(ERRORS, samples)[1][-1]
    assert verdict.kind == "fail"
    assert verdict.reason.startswith("errors ")
    assert "on stable (" in verdict.reason
    assert "allowed 1.25x): " in verdict.reason
    assert verdict.reason.endswith(" to 1 that the canary is worse")
    metric = verdict.metrics[0]
    assert metric.low is not None
    assert metric.ratio is not None
    assert 1.25 < metric.low < metric.ratio


def test_bounds_of_the_histograms_used_here() -> None:
    assert len(FAST) == len(SLOW) == len(LE)
    assert sum(FAST) == pytest.approx(1.0)
    assert sum(SLOW) == pytest.approx(1.0)
