"""The table of criteria: every kind of the union is in it, and each is what it says."""

from __future__ import annotations

from typing import get_args

import pytest

from headgate.core.judge.judge import read, start
from headgate.core.judge.metrics import KINDS, MetricState, kind_of
from headgate.core.model.criteria import Criterion, ErrorRatio, JudgeSpec, Latency, MeanCriterion, Saturation

EXAMPLES: dict[type[Criterion], Criterion] = {
    ErrorRatio: ErrorRatio(max=0.01),
    Latency: Latency(max_ms=250.0),
    MeanCriterion: MeanCriterion("orders", limit=0.5),
    Saturation: Saturation("memory", max=512e6),
}


def test_every_kind_of_criterion_is_in_the_table() -> None:
    assert set(KINDS) == set(get_args(Criterion)) == set(EXAMPLES)
    assert len(get_args(MetricState)) == len(KINDS)


@pytest.mark.parametrize("criterion", EXAMPLES.values(), ids=lambda one: type(one).__name__)
def test_a_kind_says_as_much_as_it_has_parts(criterion: Criterion) -> None:
    spec = JudgeSpec((criterion,))
    state = start(spec)
    assert sum(reading.weight > 0 for reading in read(spec, state)) == criterion.metrics == 2
    assert kind_of(criterion).words(criterion)
    assert not kind_of(criterion).wrong(criterion)


@pytest.mark.parametrize(
    ("criterion", "wrong"),
    [
        (ErrorRatio(factor=0.0), "the margin of errors must be above 0"),
        (Latency(quantile=1.0), "a quantile lies between 0 and 1"),
        (Saturation("memory", factor=None), "nothing limits this gauge: neither a limit nor stable's"),
        (Saturation("memory", factor=0.5), "stable's own share of it must be allowed: at least 1x"),
        (Saturation("memory", block_s=0.0), "a block has a length"),
    ],
)
def test_a_criterion_without_a_sense_is_known_for_it(criterion: Criterion, wrong: str) -> None:
    assert kind_of(criterion).wrong(criterion) == wrong


def test_criteria_of_one_kind_are_found_in_their_order() -> None:
    spec = JudgeSpec((Latency(0.5), ErrorRatio(), Latency(0.99)))
    assert spec.of(Latency) == (Latency(0.5), Latency(0.99))
    assert spec.of(MeanCriterion) == ()
