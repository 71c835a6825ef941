"""How fast an error budget may burn before somebody is told, and how urgently.

Source: Google, "The Site Reliability Workbook", chapter 5, "Alerting on SLOs", table 5-8: a page for 2% of a 30 days'
budget in an hour or 5% in six hours, a ticket for 10% in three days; each holds over a long and a short window.
"""

from dataclasses import dataclass

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
