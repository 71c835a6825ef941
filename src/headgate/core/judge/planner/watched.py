"""What a canary is watched by: every way to a failing verdict, one criterion and one latency bound at a time."""

import msgspec

from headgate.core.judge.metrics import kind_of
from headgate.core.judge.traffic import Workload
from headgate.core.judge.verdict.way import Watched
from headgate.core.model.criteria import JudgeSpec


def watched(spec: JudgeSpec, workload: Workload) -> tuple[Watched, ...]:
    """All ways, in the order of the spec; what nothing is known of is left out (`unknown` names it)."""
    found: list[Watched] = []
    for criterion in spec.criteria:
        if criterion.weight > 0:
            found += kind_of(criterion).ways(spec, criterion, workload)
    return tuple([msgspec.structs.replace(way, fresh=workload.fresh) for way in found])


def unknown(spec: JudgeSpec, workload: Workload) -> tuple[str, ...]:
    """The criteria that nothing can be foretold of."""
    deciding = [criterion for criterion in spec.criteria if criterion.weight > 0]
    return tuple([name for one in deciding for name in kind_of(one).unknown(one, workload)])
