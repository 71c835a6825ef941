"""The server of pages: a page needs a session, asks the API as its person, and takes a form only from that session."""

import time
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from headgate.ledger import LedgerError
from headgate.web.application import WebServices
from headgate.web.doors.sessions import Session, same
from headgate.web.http.endpoint import Call, Endpoint, forbidden
from headgate.web.http.problems import Problem
from headgate.web.pages import way_back
from headgate.web.pages.render import HEADERS, page
from headgate.web.pages.signing_in import fields

Shown = Callable[[Request, Session], Awaitable[Response]]
Done = Callable[[Request, Session, Mapping[str, str]], Awaitable[str]]
"""What a form does, given its fields; where to go afterwards."""

Serve = Callable[[Request], Awaitable[Response]]


class PageServer:
    """Serves the pages of one front door."""

    def __init__(self, web_services: WebServices) -> None:
        self.ledger = web_services.ledger
        self.door = web_services.door
        self._endpoints = {endpoint.name: endpoint for endpoint in web_services.endpoints()}

    def page(self, show: Shown) -> Serve:
        """A page for somebody who is signed in; everybody else is shown how to sign in."""

        async def serve(request: Request) -> Response:
            session = self.door.session(request)
            if session is None:
                return turned_away(request, secure=self.door.secure(request))
            try:
                return await show(request, session)
            except LedgerError as error:
                problem = Problem(HTTPStatus.SERVICE_UNAVAILABLE, "the ledger is in trouble", str(error))
            except Problem as refusal:
                problem = refusal
            values = self.common(session, "") | {"problem": problem.document}
            return page("problem.html", values, problem.document.status)

        return serve

    def form(self, act: Done) -> Serve:
        """A form that changes something: only with the session's own text against forgery; then to another page."""

        async def serve(request: Request, session: Session) -> Response:
            given = await fields(request)
            if not same(given.get("csrf", ""), session.csrf):
                raise Problem(
                    HTTPStatus.FORBIDDEN, "forged request", "the form is not this session's: reload the page"
                )
            self.door.count_action(session.who)
            return RedirectResponse(
                await act(request, session, given), HTTPStatus.SEE_OTHER, headers=dict(HEADERS)
            )

        return self.page(serve)

    def common(self, session: Session, here: str) -> dict[str, Any]:
        """Values that every template needs; `here` is the page's own address, where the navigation has it."""
        return {"who": session.who, "csrf": session.csrf, "here": here, "now": time.time(), "notice": ""}

    def endpoint(self, name: str) -> Endpoint | None:
        """The API's endpoint of this name."""
        return self._endpoints.get(name)

    async def ask(
        self,
        name: str,
        session: Session,
        params: Mapping[str, str] | None = None,
        query: object = None,
        body: object = None,
    ) -> Any:  # noqa: ANN401 - the endpoint's answer
        """The API's answer to the person who is signed in. Raises Problem."""
        endpoint, who = self._endpoints[name], session.who
        try:
            if not who.may(endpoint.permission):
                raise forbidden(who, endpoint.permission)
            return (await endpoint.handler(Call(who, params or {}, query, body))).content
        except Problem as problem:
            if problem.document.status == HTTPStatus.FORBIDDEN:
                await self.door.refused(who, endpoint, problem)
            raise


def turned_away(request: Request, *, secure: bool) -> Response:
    """To the way in, for somebody without a session; what they wanted is shown to them afterwards."""
    path = way_back.wanted(request)
    answer = RedirectResponse(way_back.sign_in(path), HTTPStatus.SEE_OTHER, headers=dict(HEADERS))
    way_back.keep(answer, path, secure=secure)
    return answer
