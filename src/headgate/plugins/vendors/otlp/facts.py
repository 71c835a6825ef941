"""What a delivery says, once it is decoded: plain facts, each with the party that it is about."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import msgspec

from headgate.core.model import Counts
from headgate.core.traces import Party, Span
from headgate.plugins.vendors.otlp.spread import Explicit, Exponential

T = TypeVar("T")

REASON_MAX = 300
RESOURCES_MAX = 2000
"""So many resources of one delivery are looked at: an empty one is two bytes, and as much work as any."""


class Point(msgspec.Struct, frozen=True):
    """One data point of a metric. `stream` identifies its series, start time aside; `bad`: it counts errors.

    `cumulative`: it counts since `start_ns`, whoever else reported that before; otherwise it is an increment.
    """

    party: Party
    metric: str
    stream: bytes
    start_ns: int
    at_ns: int
    cumulative: bool
    bad: bool
    count: int
    spread: Explicit | Exponential | None


@dataclass
class Batch:
    """The facts of one delivery. `heard` are all parties in it.

    `incomplete` says of a party, and of a metric where it is one, what could not be taken.
    """

    heard: set[Party] = field(default_factory=set[Party])
    points: list[Point] = field(default_factory=list[Point])
    spans: list[Span] = field(default_factory=list[Span])
    logged: dict[Party, Counts] = field(default_factory=dict[Party, Counts])
    rejected: int = 0
    why: str = ""
    incomplete: dict[tuple[Party, str], str] = field(default_factory=dict[tuple[Party, str], str])

    def some(self, groups: Sequence[T]) -> Sequence[T]:
        """The first RESOURCES_MAX of these; the rest is rejected."""
        self.reject(max(0, len(groups) - RESOURCES_MAX), f"over {RESOURCES_MAX} resources in one request")
        return groups[:RESOURCES_MAX]

    def reject(self, number: int, why: str, party: Party | None = None, metric: str = "") -> None:
        """Take note of what is not taken; the first reason is told."""
        if number:
            self.rejected += number
            self.why = self.why or why[:REASON_MAX]
            if party is not None:
                self.incomplete.setdefault((party, metric), why[:REASON_MAX])
