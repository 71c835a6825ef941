"""Spinnaker's question: Kayenta's remote judge, `POST /judge` with two arrays of values for each metric.

The shapes are those of Kayenta's sources: `RemoteJudgeRequest` {canaryConfig, scoreThresholds, metricSetPairList} in
kayenta-judge, `MetricSetPair` {name, id, tags, values: {control, experiment}} and `CanaryJudgeResult` {judgeName,
results, groupScores, score} in kayenta-core (github.com/spinnaker/kayenta; docs/canary-config.md for the
configuration). A value that is missing is null or "NaN".

A metric is `High` or `Low` once the evidence against it reaches (number of metrics) / alpha, `Pass` once "`worse` times
worse" is rejected at 1 / beta, and `Nodata` until then. While anything is not known, the score stays at the marginal
threshold at most: Spinnaker goes on, and does not pass. `core.judge.evidence.series` has the formulas.
"""

import math
from typing import Any

import msgspec

from headgate.core.judge.evidence.series import Point, Series, compare
from headgate.core.judge.words import odds
from headgate.core.model.criteria import ErrorRatio, JudgeSpec

JUDGE_NAME = "RemoteJudge-v1.0"
"""What Kayenta calls whoever is asked so."""
FULL = 100.0


class MetricSetPair(msgspec.Struct, frozen=True):
    """One metric: `values` has the arrays `control` (stable) and `experiment` (the canary), point by point."""

    name: str
    values: dict[str, list[float | str | None]]
    id: str = ""
    tags: dict[str, str] = {}


class CanaryAnalysis(msgspec.Struct, frozen=True):
    """`analysisConfigurations.canary` of a metric: `direction` is the bad one."""

    direction: str = "either"
    critical: bool = False
    muted: bool = False


class Analyses(msgspec.Struct, frozen=True):
    """`analysisConfigurations` of a metric."""

    canary: CanaryAnalysis = CanaryAnalysis()


class MetricConfig(msgspec.Struct, frozen=True):
    """A metric's part of the canary configuration."""

    name: str
    groups: list[str] = []
    analyses: Analyses = msgspec.field(default=Analyses(), name="analysisConfigurations")


class Classifier(msgspec.Struct, frozen=True, rename="camel"):
    """What each group weighs, in percent."""

    group_weights: dict[str, float] = {}


class CanaryConfig(msgspec.Struct, frozen=True):
    """The parts of a canary configuration that a judge needs."""

    metrics: list[MetricConfig] = []
    classifier: Classifier = Classifier()


class Thresholds(msgspec.Struct, frozen=True):
    """The scores (0 to 100) from which Spinnaker passes, and under which it fails at once."""

    passing: float = msgspec.field(default=75.0, name="pass")
    marginal: float = 50.0


class Question(msgspec.Struct, frozen=True, rename="camel"):
    """Kayenta's RemoteJudgeRequest."""

    metric_set_pair_list: list[MetricSetPair]
    canary_config: CanaryConfig = CanaryConfig()
    score_thresholds: Thresholds = Thresholds()


class Result(msgspec.Struct, frozen=True, rename="camel"):
    """Kayenta's CanaryAnalysisResult: one metric."""

    name: str
    id: str
    tags: dict[str, str]
    classification: str
    classification_reason: str
    groups: list[str]
    experiment_metadata: dict[str, Any]
    control_metadata: dict[str, Any]
    result_metadata: dict[str, Any]
    critical: bool
    muted: bool


class GroupScore(msgspec.Struct, frozen=True, rename="camel"):
    """Kayenta's CanaryJudgeGroupScore."""

    name: str
    score: float
    classification: str
    classification_reason: str


class Score(msgspec.Struct, frozen=True, rename="camel"):
    """Kayenta's CanaryJudgeScore."""

    score: float
    classification: str
    classification_reason: str


class JudgeResult(msgspec.Struct, frozen=True, rename="camel"):
    """Kayenta's CanaryJudgeResult."""

    judge_name: str
    results: list[Result]
    group_scores: list[GroupScore]
    score: Score


def _number(value: float | str | None) -> float:
    try:
        return math.nan if value is None else float(value)
    except ValueError:
        return math.nan


def _values(pair: MetricSetPair, arm: str) -> list[float]:
    return [_number(value) for value in pair.values.get(arm, [])]


def _points(control: list[float], experiment: list[float]) -> list[Point]:
    """The moments at which both arms have a value."""
    both = zip(control, experiment, strict=False)
    return [(a, b) for a, b in both if math.isfinite(a) and math.isfinite(b)]


def _stats(given: list[float]) -> dict[str, Any]:
    values = [value for value in given if math.isfinite(value)]
    n = len(values)
    mean = math.fsum(values) / n if n else 0.0
    spread = math.sqrt(math.fsum((v - mean) ** 2 for v in values) / n) if n else 0.0
    low, high = min(values, default=0.0), max(values, default=0.0)
    return {"stats": {"count": n, "mean": mean, "min": low, "max": high, "std": spread}}


def _classified(spec: JudgeSpec, seen: Series, metrics: int) -> tuple[str, str]:
    needed = metrics / spec.alpha
    if seen.against >= needed:
        direction = "High" if seen.higher else "Low"
        return direction, f"{odds(seen.against)} that the canary is worse, after {seen.n} points"
    if seen.against < 1 / spec.beta <= seen.harmless:
        return "Pass", f"no harm: {odds(seen.harmless)}, after {seen.n} points"
    return "Nodata", f"{seen.n} points are too few to tell: {odds(seen.against)} that the canary is worse"


def _result(spec: JudgeSpec, pair: MetricSetPair, config: MetricConfig, metrics: int) -> Result:
    control, experiment = _values(pair, "control"), _values(pair, "experiment")
    analysis = config.analyses.canary
    margin = next(iter(spec.of(ErrorRatio)), ErrorRatio()).factor
    up, down = analysis.direction != "decrease", analysis.direction != "increase"
    seen = compare(_points(control, experiment), margin, max(spec.worse, margin), up=up, down=down)
    classification, reason = _classified(spec, seen, metrics)
    found = {"eValue": seen.against, "harmless": seen.harmless, "points": seen.n}
    return Result(
        pair.name, pair.id or pair.name, pair.tags, classification, reason, config.groups or ["metrics"],
        _stats(experiment), _stats(control), found, analysis.critical, analysis.muted,
    )  # fmt: skip


def _verdict(score: float, thresholds: Thresholds) -> str:
    return "Pass" if score >= thresholds.passing else "Marginal" if score >= thresholds.marginal else "Fail"


def _group(name: str, results: list[Result], thresholds: Thresholds) -> GroupScore | None:
    known = [r for r in results if name in r.groups and r.classification != "Nodata" and not r.muted]
    if not known:
        return None
    passing = sum(r.classification == "Pass" for r in known)
    score = FULL * passing / len(known)
    return GroupScore(name, score, _verdict(score, thresholds), f"{passing} of {len(known)} metrics pass")


def _total(groups: list[GroupScore], weights: dict[str, float]) -> float | None:
    """The groups' weighted mean; groups without a weight share what is left of a hundred."""
    free = [group for group in groups if group.name not in weights]
    rest = max(FULL - sum(weights.values()), 0.0) / len(free) if free else 0.0
    each = [(weights.get(group.name, rest), group.score) for group in groups]
    total = sum(weight for weight, _ in each)
    return sum(weight * score for weight, score in each) / total if total > 0 else None


def judge_arrays(spec: JudgeSpec, question: Question) -> JudgeResult:
    """The answer to Kayenta: each metric classified, groups scored, and one score of all."""
    configs = {config.name: config for config in question.canary_config.metrics}
    pairs, thresholds = question.metric_set_pair_list, question.score_thresholds
    results = [
        _result(spec, pair, configs.get(pair.name, MetricConfig(pair.name)), len(pairs)) for pair in pairs
    ]
    names = dict.fromkeys(name for result in results for name in result.groups)
    groups = [group for name in names if (group := _group(name, results, thresholds)) is not None]
    score = _score(results, _total(groups, question.canary_config.classifier.group_weights), thresholds)
    return JudgeResult(JUDGE_NAME, results, groups, score)


def _score(results: list[Result], total: float | None, thresholds: Thresholds) -> Score:
    deciding = [result for result in results if not result.muted]
    failed = [r for r in deciding if r.critical and r.classification in ("High", "Low")]
    if failed:
        return Score(0.0, "Fail", f"the critical metric {failed[0].name}: {failed[0].classification_reason}")
    unknown = sum(r.classification == "Nodata" for r in deciding)
    if total is None or (unknown and total >= thresholds.marginal):
        return Score(
            thresholds.marginal, "Marginal", f"{unknown} of {len(deciding)} metrics are not known yet"
        )
    bad = sum(r.classification in ("High", "Low") for r in deciding)
    return Score(total, _verdict(total, thresholds), f"{bad} of {len(deciding)} metrics are worse")
