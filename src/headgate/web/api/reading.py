"""Read access: what runs, what moves, and why. Everything that a page shows is here."""

from collections import OrderedDict
from http import HTTPStatus
from typing import Annotated

import msgspec

from headgate.core.machine.one_way import forecast, objection_to_revert
from headgate.core.machine.plan import Plan
from headgate.core.machine.steps import step_name
from headgate.core.model import Verdict
from headgate.core.model.summary import Summary
from headgate.core.story.explain import Sentence
from headgate.core.story.report import Fold, Report
from headgate.core.story.view import progress, remaining_s, share, waits_for_person
from headgate.ledger import Entry, Ledger
from headgate.ledger.going_back import NoWay, way_before
from headgate.ledger.projections import Running, fleet_of
from headgate.web.api.folds import Folds
from headgate.web.api.series import Series, columns
from headgate.web.http.endpoint import Call, Endpoint, Reply
from headgate.web.http.problems import malformed, unknown

PAGE_MAX = 500
DRAWN_MAX = 16
"""The courses of so many releases are kept as columns: many listeners ask for the same ones at the same moment."""

Limit = Annotated[int, msgspec.Meta(ge=1, le=PAGE_MAX)]
Place = Annotated[int, msgspec.Meta(ge=0, le=2**62)]


class ReleasesQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which releases. `before` is the `next` of the page before."""

    environment: str | None = None
    project: str | None = None
    service: str | None = None
    open: bool = False
    before: str | None = None
    limit: Limit = 50


class Releases(msgspec.Struct, frozen=True):
    """A page of releases, newest first. `next` is the cursor of the page after it; None: there is none."""

    releases: list[Summary]
    next: str | None = None


class Services(msgspec.Struct, frozen=True):
    """What every service runs, in every environment."""

    services: list[Running]


class StepState(msgspec.Struct, frozen=True):
    """A step and where it is: `done`, `now`, `next`, `undone` or `never`."""

    name: str
    state: str


class LegState(msgspec.Struct, frozen=True):
    """One service's way, with the last verdict on it. The new version has `weight` percent of the traffic now."""

    service: str
    weight: int
    steps: list[StepState]
    verdict: Verdict | None = None


class Release(msgspec.Struct, frozen=True):
    """A release as it stands. `stage` is where it is (`core.machine.state.Stage`), `waits_for` what a person is asked.

    `remaining_s` is the least time the rest takes; `undoable`: what it promoted runs, and something ran before it.
    `barred` says why going back is illegal (empty: it is legal), `ends` when it will be (empty: never).
    """

    summary: Summary
    report: Report
    legs: list[LegState]
    stage: str
    waits_for: str
    remaining_s: float
    undoable: bool
    barred: str = ""
    ends: str = ""


class Events(msgspec.Struct, frozen=True):
    """Entries of the ledger, in order. `next` is the place to ask on from; None: there is no more now."""

    entries: list[Entry]
    next: int | None = None


class After(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Entries after this place."""

    after: Place = 0
    limit: Limit = 100


class Explanation(msgspec.Struct, frozen=True):
    """The story of a release, in sentences."""

    release: str
    sentences: list[Sentence]


class Reading:
    """The endpoints that only read."""

    def __init__(self, ledger: Ledger, folds: Folds) -> None:
        self._ledger = ledger
        self._folds = folds
        self._drawn = OrderedDict[str, tuple[int, Series]]()

    def endpoints(self) -> tuple[Endpoint, ...]:
        """All of them."""
        missing = (HTTPStatus.NOT_FOUND,)
        one = "/v1/releases/{release}"
        return (
            Endpoint(
                "GET", "/v1/services", "listServices", "What runs where", self._services, Services, "services"
            ),
            Endpoint(
                "GET",
                "/v1/releases",
                "listReleases",
                "Releases, newest first",
                self._releases,
                Releases,
                "releases",
                query=ReleasesQuery,
            ),
            Endpoint(
                "GET",
                one,
                "getRelease",
                "A release as it stands",
                self._release,
                Release,
                "releases",
                problems=missing,
            ),
            Endpoint(
                "GET",
                f"{one}/plan",
                "getPlan",
                "The plan in force",
                self._plan,
                Plan,
                "releases",
                problems=missing,
            ),
            Endpoint(
                "GET",
                f"{one}/events",
                "listEvents",
                "What happened, as it is in the ledger",
                self._events,
                Events,
                "releases",
                query=After,
                problems=missing,
            ),
            Endpoint(
                "GET",
                f"{one}/series",
                "getSeries",
                "What was measured and judged, in the course of time",
                self._series,
                Series,
                "releases",
                problems=missing,
            ),
            Endpoint(
                "GET",
                f"{one}/explanation",
                "explainRelease",
                "Why each decision was made, in sentences",
                self._explanation,
                Explanation,
                "releases",
                problems=missing,
            ),
        )

    async def _services(self, call: Call) -> Reply:
        running = fleet_of(self._ledger)
        return Reply(
            Services([run for unit, run in running.items() if call.who.may("read", unit.environment)])
        )

    async def _releases(self, call: Call) -> Reply:
        query: ReleasesQuery = call.query
        if query.environment is not None:
            call.demand("read", query.environment)
        if query.before is not None and self._ledger.summary(query.before) is None:
            raise malformed(f"there is no release {query.before!r}", "query.before")
        found: list[Summary] = []
        before, more = query.before, True
        while more and len(found) < query.limit:
            page = self._page(query, before)
            more = len(page) == query.limit
            for one in page:
                before = one.release
                if call.who.may("read", one.environment):
                    found.append(one)
                if len(found) == query.limit:
                    more = more or one is not page[-1]
                    break
        return Reply(Releases(found, before if more else None))

    def _page(self, query: ReleasesQuery, before: str | None) -> list[Summary]:
        return self._ledger.summaries(
            open_only=query.open,
            environment=query.environment,
            project=query.project,
            service=query.service,
            limit=query.limit,
            before=before,
        )

    def _summary(self, call: Call) -> Summary:
        return summary_of(call, self._ledger)

    async def _release(self, call: Call) -> Reply:
        summary = self._summary(call)
        fold = self._folds.fold(summary.release)
        state, plan = fold.state, fold.plan
        legs = [
            LegState(
                leg.unit.service,
                share(at, leg),
                [StepState(step_name(step), where) for step, where in progress(state, leg, index)],
                at.verdict,
            )
            for index, (leg, at) in enumerate(zip(plan.legs, state.legs, strict=True))
        ]
        left = remaining_s(state, plan, state.at)
        waits_for = waits_for_person(state, plan)
        undoable = self._undoable(summary)
        barred = self._barred(summary, fold) if undoable or summary.outcome is None else ""
        ends = forecast(plan.legs[state.leg]) if summary.outcome is None and not barred else ""
        return Reply(
            Release(summary, fold.report(), legs, state.stage, waits_for, left, undoable, barred, ends)
        )

    def _barred(self, summary: Summary, fold: Fold) -> str:
        """Why what it moves, or has promoted, must not go back, in the sentence that everybody reads."""
        if summary.outcome is None:
            return objection_to_revert(fold.state, fold.plan.legs) or ""
        try:
            way_before(self._ledger, summary)
        except NoWay as no:
            return str(no) if no.barrier else ""
        return ""

    def _undoable(self, summary: Summary) -> bool:
        if summary.outcome != "promoted" or any(
            move.before is None or move.adjusts for move in summary.moves
        ):
            return False
        running = fleet_of(self._ledger)
        runs = [running[move.unit] for move in summary.moves if move.unit in running]
        return bool(runs) and all(run.release == summary.release and run.in_flight is None for run in runs)

    async def _plan(self, call: Call) -> Reply:
        return Reply(self._folds.fold(self._summary(call).release).plan)

    async def _events(self, call: Call) -> Reply:
        query: After = call.query
        entries = self._ledger.read(self._summary(call).release, after=query.after)[: query.limit]
        following = entries[-1].number if len(entries) == query.limit else None
        return Reply(Events(entries, following))

    async def _series(self, call: Call) -> Reply:
        release = self._summary(call).release
        number = self._folds.number(release)
        known = self._drawn.pop(release, None)
        if known is None or known[0] != number:
            known = number, self._draw(release)
        self._drawn[release] = known
        while len(self._drawn) > DRAWN_MAX:
            self._drawn.popitem(last=False)
        return Reply(known[1])

    def _draw(self, release: str) -> Series:
        fold = self._folds.fold(release)
        courses = self._folds.courses(release)
        legs = zip(fold.plan.legs, courses, fold.state.legs, strict=True)
        return Series(release, [columns(leg, points, now, fold.state.at) for leg, points, now in legs])

    async def _explanation(self, call: Call) -> Reply:
        release = self._summary(call).release
        return Reply(Explanation(release, list(self._folds.story(release))))


def summary_of(call: Call, ledger: Ledger) -> Summary:
    """The release that the path names. Raises Problem: 404, or 403 where they may not see it."""
    summary = ledger.summary(call.params["release"])
    if summary is None:
        raise unknown("release", call.params["release"])
    call.demand("read", summary.environment)
    return summary
