"""A verdict as a line of JSON: what `headgate judge` writes."""

import msgspec

from headgate.core.model.verdict import Verdict


class MetricAnswer(msgspec.Struct, frozen=True):
    """One metric: its e-value, and the canary's ratio to stable with an interval that is valid at any time."""

    name: str
    e_value: float
    ratio: float | None
    low: float | None
    high: float | None
    state: str


class Answer(msgspec.Struct, frozen=True):
    """The verdict after the interval that ended `at`; `evidence` is the combined e-value that decides."""

    at: float
    verdict: str
    evidence: float
    metrics: tuple[MetricAnswer, ...]
    reason: str


def answer(at: float, verdict: Verdict) -> Answer:
    """The answer to the interval that ended `at`."""
    metrics = [MetricAnswer(m.metric, m.e_value, m.ratio, m.low, m.high, m.kind) for m in verdict.metrics]
    return Answer(at, verdict.kind, verdict.evidence, tuple(metrics), verdict.reason)
