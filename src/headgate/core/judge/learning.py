"""Whether stable has been seen enough to judge a candidate that takes all of its traffic."""

from headgate.core.judge.judge import JudgeState
from headgate.core.judge.metrics import kind_of
from headgate.core.judge.metrics.errors import LEARNT_N
from headgate.core.model.criteria import JudgeSpec


def unlearnt(spec: JudgeSpec, state: JudgeState) -> str:
    """What of stable is not known yet, as a clause; empty: all that the criteria which decide ask for."""
    pairs = zip(spec.criteria, state.metrics, strict=True)
    missing = (kind_of(criterion).unlearnt(criterion, seen) for criterion, seen in pairs)
    return next((clause for clause in missing if clause), "")


def learning_s(spec: JudgeSpec, rate: float) -> float:
    """How long stable is to be watched at `rate` requests a second, in seconds; cases of business signals aside."""
    asked = (kind_of(criterion).learning_n(criterion) for criterion in spec.criteria)
    return max(LEARNT_N, *asked, 0) / rate
