"""What a service promises, as far as its criteria say it: the limits that alerts are made of."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from headgate.core.model import Unit

if TYPE_CHECKING:
    from headgate.config import Project


@dataclass(frozen=True)
class Objective:
    """A unit with its limits. `error_ratio_max` None: there is no objective, only the `fault` that must be found.

    `latency_max_s` are (quantile, seconds); `fault` is (so many times worse, and worse by so much at least).
    """

    unit: Unit
    error_ratio_max: float | None
    latency_max_s: tuple[tuple[float, float], ...]
    fault: tuple[float, float]


def objective(project: "Project", environment: str, service: str) -> Objective:
    """The limits of one service, as the environment has it."""
    criteria = project.environments[environment].services[service].criteria
    errors = criteria.error_ratio
    latency = [(quantile, limit.max) for quantile, limit in criteria.quantiles or ()]
    return Objective(
        Unit(project.project, environment, service),
        errors.max if errors is not None else None,
        tuple((quantile, most) for quantile, most in latency if most is not None),
        (criteria.fault.factor, criteria.fault.by),
    )


def objectives(project: "Project", environment: str, services: Sequence[str]) -> tuple[Objective, ...]:
    """The limits of each of these services, in order."""
    return tuple(objective(project, environment, service) for service in services)


def quantile_name(quantile: float) -> str:
    """`p99`, `p99.9`."""
    return f"p{quantile * 100:.10g}"
