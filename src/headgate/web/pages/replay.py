"""The replay page: a release seen again in the course of time, and judged again by its own criteria or by others."""

from http import HTTPStatus

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from headgate.core.machine.plan import Plan
from headgate.core.model.criteria import ErrorRatio
from headgate.web.api.reading import Explanation, Release
from headgate.web.api.replay import Replayed, ReplayQuery
from headgate.web.doors.sessions import Session
from headgate.web.http.problems import Problem, malformed
from headgate.web.pages.render import page
from headgate.web.pages.serving import PageServer
from headgate.web.pages.shown import labels

PERCENT = 100.0


class ReplayPages:
    """One page for each release."""

    def __init__(self, server: PageServer) -> None:
        self._server = server

    def routes(self) -> list[BaseRoute]:
        """The one there is."""
        return [Route("/releases/{release}/replay", self._server.page(self._show))]

    async def _show(self, request: Request, session: Session) -> Response:
        params = {"release": request.path_params["release"]}
        found: Release = await self._server.ask("getRelease", session, params)
        told: Explanation = await self._server.ask("explainRelease", session, params)
        plan: Plan = await self._server.ask("getPlan", session, params)
        given = {name: request.query_params.get(name, "").strip()[:50] for name in ("factor", "max")}
        values = self._server.common(session, "") | {
            "found": found,
            "story": told.sentences,
            "labels": labels(self._server.ledger, found.summary),
            "criteria": next(iter(plan.legs[0].judge.of(ErrorRatio)), None),
            "given": given,
            "other": any(given.values()),
            "wrong": "",
            "answer": None,
        }
        try:
            values["answer"] = await self._replayed(session, params, given)
        except Problem as problem:
            if problem.document.status == HTTPStatus.FORBIDDEN:
                raise
            values["wrong"] = problem.document.detail
        return page("replay.html", values)

    async def _replayed(self, session: Session, params: dict[str, str], given: dict[str, str]) -> Replayed:
        asked: dict[str, object] = {}
        try:
            if given["factor"]:
                asked["factor"] = float(given["factor"])
            if given["max"]:
                asked["error_ratio_max"] = float(given["max"]) / PERCENT
            query = msgspec.convert(asked, ReplayQuery)
        except ValueError as error:  # msgspec's is one too
            raise malformed(str(error), "form") from error
        answer: Replayed = await self._server.ask("replayRelease", session, params, query=query)
        return answer
