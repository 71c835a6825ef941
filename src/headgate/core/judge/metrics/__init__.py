"""The kinds of criteria: a file for each, with all that the judge, the planner and the pages must know of it.

`KINDS` is the table; nothing outside of this folder names a kind to judge by it.
"""

from collections.abc import Mapping
from typing import Any

from headgate.core.judge.metrics import business, errors, latency, saturation, slots
from headgate.core.judge.metrics.kind import MetricKind
from headgate.core.model.criteria import Criterion, ErrorRatio, Latency, MeanCriterion, Saturation

KINDS: Mapping[type[Criterion], MetricKind[Any, Any]] = {
    ErrorRatio: errors.KIND,
    Latency: latency.KIND,
    MeanCriterion: business.KIND,
    Saturation: saturation.KIND,
}

MetricState = errors.ErrorState | slots.LatencyState | business.MeanState | saturation.SaturationState
"""What is remembered of a leg's samples for one criterion."""


def kind_of(criterion: Criterion) -> MetricKind[Any, Any]:
    """The functions of this criterion's kind."""
    return KINDS[type(criterion)]
