"""What a new version must live up to, in words."""

from collections.abc import Iterator

from headgate.core.criteria import ErrorRatio, JudgeSpec, Latency, MeanCriterion
from headgate.core.judge.instances import too_few_instances
from headgate.core.plan import Leg
from headgate.core.steps import Prepare


def of_leg(leg: Leg) -> tuple[str, ...]:
    """The same, and whether the leg has the instances for what is asked of them."""
    canary = min(
        (step.instances for step in leg.steps if isinstance(step, Prepare)), default=leg.change.instances
    )
    lacking = too_few_instances(leg.judge, leg.change.instances, canary)
    return (*in_words(leg.judge), lacking) if lacking else in_words(leg.judge)


def in_words(spec: JudgeSpec) -> tuple[str, ...]:
    """A sentence for each criterion, then how sure the judge must be."""
    said = [*_errors(spec.error_ratio), *(line for one in spec.latency for line in _latency(one))]
    said += [_mean(one) for one in spec.means]
    said.append(
        f"at most {_share(spec.alpha)} of good releases rolled back by chance; "
        f"at least {spec.requests_min} requests to the new version in each step"
    )
    if spec.deadline_share:
        said.append(
            f"{_share(spec.deadline_share)} of that is kept for an exact test at each step's deadline"
        )
    if spec.exchangeable:
        said.append("errors must also be more than a blind pick of instances explains")
    return tuple(said)


def _errors(criterion: ErrorRatio | None) -> Iterator[str]:
    if criterion is None:
        yield "errors are not judged"
        return
    limit = f", and at most {_share(criterion.max)}" if criterion.max is not None else ""
    yield f"errors: no more than {criterion.factor:g}x the old version's{limit}"


def _latency(criterion: Latency) -> Iterator[str]:
    name = f"p{100 * criterion.quantile:g}"
    compared = (
        f"no more than {criterion.factor:g}x as many slow requests" if criterion.factor is not None else ""
    )
    limit = f"at most {criterion.max_ms:g} ms" if criterion.max_ms is not None else ""
    if compared or limit:
        yield f"{name} latency: {', and '.join(part for part in (compared, limit) if part)}"


def _mean(criterion: MeanCriterion) -> str:
    direction = "lower" if criterion.higher_is_better else "higher"
    line = f"{criterion.name}: at most {_share(criterion.margin)} {direction} than the old version's"
    if criterion.limit is None:
        return line
    side = "under" if criterion.higher_is_better else "over"
    return f"{line}, and never {side} {_share(criterion.limit)}"


def _share(value: float) -> str:
    return f"{100 * value:g}%"
