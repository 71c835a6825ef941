"""Release markers in other systems: the line in a graph that says what changed, and when."""

from dataclasses import dataclass
from typing import Literal, Protocol

from headgate.core.summary import Outcome

MarkMoment = Literal["started", "updated", "ended"]


@dataclass(frozen=True)
class MarkedService:
    """A service in a release. `before` and `after` are version keys, `label` what people call the new one."""

    name: str
    before: str
    after: str
    label: str = ""
    commit: str = ""


@dataclass(frozen=True)
class Mark:
    """A release as its mark shows it now. Times are seconds since the epoch; `ended_at` is None while it goes on."""

    moment: MarkMoment
    release: str
    project: str
    environment: str
    services: tuple[MarkedService, ...]
    author: str
    reason: str
    phase: str
    outcome: Outcome | None
    started_at: float
    at: float
    ended_at: float | None = None
    link: str = ""


class Marker(Protocol):
    """One system that keeps marks."""

    async def mark(self, mark: Mark, reference: str) -> str:
        """Write or update the release's mark. `reference` is what this returned before, empty for the first.

        Idempotent: the same mark twice is one mark, where the system allows it. Returns the reference to update by.
        Raises Temporary or Permanent.
        """
        ...
