"""Service objectives, as far as the criteria state them: the limits that alerts are made of."""

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


# How fast an error budget may burn before somebody is told, and how urgently.
#
# Source: Google, "The Site Reliability Workbook", chapter 5, "Alerting on SLOs", table 5-8: a page for 2% of a 30 days'
# budget in an hour or 5% in six hours, a ticket for 10% in three days; each holds over a long and a short window.

CAP = 0.9
"""No limit is above this: 14.4 times a loose objective would be more than everything, and a total outage unseen."""


@dataclass(frozen=True)
class Window:
    """Errors over `long` and over `short` are both above `factor` times the objective."""

    long: str
    short: str
    factor: float
    severity: str

    def limit(self, objective: float) -> float:
        """The error ratio that is too much."""
        return round(min(self.factor * objective, max(CAP, objective)), 6)


WINDOWS = (
    Window("1h", "5m", 14.4, "page"),
    Window("6h", "30m", 6.0, "page"),
    Window("3d", "6h", 1.0, "ticket"),
)
LENGTHS = ("2m", "5m", "30m", "1h", "6h", "3d")
"""The windows over which the error ratio is recorded; the first is for releases."""
