"""Deadlines that nobody has declared: the time in which a good version passes, by the traffic there is.

Where the service's traffic has been measured, that is the time within which a version as good as stable passes with a
probability of 95% (`planner.passing_s`), with some to spare; nowhere less than what goes without measurements, nor more
than MOST times that. A step never ends before its criteria can have been judged at all (an instance's warm-up).
"""

import math
from collections.abc import Iterator

from msgspec.structs import replace

from headgate.core.judge.evidence.risk import LEAST
from headgate.core.judge.metrics import kind_of
from headgate.core.judge.planner import passing_s
from headgate.core.judge.traffic import Workload
from headgate.core.machine.steps import Bake, Expose, Step
from headgate.core.model import Intent
from headgate.core.model.criteria import JudgeSpec
from headgate.core.release.strategies import WHOLE, bake

SURE = 0.95
SPARE = 1.5
"""So many times the foretold time: a closed form is not the truth, and the traffic of today not that of yesterday."""
MOST = 4.0
"""At most so many times what goes without measurements: who bakes for a second does not mean to wait for an hour."""


def with_deadlines(intent: Intent, steps: tuple[Step, ...], workload: Workload | None) -> tuple[Step, ...]:
    """The steps, with a deadline for each bake that none was declared for. `workload` None: nothing was measured."""
    declared = {(stage.bake_s, stage.deadline_s) for stage in intent.rollout.stages}
    weights = dict(_weights(steps))
    least_s = max([kind_of(one).least_s(one) for one in intent.judge.criteria if one.weight > 0], default=0.0)

    def chosen(index: int, step: Step) -> Step:
        if (
            not isinstance(step, Bake)
            or (step.bake_s, step.deadline_s) in declared
            or step != bake(step.bake_s)
        ):
            return step
        weight, following = weights[index]
        needed_s = 0.0
        if workload is not None and 0 < weight < WHOLE:
            needed_s = min(_needed_s(intent.judge, workload, weight, following), MOST * step.deadline_s)
        return replace(step, deadline_s=max(step.deadline_s, needed_s, 2 * least_s))

    return tuple([chosen(index, step) for index, step in enumerate(steps)])


def _needed_s(spec: JudgeSpec, workload: Workload, weight: int, following: int) -> float:
    """What passing takes, with some to spare; 0.0 where that cannot be told."""
    risk = max(weight, following, WHOLE * LEAST) / WHOLE
    foretold_s = passing_s(spec, workload, weight, risk, SURE)
    return SPARE * foretold_s if math.isfinite(foretold_s) else 0.0


def _weights(steps: tuple[Step, ...]) -> Iterator[tuple[int, tuple[int, int]]]:
    """Each step's index, with the weight under it and the one that follows."""
    exposed = [(index, step.weight) for index, step in enumerate(steps) if isinstance(step, Expose)]
    for index in range(len(steps)):
        weight = next((weight for at, weight in reversed(exposed) if at <= index), 0)
        following = next((weight for at, weight in exposed if at > index), WHOLE)
        yield index, (weight, following)
