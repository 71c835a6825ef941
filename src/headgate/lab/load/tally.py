"""Counters that grow while load runs, and freeze into results."""

import math
from collections import Counter
from enum import StrEnum
from http import HTTPStatus

from headgate.lab.load.results import (
    OTHERS,
    UNANSWERED,
    Counts,
    JourneyCounts,
    Latency,
    StepCounts,
    Window,
    quantile_ms,
)

VERSIONS_MAX = 32
_FIRST_MS = 0.05
_GROWTH = math.log(1.04)


class Ending(StrEnum):
    """How a request ended."""

    ANSWERED = "answered"
    FAILED = "failed"
    REFUSED = "refused"
    RESET = "resets"
    CONNECT_ERROR = "connect_errors"
    TIMEOUT = "timeouts"

    @staticmethod
    def of_status(status: int) -> "Ending":
        """The ending of a request that was answered."""
        if status < HTTPStatus.BAD_REQUEST:
            return Ending.ANSWERED
        return Ending.REFUSED if status < HTTPStatus.INTERNAL_SERVER_ERROR else Ending.FAILED


class JourneyEnding(StrEnum):
    """How a journey ended."""

    COMPLETED = "completed"
    UNMET = "unmet"
    BROKEN = "broken"


class LatencyTally:
    """A histogram whose bounds grow by 4% from 0.05 ms."""

    def __init__(self) -> None:
        self.counts: Counter[int] = Counter()
        self.sum_ms = 0.0
        self.max_ms = 0.0

    def record(self, latency_ms: float) -> None:
        """Count one."""
        self.counts[_bucket(latency_ms)] += 1
        self.sum_ms += latency_ms
        self.max_ms = max(self.max_ms, latency_ms)

    def merge(self, other: "LatencyTally") -> None:
        """Count all that `other` counted."""
        self.counts.update(other.counts)
        self.sum_ms += other.sum_ms
        self.max_ms = max(self.max_ms, other.max_ms)

    def freeze(self) -> Latency:
        """What was counted."""
        buckets = tuple((_upper_ms(index), self.counts[index]) for index in sorted(self.counts))
        count = self.counts.total()
        max_ms = round(self.max_ms, 3) if count else None
        p50_ms, p90_ms, p95_ms, p99_ms = (
            quantile_ms(buckets, max_ms, share) for share in (0.5, 0.9, 0.95, 0.99)
        )
        mean_ms = round(self.sum_ms / count, 3) if count else None
        return Latency(count, mean_ms, p50_ms, p90_ms, p95_ms, p99_ms, max_ms, buckets)


class RequestTally:
    """Requests by ending, and their latencies."""

    def __init__(self) -> None:
        self.endings: Counter[Ending] = Counter()
        self.latency = LatencyTally()

    def record(self, ending: Ending, latency_ms: float) -> None:
        """Count one request."""
        self.endings[ending] += 1
        # What was never connected, or broke, took no time that means anything; it is counted, not timed.
        if ending not in (Ending.RESET, Ending.CONNECT_ERROR):
            self.latency.record(latency_ms)

    def merge(self, other: "RequestTally") -> None:
        """Count all that `other` counted."""
        self.endings.update(other.endings)
        self.latency.merge(other.latency)

    def freeze(self) -> Counts:
        """What was counted."""
        return Counts(
            requests=self.endings.total(),
            failed=self.endings[Ending.FAILED],
            refused=self.endings[Ending.REFUSED],
            resets=self.endings[Ending.RESET],
            connect_errors=self.endings[Ending.CONNECT_ERROR],
            timeouts=self.endings[Ending.TIMEOUT],
            latency=self.latency.freeze(),
        )


class StepTally:
    """Requests of one step, and whether their answers had what the step wants."""

    def __init__(self) -> None:
        self.requests = RequestTally()
        self.met = 0
        self.unmet = 0

    def merge(self, other: "StepTally") -> None:
        """Count all that `other` counted."""
        self.requests.merge(other.requests)
        self.met += other.met
        self.unmet += other.unmet

    def freeze(self) -> StepCounts:
        """What was counted."""
        return StepCounts(counts=self.requests.freeze(), met=self.met, unmet=self.unmet)


class WindowTally:
    """Everything that is counted between two moments."""

    def __init__(self) -> None:
        self.requests = RequestTally()
        self.versions: dict[str, RequestTally] = {}
        self.steps: dict[str, StepTally] = {}
        self.started: Counter[str] = Counter()
        self.journeys: dict[str, Counter[JourneyEnding]] = {}

    def record(self, step: str, ending: Ending, latency_ms: float, version: str = UNANSWERED) -> None:
        """Count one request."""
        if version not in self.versions and len(self.versions) >= VERSIONS_MAX:
            version = OTHERS
        for requests in (
            self.requests,
            self.versions.setdefault(version, RequestTally()),
            self.steps.setdefault(step, StepTally()).requests,
        ):
            requests.record(ending, latency_ms)

    def record_answer(self, step: str, *, met: bool) -> None:
        """Count whether an answer below 400 had what its step wants."""
        tally = self.steps.setdefault(step, StepTally())
        tally.met += met
        tally.unmet += not met

    def record_journey(self, journey: str, ending: JourneyEnding) -> None:
        """Count the end of a journey."""
        self.journeys.setdefault(journey, Counter())[ending] += 1

    def merge(self, other: "WindowTally") -> None:
        """Count all that `other` counted."""
        self.requests.merge(other.requests)
        for version, requests in other.versions.items():
            self.versions.setdefault(version, RequestTally()).merge(requests)
        for step, tally in other.steps.items():
            self.steps.setdefault(step, StepTally()).merge(tally)
        self.started.update(other.started)
        for journey, endings in other.journeys.items():
            self.journeys.setdefault(journey, Counter()).update(endings)

    def freeze(self, from_s: float, to_s: float) -> Window:
        """What was counted."""
        return Window(
            from_s=round(from_s, 3),
            to_s=round(to_s, 3),
            counts=self.requests.freeze(),
            versions={version: self.versions[version].freeze() for version in sorted(self.versions)},
            steps={step: self.steps[step].freeze() for step in sorted(self.steps)},
            journeys={name: self._journey(name) for name in sorted({*self.started, *self.journeys})},
        )

    def _journey(self, name: str) -> JourneyCounts:
        endings = self.journeys.get(name, Counter())
        return JourneyCounts(
            started=self.started[name],
            completed=endings[JourneyEnding.COMPLETED],
            unmet=endings[JourneyEnding.UNMET],
            broken=endings[JourneyEnding.BROKEN],
        )


def _bucket(latency_ms: float) -> int:
    return max(0, math.ceil(math.log(max(latency_ms, _FIRST_MS) / _FIRST_MS) / _GROWTH))


def _upper_ms(bucket: int) -> float:
    return round(_FIRST_MS * math.exp(bucket * _GROWTH), 4)
