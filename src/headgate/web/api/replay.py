"""Replay: a release judged again from its samples, by its own criteria or by others."""

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from http import HTTPStatus
from itertools import islice
from typing import Annotated

import msgspec
from msgspec.structs import replace

from headgate.core.again.replay import Criteria, Replay, ReplayedInterval, recorded, replay
from headgate.core.machine.events import Judged
from headgate.core.machine.plan import Leg
from headgate.core.model import VerdictKind
from headgate.core.model.criteria import ErrorRatio, JudgeSpec
from headgate.ledger import Ledger
from headgate.web.api.folds import Folds
from headgate.web.api.reading import summary_of
from headgate.web.http.endpoint import Call, Endpoint, Reply
from headgate.web.http.problems import Problem

INTERVALS_MAX = 20_000
"""A longer release is replayed on the command line (`headgate replay`): here it would take too long."""

TURNS_MAX = 200


class ReplayQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Other criteria for errors: the canary may be `factor` times worse, and fail in `error_ratio_max` at most.

    What is left out stays as it was.
    """

    factor: Annotated[float, msgspec.Meta(ge=1, le=100)] | None = None
    error_ratio_max: Annotated[float, msgspec.Meta(gt=0, le=1)] | None = None


class Turn(msgspec.Struct, frozen=True):
    """An interval from which on something else was said, then or now. `evidence` and `reason` are what is said now."""

    at: float
    service: str
    weight: int
    recorded: VerdictKind
    verdict: VerdictKind
    evidence: float
    reason: str


class Replayed(msgspec.Struct, frozen=True):
    """A release judged again. `missing` intervals have no samples any more; `differing` are judged in another way now.

    `recorded_fail_at` and `fail_at` are when it was said to fail then, and now; `harmed` how many canary requests had
    gone badly until now it is said to fail (all of them, where it is not). `turns` are the first TURNS_MAX.
    """

    release: str
    began_at: float
    intervals: int
    missing: int
    differing: int
    recorded_fail_at: float | None
    fail_at: float | None
    recorded_harmed: int
    harmed: int
    turns: list[Turn]


class ReplayEndpoints:
    """The endpoint for it."""

    def __init__(self, ledger: Ledger, folds: Folds) -> None:
        self._ledger = ledger
        self._folds = folds
        # Seconds of work each: together they would slow decisions down.
        self._one_at_a_time = asyncio.Semaphore(1)

    def endpoints(self) -> tuple[Endpoint, ...]:
        """The one there is."""
        return (
            Endpoint(
                "GET",
                "/v1/releases/{release}/replay",
                "replayRelease",
                "The same samples judged again, by its own criteria or by others",
                self._replay,
                Replayed,
                "releases",
                query=ReplayQuery,
                problems=(HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT),
            ),
        )

    async def _replay(self, call: Call) -> Reply:
        release = summary_of(call, self._ledger).release
        services = [leg.unit.service for leg in self._folds.fold(release).plan.legs]
        query = call.query or ReplayQuery()
        async with self._one_at_a_time:
            return Reply(await asyncio.to_thread(self._replayed, release, services, query))

    def _replayed(self, release: str, services: Sequence[str], query: ReplayQuery) -> Replayed:
        events = [entry.event for entry in self._ledger.read(release)]
        if sum(isinstance(event, Judged) for event in events) > INTERVALS_MAX:
            detail = f"more than {INTERVALS_MAX} intervals: use `headgate replay {release}`"
            raise Problem(HTTPStatus.CONFLICT, "too long to replay here", detail)
        return _told(replay(events, self._ledger.sample, _criteria(query)), services)


def _criteria(query: ReplayQuery) -> Criteria:
    given = {"factor": query.factor, "max": query.error_ratio_max}
    changed = {name: value for name, value in given.items() if value is not None}

    def criteria(leg: Leg) -> JudgeSpec:
        spec = recorded(leg)
        others = tuple(one for one in spec.criteria if not isinstance(one, ErrorRatio))
        errors = replace(next(iter(spec.of(ErrorRatio)), ErrorRatio()), **changed)
        return replace(spec, criteria=(errors, *others))

    return criteria if changed else recorded


def _told(seen: Replay, services: Sequence[str]) -> Replayed:
    end = seen.intervals[-1].at if seen.intervals else seen.began_at
    then, now = seen.recorded_fail, seen.fail
    return Replayed(
        release=seen.release,
        began_at=seen.began_at,
        intervals=len(seen.intervals),
        missing=seen.missing,
        differing=len(seen.differing),
        recorded_fail_at=then.at if then else None,
        fail_at=now.at if now else None,
        recorded_harmed=seen.harm_until(then.at if then else end),
        harmed=seen.harm_until(now.at if now else end),
        turns=[_turn(one, services) for one in islice(_turns(seen.intervals), TURNS_MAX)],
    )


def _turns(intervals: Iterable[ReplayedInterval]) -> Iterator[ReplayedInterval]:
    """The intervals at which either verdict, or the step, changes."""
    before: tuple[object, ...] = ()
    for one in intervals:
        now = one.leg, one.exposure, one.recorded.kind, one.verdict.kind
        if now != before:
            yield one
        before = now


def _turn(one: ReplayedInterval, services: Sequence[str]) -> Turn:
    verdict = one.verdict
    evidence = float(f"{verdict.evidence:.4g}")
    return Turn(
        one.at, services[one.leg], one.weight, one.recorded.kind, verdict.kind, evidence, verdict.reason
    )
