"""What is released, in which order, and what is true about each version (Headgate is not told)."""

from dataclasses import dataclass

from headgate.core.story.report import Ended


@dataclass(frozen=True)
class Chapter:
    """One release. `truth` is for the audience, `ends` how it should end."""

    version: str
    truth: str
    ends: Ended


FIRST = Chapter("v1", "the first release: nothing to compare it with", "promoted")

STORY = (
    Chapter("v2", "a good version: the catalogue is faster", "promoted"),
    Chapter(
        "v3-checkout-errors", "its checkout fails for gift cards: a twentieth of all requests", "rolled_back"
    ),
    Chapter(
        "v4-slow-tail", "one request in twelve takes 400 to 900 ms; the median does not move", "rolled_back"
    ),
    Chapter("v5-no-database", "passes its health checks, and cannot reach its database", "rolled_back"),
    Chapter("v6-empty-orders", "answers 200 everywhere, and never completes an order", "rolled_back"),
)
