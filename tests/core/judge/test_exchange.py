"""The second key: a blind pick of instances."""

import math
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.core.judge.evidence.exchange import alike, exchange_logs, mean_over_picks
from headgate.core.model.criteria import ErrorRatio, JudgeSpec
from headgate.core.model.sample import Arm, Counts, Sample
from tests.core.judge.traffic import judged, sample

ERRORS = st.lists(st.integers(0, 30), min_size=4, max_size=7)
KEYED = JudgeSpec((ErrorRatio(),), exchangeable=True)


@given(ERRORS, st.integers(1, 3))
def test_over_all_picks_the_mean_is_exactly_one(errors: list[int], k: int) -> None:
    total = [0.0] * 4
    picks = list(combinations(range(len(errors)), k))
    for pick in picks:
        canary = [errors[i] for i in pick]
        stable = [x for i, x in enumerate(errors) if i not in pick]
        total = [a + math.exp(log) for a, log in zip(total, exchange_logs(canary, stable), strict=True)]
    assert [value / len(picks) for value in total] == pytest.approx([1.0] * 4)


@given(ERRORS)
def test_names_do_not_matter(errors: list[int]) -> None:
    one = exchange_logs(errors[:2], errors[2:])
    assert exchange_logs(errors[1::-1], errors[:1:-1]) == pytest.approx(one)


@given(ERRORS)
def test_one_interval_is_worth_no_more_than_the_number_of_picks(errors: list[int]) -> None:
    picks = math.comb(len(errors), 2)
    assert max(exchange_logs(errors[:2], errors[2:])) <= math.log(picks) + 1e-9


def test_the_mean_over_picks() -> None:
    assert mean_over_picks([1.0, 2.0, 3.0], 2) == pytest.approx((2 + 3 + 6) / 3)


def fleet(canary: tuple[int, ...], stable: tuple[int, ...], n: int = 100) -> Sample:
    def arm(name: str, errors: tuple[int, ...]) -> Arm:
        counts = {f"{name}{k}": Counts(n, x) for k, x in enumerate(errors)}
        return Arm(n * len(errors), sum(errors), instances=counts)

    return sample(arm("s", stable), arm("c", canary), weight=50)


def test_which_arms_it_is_for() -> None:
    both = fleet((1, 0), (0, 0))
    assert both.stable is not None
    assert both.canary is not None
    assert alike(both.stable, both.canary)
    assert not alike(both.stable, Arm(100, instances={"c": Counts(100, 0)}))
    assert not alike(both.stable, Arm(20, instances={"a": Counts(10, 0), "b": Counts(10, 0)}))
    assert not alike(Arm(), Arm())


def test_a_storm_on_one_instance_turns_one_key_only() -> None:
    storm = [fleet((0, 0, 0), (0, 0, 0))] * 5 + [fleet((40, 0, 0), (0, 0, 0))] * 2
    assert judged(JudgeSpec((ErrorRatio(),)), storm)[1][-1].kind == "fail"
    assert judged(KEYED, storm)[1][-1].kind != "fail"


def test_a_fault_on_every_instance_turns_both() -> None:
    assert judged(KEYED, [fleet((5, 7, 6), (0, 1, 0))] * 4)[1][-1].kind == "fail"


def test_without_instances_that_are_alike_the_first_key_is_enough() -> None:
    few = [sample(Arm(180, 0), Arm(20, 4))] * 3
    assert judged(KEYED, few)[1][-1].kind == "fail"


def test_what_was_seen_before_instances_were_alike_counts() -> None:
    early = [sample(Arm(180, 0), Arm(20, 2))] * 2
    state, verdicts = judged(KEYED, early)
    assert verdicts[-1].kind != "fail"
    assert judged(KEYED, [fleet((5, 7), (0, 0))] * 2)[1][-1].kind != "fail"
    assert judged(KEYED, [fleet((5, 7), (0, 0))] * 2, 1, state)[1][-1].evidence > 20
    both = judged(KEYED, [fleet((5, 7), (0, 0)), *early])[1][-1]
    assert both.evidence > verdicts[-1].evidence
