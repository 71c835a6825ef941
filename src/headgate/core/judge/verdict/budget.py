"""One error budget for all metrics: a weighted average of e-values against 1/alpha.

The average of e-values is an e-value under any dependence between them (Vovk & Wang 2021), so the metrics need no
correction for their number. Culprits are named with false-discovery control (e-BH, Wang & Ramdas 2022).
"""

import math

from headgate.core.judge.evidence.risk import needed
from headgate.core.judge.verdict.reading import Reading
from headgate.core.model.criteria import JudgeSpec


def combined(readings: tuple[Reading, ...]) -> float:
    """The evidence that decides; metrics with weight 0 are shown and have no part in it."""
    total = evidence = 0.0
    for reading in readings:
        total += reading.weight
        evidence += reading.weight * reading.evidence.e_value
    return evidence / total if total > 0 else 1.0


def culprits(spec: JudgeSpec, readings: tuple[Reading, ...]) -> tuple[Reading, ...]:
    """The metrics to blame, the most telling first; the first one always, the others by e-BH."""
    deciding = [reading for reading in readings if reading.weight > 0]
    ranked = sorted(deciding, key=lambda reading: -reading.weight * reading.evidence.e_value)
    n, enough = len(ranked), needed(spec)
    count = max([k for k, r in enumerate(ranked, 1) if r.evidence.e_value >= n * enough / k], default=1)
    return tuple(ranked[:count])


def weights(spec: JudgeSpec) -> list[float]:
    """Each part's weight in the budget, in the order of the spec."""
    return [criterion.weight for criterion in spec.criteria for _ in range(criterion.metrics)]


def interval_cap(spec: JudgeSpec) -> float:
    """The most that one interval adds to a metric's log-evidence: a verdict rests on two full intervals at least."""
    if spec.dispersion is not None:
        return math.inf
    return (math.log(max(1, len(weights(spec))) * needed(spec)) + math.log(6)) / 2
