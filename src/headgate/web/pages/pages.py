"""The pages: each asks the API's own endpoints, as whoever is signed in, and shows what they answer."""

import re
import time
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from itertools import islice
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from headgate.core.model import Plan
from headgate.core.summary import Summary
from headgate.ledger import LedgerError
from headgate.web.access.front import COOKIE
from headgate.web.access.sessions import Session, same
from headgate.web.api import endpoints
from headgate.web.api.forecast import STEPS_MAX
from headgate.web.api.home import Freezes, NewFreeze
from headgate.web.api.reading import After, Events, Explanation, Release, Releases, ReleasesQuery, Services
from headgate.web.api.steering import Word
from headgate.web.application import Backstage
from headgate.web.dispatch import query_of
from headgate.web.endpoint import Call, forbidden
from headgate.web.pages.actions import actions
from headgate.web.pages.calendar import days
from headgate.web.pages.planning import DEFAULTS, drawing, given_by, question
from headgate.web.pages.render import HEADERS, STATIC, page
from headgate.web.pages.searching import SCANNED_MAX, matches
from headgate.web.pages.shown import changes, compared, frozen_places, labels, places
from headgate.web.pages.signing_in import SigningIn, fields
from headgate.web.problems import Problem, malformed
from headgate.web.who import Who

PAGE = 50
COMPARED = 2
RECENT = 8
SEARCH_MAX = 200
SAMPLES_MAX = 2000
"""So many intervals of a release say what its traffic is."""
REASON_MAX = 2000
HOUR_S = 3600.0
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")

Shown = Callable[[Request, Session], Awaitable[Response]]


class Pages:
    """The dashboard behind one front door."""

    def __init__(self, backstage: Backstage) -> None:
        self._backstage = backstage
        self._door = backstage.door
        found = endpoints(backstage.controller, backstage.ledger, backstage.door)
        self._endpoints = {endpoint.name: endpoint for endpoint in found}

    def routes(self) -> list[BaseRoute]:
        """All of them."""
        return [
            Route("/", self._page(self._now)),
            Route("/releases/{release}", self._page(self._release)),
            Route("/releases/{release}/{verb}", self._form(self._act), methods=["POST"]),
            Route("/history", self._page(self._history)),
            Route("/compare", self._page(self._compare)),
            Route("/plan", self._page(self._plan)),
            Route("/freezes", self._page(self._freezes)),
            Route("/freezes", self._form(self._freeze), methods=["POST"]),
            Route("/freezes/{freeze}/lift", self._form(self._lift), methods=["POST"]),
            Route("/ledger", self._page(self._ledger)),
            *SigningIn(self._door).routes(),
            Route("/sign-out", self._form(self._sign_out), methods=["POST"]),
            Mount("/static", _Static(directory=STATIC)),
        ]

    # --- what every page has in common ---------------------------------------------------------------------------

    def _page(self, show: Shown) -> Callable[[Request], Awaitable[Response]]:
        async def serve(request: Request) -> Response:
            session = self._door.session(request)
            if session is None:
                return RedirectResponse("/sign-in", HTTPStatus.SEE_OTHER, headers=dict(HEADERS))
            try:
                return await show(request, session)
            except LedgerError as error:
                problem = Problem(HTTPStatus.SERVICE_UNAVAILABLE, "the ledger is in trouble", str(error))
            except Problem as refusal:
                problem = refusal
            values = self._common(session, "") | {"problem": problem.document}
            return page("problem.html", values, problem.document.status)

        return serve

    def _form(
        self, act: Callable[[Request, Session, Mapping[str, str]], Awaitable[str]]
    ) -> Callable[[Request], Awaitable[Response]]:
        """What changes anything: only with the session's own text against forgery; then to another page."""

        async def serve(request: Request, session: Session) -> Response:
            given = await fields(request)
            if not same(given.get("csrf", ""), session.csrf):
                raise Problem(
                    HTTPStatus.FORBIDDEN, "forged request", "the form is not this session's: reload the page"
                )
            self._door.count_action(session.who)
            return RedirectResponse(
                await act(request, session, given), HTTPStatus.SEE_OTHER, headers=dict(HEADERS)
            )

        return self._page(serve)

    def _common(self, session: Session, here: str) -> dict[str, Any]:
        return {"who": session.who, "csrf": session.csrf, "here": here, "now": time.time(), "notice": ""}

    async def _ask(
        self,
        name: str,
        session: Session,
        params: Mapping[str, str] | None = None,
        query: object = None,
        body: object = None,
    ) -> Any:  # noqa: ANN401 - the endpoint's answer
        """What the API answers to whoever is signed in. Raises Problem."""
        endpoint, who = self._endpoints[name], session.who
        try:
            if not who.may(endpoint.permission):
                raise forbidden(who, endpoint.permission)
            return (await endpoint.handler(Call(who, params or {}, query, body))).content
        except Problem as problem:
            if problem.document.status == HTTPStatus.FORBIDDEN:
                await self._door.refused(who, endpoint, problem)
            raise

    # --- pages ---------------------------------------------------------------------------------------------------

    async def _now(self, _: Request, session: Session) -> Response:
        seen = self._backstage.ledger.last_sequence()
        services: Services = await self._ask("listServices", session)
        named = {name for run in services.services for name in (run.release, run.in_flight) if name}
        found = {name: self._backstage.ledger.summary(name) for name in named}
        known = {name: summary for name, summary in found.items() if summary is not None}
        moving = [name for name, summary in known.items() if summary.outcome is None]
        releases = [await self._ask("getRelease", session, {"release": name}) for name in sorted(moving)]
        recent: Releases = await self._ask("listReleases", session, query=ReleasesQuery(limit=RECENT))
        values = self._common(session, "/") | {
            "recent": recent.releases,
            "places": places(services.services, known),
            "frozen": frozen_places(self._door.book.home, services.services, time.time()),
            "waiting": [one for one in releases if one.waits_for],
            "may_operate": session.who.may("operate"),
            "stream": f"/v1/stream?after={seen}",
        }
        return page("now.html", values)

    async def _release(self, request: Request, session: Session) -> Response:
        seen = (
            self._backstage.ledger.last_sequence()
        )  # before anything is read: what comes after it is streamed
        params = {"release": request.path_params["release"]}
        found: Release = await self._ask("getRelease", session, params)
        told: Explanation = await self._ask("explainRelease", session, params)
        summary = found.summary
        offered = actions(found, found.stage, session.who, found.undoable)
        values = self._common(session, "") | {
            "found": found,
            "actions": offered,
            "begun": request.query_params.get("do", ""),
            "labels": labels(self._backstage.ledger, summary),
            "nothing_to_do": _nothing(session.who, found),
            "story": told.sentences,
            "changes": changes(await self._ask("getPlan", session, params)),
        }
        if not summary.closed:
            values["stream"] = f"/v1/stream?release={summary.release}&after={seen}"
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
            "history.html", self._common(session, "/history") | values | {"q": text, "outcome": outcome}
        )

    async def _search(self, session: Session, query: ReleasesQuery, text: str, outcome: str) -> Releases:
        """A page of what is found, looked for among so many releases at most."""
        hits: list[Summary] = []
        for _ in range(SCANNED_MAX // PAGE):
            read: Releases = await self._ask("listReleases", session, query=query)
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
        found = [await self._ask("getRelease", session, {"release": name}) for name in names]
        return page("compare.html", self._common(session, "") | {"names": names, "rows": compared(found)})

    async def _plan(self, request: Request, session: Session) -> Response:
        asked = request.query_params
        given = {name: asked.getlist(name)[:STEPS_MAX] or default for name, default in DEFAULTS.items()}
        release = asked.get("release", "")
        if release:
            plan: Plan = await self._ask("getPlan", session, {"release": release})
            given = given_by(plan, islice(self._backstage.ledger.samples(release), SAMPLES_MAX))
        values: dict[str, Any] = {"fields": given, "release": release, "wrong": "", "steps_max": STEPS_MAX}
        try:
            values["answer"] = await self._ask("forecast", session, body=question(given))
            values["drawing"] = drawing(values["answer"])
        except Problem as problem:
            values |= {"wrong": problem.document.detail, "answer": None}
        return page("plan.html", self._common(session, "/plan") | values)

    async def _freezes(self, _: Request, session: Session) -> Response:
        found: Freezes = await self._ask("listFreezes", session)
        values = self._common(session, "/freezes") | {
            "page": found,
            "days": days(found.freezes, time.time()),
            "may_set": session.who.may("operate"),
            "may_lift": session.who.may("approve"),
        }
        return page("freezes.html", values)

    async def _ledger(self, request: Request, session: Session) -> Response:
        query = query_of(request, After)
        if "after" not in request.query_params:
            newest = self._backstage.ledger.last_sequence()
            query = msgspec.structs.replace(query, after=max(0, newest - query.limit))
        found: Events = await self._ask("readLedger", session, query=query)
        values: dict[str, object] = {
            **self._common(session, "/ledger"),
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
        endpoint = self._endpoints.get(f"{verb}Release")
        if endpoint is None or endpoint.body is not Word or not _NAME.fullmatch(release):
            raise Problem(HTTPStatus.NOT_FOUND, "unknown action", f"nothing is called {verb!r}")
        told = await self._ask(
            endpoint.name,
            session,
            {"release": release},
            body=Word(reason=given.get("reason", "")[:REASON_MAX]),
        )
        return f"/releases/{told.release}"

    async def _freeze(self, _: Request, session: Session, given: Mapping[str, str]) -> str:
        hours = given.get("hours", "")
        if hours and not hours.isdigit():
            raise malformed(f"{hours!r} is no number of hours", "hours")
        fields = {
            "reason": given.get("reason", ""),
            "ends_at": time.time() + int(hours) * HOUR_S if hours else None,
            "environments": [
                name.strip() for name in given.get("environments", "").split(",") if name.strip()
            ],
        }
        try:
            body = msgspec.convert(fields, NewFreeze)
        except msgspec.ValidationError as error:
            raise malformed(str(error), "form") from error
        await self._ask("setFreeze", session, body=body)
        return "/freezes"

    async def _lift(self, request: Request, session: Session, _: Mapping[str, str]) -> str:
        await self._ask("liftFreeze", session, {"freeze": request.path_params["freeze"]})
        return "/freezes"

    async def _sign_out(self, request: Request, _: Session, __: Mapping[str, str]) -> str:
        self._door.sessions.end(request.cookies.get(COOKIE, ""))
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


def _nothing(who: Who, found: Release) -> str:
    if found.summary.closed or found.summary.outcome is not None:
        return "It is over; there is nothing to do."
    return f"It moves by itself. With the role {who.role} you can watch."
