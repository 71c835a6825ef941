"""Whether stable has been seen enough to judge a candidate that takes all of its traffic."""

from headgate.core.criteria import JudgeSpec, Latency, MeanCriterion
from headgate.core.judge.errors import ErrorState
from headgate.core.judge.judge import JudgeState
from headgate.core.judge.known import KNOWN_N
from headgate.core.judge.latency import SETTLE_N, LatencyState
from headgate.core.judge.means import MeanState

ERRORS_N = 50
"""Requests of stable before its errors are known."""


def unlearnt(spec: JudgeSpec, state: JudgeState) -> str:
    """What of stable is not known yet, as a clause; empty: all that the criteria which decide ask for."""
    missing: list[str] = []
    if state.errors is not None and spec.error_ratio is not None and spec.error_ratio.weight > 0:
        missing.append(_of_errors(state.errors))
    missing += [_of_latency(*both) for both in zip(spec.latency, state.latency, strict=True)]
    missing += [_of_mean(*both) for both in zip(spec.means, state.means, strict=True)]
    return next((clause for clause in missing if clause), "")


def learning_s(spec: JudgeSpec, rate: float) -> float:
    """How long stable is to be watched at `rate` requests a second, in seconds; cases of business signals aside."""
    latency = any(criterion.factor is not None and criterion.weight > 0 for criterion in spec.latency)
    return (2 * SETTLE_N if latency else ERRORS_N) / rate


def _of_errors(seen: ErrorState) -> str:
    return _seen("errors", seen.comparison.known.n, ERRORS_N)


def _of_latency(criterion: Latency, seen: LatencyState) -> str:
    """The bounds are chosen first; then it is counted how much is over them."""
    if criterion.factor is None or criterion.weight <= 0 or seen.defect:
        return ""
    if not seen.slots:
        return _seen("latency", seen.seen_n, 2 * SETTLE_N)
    return _seen("latency", SETTLE_N + seen.slots[0].comparison.known.n, 2 * SETTLE_N)


def _of_mean(criterion: MeanCriterion, seen: MeanState) -> str:
    if criterion.weight <= 0 or seen.defect:
        return ""
    return _seen(criterion.name, seen.comparison.known.n, KNOWN_N, "cases")


def _seen(noun: str, n: float, enough: int, unit: str = "requests") -> str:
    return "" if n >= enough else f"{noun}: {n:.0f} of {enough} {unit} of stable seen"
