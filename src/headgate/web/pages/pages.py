"""The pages: each asks the API's own endpoints, as whoever is signed in, and shows what they answer."""

import re
import time
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from itertools import islice
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from headgate.core.legality.barrier import barriers, in_the_way
from headgate.core.machine.plan import Plan
from headgate.core.model import HOST, Version
from headgate.core.model.summary import Summary
from headgate.core.story.advice import roll_forward
from headgate.ledger.projections import ALL_RELEASES, Running
from headgate.web.api.differing import Differences
from headgate.web.api.forecast import STEPS_MAX
from headgate.web.api.reading import After, Events, Explanation, Release, Releases, ReleasesQuery, Services
from headgate.web.api.records import Findings
from headgate.web.api.steering import Reason
from headgate.web.application import WebServices
from headgate.web.doors.dispatch import query_of
from headgate.web.doors.front_door import COOKIE
from headgate.web.doors.sessions import Session
from headgate.web.http.problems import Problem, malformed
from headgate.web.http.who import Who
from headgate.web.pages.actions import actions, next_to_do
from headgate.web.pages.freezes import FreezePages
from headgate.web.pages.incident import Incident
from headgate.web.pages.planning import DEFAULTS, drawing, given_by, question
from headgate.web.pages.render import HEADERS, STATIC, build, page
from headgate.web.pages.replay import ReplayPages
from headgate.web.pages.serving import PageServer
from headgate.web.pages.shown import UnderWay, changes, compared, frozen_places, labels, moves, places
from headgate.web.pages.signing_in import SigningIn

PAGE = 50
COMPARED = 2
RECENT = 8
SEARCH_MAX = 200
SAMPLES_MAX = 2000
"""So many intervals of a release say what its traffic is."""
REASON_MAX = 2000
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


class Pages:
    """The dashboard behind one front door."""

    def __init__(self, web_services: WebServices) -> None:
        self._server = PageServer(web_services)
        self._ledger = web_services.ledger
        self._door = web_services.door
        self._folds = web_services.folds

    def routes(self) -> list[BaseRoute]:
        """All of them."""
        page_of, form_of = self._server.page, self._server.form
        return [
            Route("/", page_of(self._now)),
            Route("/releases/{release}", page_of(self._release)),
            *ReplayPages(self._server).routes(),
            Route("/releases/{release}/{verb}", form_of(self._act), methods=["POST"]),
            Route("/history", page_of(self._history)),
            Route("/compare", page_of(self._compare)),
            Route("/plan", page_of(self._plan)),
            Route("/ledger", page_of(self._facts)),
            *FreezePages(self._server).routes(),
            *Incident(self._server).routes(),
            *SigningIn(self._door).routes(),
            Route("/sign-out", form_of(self._sign_out), methods=["POST"]),
            Mount(f"/static/{build()}", _Static(directory=STATIC)),
            Mount("/static", _Static(directory=STATIC)),
        ]

    # --- pages ---------------------------------------------------------------------------------------------------

    async def _now(self, _: Request, session: Session) -> Response:
        seen = self._ledger.last_sequence()
        services: Services = await self._server.ask("listServices", session)
        known = self._known(services.services)
        moving = [one for one in known.values() if one.outcome is None]
        moving.sort(key=lambda one: one.requested_at)
        found = [await self._server.ask("getRelease", session, {"release": one.release}) for one in moving]
        under_way = [self._under_way(one, session.who) for one in found]
        recent: Releases = await self._server.ask("listReleases", session, query=ReleasesQuery(limit=RECENT))
        values = self._server.common(session, "/") | {
            "recent": recent.releases,
            "places": places(services.services, known, session.who, self._barred()),
            "frozen": frozen_places(self._door.book.home, services.services, time.time()),
            "waiting": [one for one in under_way if one.found.waits_for],
            "moving": [one for one in under_way if not one.found.waits_for],
            "host": HOST,
            "stream": f"/v1/stream?after={seen}",
            "live": "waiting moving fleet recent",
        }
        return page("now.html", values)

    def _known(self, running: Sequence[Running]) -> dict[str, Summary]:
        """The releases that made, move or are to move what runs."""
        named = {name for run in running for name in (run.release, run.in_flight, *run.waiting) if name}
        found = {name: self._ledger.summary(name) for name in named}
        return {name: summary for name, summary in found.items() if summary is not None}

    def _barred(self) -> Callable[[Version], str]:
        """Why a version may not run again, in a sentence; empty: it may."""
        summaries = self._ledger.summaries(limit=ALL_RELEASES)
        known = barriers(summaries, self._door.book.home)

        def said(version: Version) -> str:
            found = in_the_way(version, known, summaries)
            return found.sentence() if found is not None else ""

        return said

    def _under_way(self, found: Release, who: Who) -> UnderWay:
        offered = actions(found, found.stage, who, found.undoable)
        return UnderWay(found, moves(found, labels(self._ledger, found.summary)), offered)

    async def _release(self, request: Request, session: Session) -> Response:
        seen = self._ledger.last_sequence()  # before anything is read: what comes after it is streamed
        params = {"release": request.path_params["release"]}
        found: Release = await self._server.ask("getRelease", session, params)
        told: Explanation = await self._server.ask("explainRelease", session, params)
        asked: Findings = await self._server.ask("listFindings", session, params)
        told_of: Differences = await self._server.ask("listDifferences", session, params)
        summary = found.summary
        fold = self._folds.fold(summary.release)
        offered = actions(found, found.stage, session.who, found.undoable)
        values = self._server.common(session, "") | {
            "found": found,
            "actions": offered,
            "begun": request.query_params.get("do", ""),
            "labels": labels(self._ledger, summary),
            "roll_forward": roll_forward(fold.state, fold.plan),
            "platforms": [leg.platform if leg.platform != HOST else "" for leg in fold.plan.legs],
            "next_to_do": next_to_do(found, session.who, offered),
            "story": told.sentences,
            "live": "state actions legs story findings changes",
            "changes": changes(await self._server.ask("getPlan", session, params), told_of.differences),
            "differences": told_of.differences,
            "findings": asked.findings,
            "passed": sum(found.finding.answer == "pass" for found in asked.findings),
        }
        if not summary.closed:
            values["stream"] = f"/v1/stream?release={summary.release}&after={seen}"
        elif found.undoable:  # until another release moves the same
            values["stream"] = f"/v1/stream?after={seen}"
        return page("release.html", values)

    async def _history(self, request: Request, session: Session) -> Response:
        asked = request.query_params
        text, outcome = asked.get("q", "")[:SEARCH_MAX], asked.get("outcome", "")
        given = {name: asked[name] for name in ("environment", "service", "before") if asked.get(name)}
        try:
            query = msgspec.convert({"limit": PAGE} | given, ReleasesQuery, strict=False)
        except msgspec.ValidationError as error:
            raise malformed(str(error), "query") from error
        values = {"page": await self._search(session, query, text, outcome), "query": query}
        return page(
            "history.html",
            self._server.common(session, "/history") | values | {"q": text, "outcome": outcome},
        )

    async def _search(self, session: Session, query: ReleasesQuery, text: str, outcome: str) -> Releases:
        """A page of what is found, looked for among so many releases at most."""
        hits: list[Summary] = []
        for _ in range(SCANNED_MAX // PAGE):
            read: Releases = await self._server.ask("listReleases", session, query=query)
            for summary in read.releases:
                if matches(summary, text, outcome):
                    hits.append(summary)
                if len(hits) == PAGE:
                    return Releases(hits, summary.release)
            if read.next is None:
                return Releases(hits, None)
            query = msgspec.structs.replace(query, before=read.next)
        return Releases(hits, query.before)

    async def _compare(self, request: Request, session: Session) -> Response:
        names = request.query_params.getlist("release")
        if len(names) != COMPARED:
            raise malformed(f"choose {COMPARED} releases to compare, not {len(names)}", "release")
        found = [await self._server.ask("getRelease", session, {"release": name}) for name in names]
        return page(
            "compare.html", self._server.common(session, "") | {"names": names, "rows": compared(found)}
        )

    async def _plan(self, request: Request, session: Session) -> Response:
        asked = request.query_params
        given = {name: asked.getlist(name)[:STEPS_MAX] or default for name, default in DEFAULTS.items()}
        release = asked.get("release", "")
        if release:
            plan: Plan = await self._server.ask("getPlan", session, {"release": release})
            given = given_by(plan, islice(self._ledger.samples(release), SAMPLES_MAX))
        values: dict[str, Any] = {"fields": given, "release": release, "wrong": "", "steps_max": STEPS_MAX}
        try:
            values["answer"] = await self._server.ask("forecast", session, body=question(given))
            values["drawing"] = drawing(values["answer"])
        except Problem as problem:
            values |= {"wrong": problem.document.detail, "answer": None}
        return page("plan.html", self._server.common(session, "/plan") | values)

    async def _facts(self, request: Request, session: Session) -> Response:
        query = query_of(request, After)
        if "after" not in request.query_params:
            newest = self._ledger.last_sequence()
            query = msgspec.structs.replace(query, after=max(0, newest - query.limit))
        found: Events = await self._server.ask("readLedger", session, query=query)
        values: dict[str, object] = {
            **self._server.common(session, "/ledger"),
            "page": found,
            "after": query.after,
            "limit": query.limit,
            "kind": _kind,
            "shown": _shown,
        }
        return page("ledger.html", values)

    # --- forms ---------------------------------------------------------------------------------------------------

    async def _act(self, request: Request, session: Session, given: Mapping[str, str]) -> str:
        release, verb = request.path_params["release"], request.path_params["verb"]
        endpoint = self._server.endpoint(f"{verb}Release")
        if endpoint is None or endpoint.body is not Reason or not _NAME.fullmatch(release):
            raise Problem(HTTPStatus.NOT_FOUND, "unknown action", f"nothing is called {verb!r}")
        told = await self._server.ask(
            endpoint.name,
            session,
            {"release": release},
            body=Reason(reason=given.get("reason", "")[:REASON_MAX]),
        )
        return f"/releases/{told.release}"

    async def _sign_out(self, request: Request, _: Session, __: Mapping[str, str]) -> str:
        self._door.sessions.end(request.cookies.get(COOKIE, ""), self._door.now())
        return "/sign-in"


class _Static(StaticFiles):
    """Our own files: the same headers, but to be kept."""

    def file_response(self, *args: Any, **kwargs: Any) -> Response:  # noqa: ANN401 - starlette's signature
        """The file."""
        answer = super().file_response(*args, **kwargs)
        answer.headers.update({**HEADERS, "cache-control": "public, max-age=3600"})
        return answer


def _kind(event: msgspec.Struct) -> str:
    return type(event).__name__


def _shown(event: msgspec.Struct) -> str:
    return msgspec.json.format(msgspec.json.encode(event)).decode()


# Which releases a search finds: every word somewhere in what the history shows of a release.

SCANNED_MAX = 2000
"""So many releases are looked through for one page of findings."""
WORDS_MAX = 10


def matches(summary: Summary, text: str, outcome: str) -> bool:
    """Whether it has this outcome (empty: any; `open`: none yet) and every word of `text`."""
    ended = (summary.outcome or "open").replace("_", " ")
    if outcome and ended != outcome:
        return False
    words, said = text.casefold().split()[:WORDS_MAX], _said(summary)
    return all(word in said for word in words)


def _said(summary: Summary) -> str:
    moves = (f"{move.unit} {move.label} {move.after.key}" for move in summary.moves)
    parts = (summary.release, summary.author, summary.reason, summary.phase, *moves)
    return " ".join(parts).casefold()
