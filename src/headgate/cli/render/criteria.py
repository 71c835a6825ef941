"""Criteria of a new version, in words."""

from headgate.core.judge.metrics import kind_of
from headgate.core.judge.planner.promotion import too_few_instances
from headgate.core.judge.words import exactly
from headgate.core.machine.plan import Leg
from headgate.core.machine.steps import Prepare
from headgate.core.model.criteria import ErrorRatio, JudgeSpec


def of_leg(leg: Leg) -> tuple[str, ...]:
    """The same, and whether the leg has the instances for what is asked of them."""
    canary = min(
        (step.instances for step in leg.steps if isinstance(step, Prepare)), default=leg.change.instances
    )
    lacking = too_few_instances(leg.judge, leg.change.instances, canary)
    return (*in_words(leg.judge), lacking) if lacking else in_words(leg.judge)


def in_words(spec: JudgeSpec) -> tuple[str, ...]:
    """A sentence for each criterion, then how sure the judge must be."""
    said = [] if spec.of(ErrorRatio) else ["errors are not judged"]
    said += [line for criterion in spec.criteria for line in kind_of(criterion).words(criterion)]
    said.append(
        f"at most {exactly(spec.alpha)} of good releases rolled back by chance; "
        f"at least {spec.requests_min} requests to the new version in each step"
    )
    if spec.deadline_share:
        said.append(
            f"{exactly(spec.deadline_share)} of that is kept for an exact test at each step's deadline"
        )
    if spec.exchangeable:
        said.append("errors must also be more than a blind pick of instances explains")
    return tuple(said)
