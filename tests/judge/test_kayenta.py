"""Kayenta's scores: groups, weights, criticality, and what is not known."""

from __future__ import annotations

import pytest

from headgate.judge import JudgeSpec
from headgate.judge.kayenta import (
    Analyses,
    CanaryAnalysis,
    CanaryConfig,
    Classifier,
    MetricConfig,
    MetricSetPair,
    Question,
    Score,
    judge_arrays,
)

GOOD, HIGH, LOW = [10.0] * 20, [40.0] * 20, [1.0] * 20
Values = list[float]


def pair(name: str, values: Values) -> MetricSetPair:
    return MetricSetPair(name, {"control": [10.0] * 20, "experiment": list(values)})


def config(name: str, group: str, *, critical: bool = False, muted: bool = False) -> MetricConfig:
    return MetricConfig(name, [group], Analyses(CanaryAnalysis("either", critical, muted)))


def score(pairs: list[MetricSetPair], configs: list[MetricConfig], **weights: float) -> Score:
    return judge_arrays(JudgeSpec(), Question(pairs, CanaryConfig(configs, Classifier(weights)))).score


def test_groups_have_their_weights() -> None:
    pairs = [pair("a", GOOD), pair("b", HIGH), pair("c", LOW)]
    configs = [config("a", "x"), config("b", "y"), config("c", "y")]
    assert score(pairs, configs, x=80.0).score == pytest.approx(80.0)
    assert score(pairs, configs).score == pytest.approx(50.0)
    assert score(pairs, []).score == pytest.approx(100 / 3)


def test_a_critical_metric_fails_all() -> None:
    found = score(
        [pair("a", GOOD), pair("b", HIGH)], [config("a", "x"), config("b", "y", critical=True)], x=99.0
    )
    assert (found.score, found.classification) == (0.0, "Fail")
    assert "critical metric b" in found.classification_reason


def test_a_muted_metric_is_shown_and_never_decides() -> None:
    found = judge_arrays(
        JudgeSpec(),
        Question([pair("a", GOOD), pair("b", HIGH)], CanaryConfig([config("b", "x", muted=True)])),
    )
    assert (found.results[1].classification, found.score.classification) == ("High", "Pass")


@pytest.mark.parametrize("values", [[], [10.0] * 3])
def test_what_is_not_known_never_passes(values: Values) -> None:
    found = score([pair("a", GOOD), pair("b", values)], [])
    assert (found.score, found.classification) == (50.0, "Marginal")
    assert score([], []).classification == "Marginal"
    assert score([pair("a", HIGH), pair("b", values)], []).classification == "Fail"
