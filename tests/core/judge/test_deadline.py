"""One exact look at the deadline, and how alpha is shared between it, watching and retries."""

import math
import random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.core.judge.deadline import at_deadline, step_p_value
from headgate.core.judge.evidence.counts import binomial_tail
from headgate.core.judge.evidence.risk import deadline_alpha, needed
from headgate.core.judge.judge import start
from headgate.core.judge.metrics.errors import ErrorState
from headgate.core.model.criteria import ErrorRatio, JudgeSpec
from tests.core.judge.traffic import counts, judged

SPEC = JudgeSpec((ErrorRatio(factor=1.0),), dispersion=1.0, deadline_share=0.6, promote=False)


@given(st.integers(0, 60), st.integers(0, 61), st.floats(0.0, 0.999))
def test_the_tail_is_the_sum_of_its_terms(n: int, x: int, q: float) -> None:
    if 0 < q < 1e-9:
        return  # too small for the naive sum
    exact = sum(math.comb(n, k) * q**k * (1 - q) ** (n - k) for k in range(x, n + 1))
    assert binomial_tail(n, x, q) == pytest.approx(exact, rel=1e-9, abs=1e-15)


def test_a_long_tail_is_quick_and_right() -> None:
    assert binomial_tail(1_000_000, 500_000, 0.5) == pytest.approx(0.5, abs=0.001)
    assert binomial_tail(1_000_000, 600_000, 0.5) == 0.0


@given(st.integers(1, 40), st.integers(1, 40), st.floats(0.01, 0.3), st.sampled_from([0.001, 0.01, 0.05]))
def test_it_rejects_a_canary_that_is_just_allowed_no_more_often_than_declared(
    n1: int, n0: int, p: float, alpha: float
) -> None:
    errors = [0.0, 0.0]
    rates = n1 * p * 1.25, n0 * p
    for x1 in range(40):
        for x0 in range(40):
            chance = math.prod(
                math.exp(-m) * m**x / math.factorial(x) for m, x in zip(rates, (x1, x0), strict=True)
            )
            q = 1.25 * n1 / (1.25 * n1 + n0)
            errors[binomial_tail(x1 + x0, x1, q) <= alpha] += chance
    assert errors[1] <= alpha * (1 + 1e-9)


def found(rng: random.Random, times: float) -> bool:
    """Ten intervals, two errors expected in each arm's, and a canary that is `times` as bad."""
    seconds = [counts(200, poisson(rng, 2.0), 200, poisson(rng, 2 * times), weight=50) for _ in range(10)]
    state, verdicts = judged(SPEC, seconds)
    return verdicts[-1].kind == "fail" or at_deadline(SPEC, state)[1].kind == "fail"


def poisson(rng: random.Random, mean: float) -> int:
    left, n = math.exp(-mean), 0
    while (left := left / rng.random()) <= 1:
        n += 1
    return n


def test_a_doubling_is_found_with_little_traffic() -> None:
    rng = random.Random(7)
    assert sum(found(rng, 2.0) for _ in range(300)) / 300 >= 0.42  # 0.47 over many runs
    assert sum(found(rng, 1.0) for _ in range(300)) / 300 <= 0.02


def test_it_says_what_was_seen_and_then_stays() -> None:
    state, verdicts = judged(SPEC, [counts(200, 2, 200, 5, weight=50)] * 10)
    assert verdicts[-1].kind != "fail"
    state, verdict = at_deadline(SPEC, state)
    assert verdict.kind == "fail"
    assert verdict.reason.startswith("errors 50 of 2000 against 20 of 2000 on stable in this step: by chance")
    assert verdict.metrics[0].kind == "fail"
    assert judged(SPEC, [counts(200, 2, 200, 0)] * 9, 1, state)[1][-1] == verdict
    assert at_deadline(SPEC, state) == (state, verdict)


def test_the_share_is_spent_once_per_declared_deadline() -> None:
    spec = msgspec.structs.replace(SPEC, deadlines=2)
    assert [deadline_alpha(spec, spent) for spent in range(3)] == pytest.approx([0.003, 0.003, 0.0])
    state, _ = judged(spec, [counts(200, 2, 200, 2, weight=50)] * 10)
    for _ in range(2):
        state, verdict = at_deadline(spec, state)
        assert verdict.kind != "fail"
    state, _ = judged(spec, [counts(200, 2, 200, 5, weight=50)] * 10, 1, state)
    assert state.deadlines == 2
    assert at_deadline(spec, state)[1].kind != "fail"


def test_without_a_share_the_deadline_changes_nothing() -> None:
    spec = msgspec.structs.replace(SPEC, deadline_share=0.0)
    state, verdicts = judged(spec, [counts(200, 2, 200, 5, weight=50)] * 10)
    assert at_deadline(spec, state)[1] == verdicts[-1]
    assert at_deadline(spec, start(spec))[1].kind == "watch"


def test_bursts_weaken_the_test() -> None:
    state, _ = judged(SPEC, [counts(200, 2, 200, 5, weight=50)] * 10)
    (errors,) = state.metrics
    assert isinstance(errors, ErrorState)
    values = [step_p_value(1.0, errors.comparison, phi) for phi in (1.0, 2.0, 4.0)]
    assert values == sorted(values)
    assert values[0] < 0.001 < values[2]


def test_every_retry_spends_less() -> None:
    specs = [JudgeSpec(retry=k) for k in range(40)]
    assert needed(specs[0]) == pytest.approx(100.0)
    assert needed(specs[2]) == pytest.approx(900.0)
    assert sum(1 / needed(spec) for spec in specs) < 1.65 * 0.01
    assert judged(specs[1], [counts(180, 0, 20, 20)])[1][-1].needed == pytest.approx(400.0)


def test_alpha_is_shared() -> None:
    for spec in (SPEC, msgspec.structs.replace(SPEC, retry=3, deadlines=5)):
        spent = 1 / needed(spec) + sum(deadline_alpha(spec, k) for k in range(9))
        assert spent == pytest.approx(0.01 / (spec.retry + 1) ** 2)
