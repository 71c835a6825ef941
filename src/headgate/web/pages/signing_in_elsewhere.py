"""Coming in by the word of an issuer: away to it by a plain link, and back.

The way back is a page of our own that leads on: a browser that was just sent here by another site does not show the
session's cookie (SameSite=Strict) before it moves on by itself.
"""

from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from headgate.ledger import LedgerError
from headgate.ports.errors import PortError, Temporary
from headgate.ports.issuer import Errand
from headgate.web.doors.arrivals import AGE_MAX_S
from headgate.web.doors.front import COOKIE, FrontDoor
from headgate.web.doors.sessions import Word
from headgate.web.doors.vouching import BACK, ELSEWHERE, Vouching, welcomed, word_of
from headgate.web.http.problems import Problem
from headgate.web.http.who import Who
from headgate.web.pages import way_back
from headgate.web.pages.render import HEADERS, page

ARRIVAL = "headgate_arrival"
"""The cookie of a browser that is away. Lax: it must be shown by one that another site sends back."""

PATH = "/sign-in"
ANSWER_MAX = 16 * 1024
"""The longest query that is looked at."""

_NOT_SENT = (
    "This browser was not sent to the issuer from here, or too long ago, or it is back already: begin once more, "
    "in one window."
)


class SigningInElsewhere:
    """The two ends of the way to the issuer."""

    def __init__(self, door: FrontDoor, vouching: Vouching) -> None:
        self._door = door
        self._vouching = vouching
        self._secure = vouching.door.startswith("https:")

    def routes(self) -> list[BaseRoute]:
        """Away, and back."""
        return [Route(ELSEWHERE, self._leave, methods=["GET"]), Route(BACK, self._return, methods=["GET"])]

    async def _leave(self, request: Request) -> Response:
        try:
            self._door.leaving(request)
            errand, shown = self._vouching.arrivals.send(self._vouching.back, self._door.now())
            address = await self._address(request, errand)
        except Problem as problem:
            return _turned_away(problem)
        answer = RedirectResponse(address, HTTPStatus.SEE_OTHER, headers=dict(HEADERS))
        age = int(AGE_MAX_S)
        answer.set_cookie(ARRIVAL, shown, age, path=PATH, secure=self._secure, httponly=True, samesite="lax")
        way_back.keep(answer, way_back.asked(request), secure=self._secure)
        return answer

    async def _address(self, request: Request, errand: Errand) -> str:
        try:
            return await self._vouching.issuer.address(errand)
        except PortError as error:
            raise await self._refused(request, self._told(error), str(error)) from error

    async def _return(self, request: Request) -> Response:
        try:
            who, subject, word = await self._vouched(request)
            await self._door.signed_in(who, self._vouching.issuer.url, subject)
            there = way_back.kept(request, "")
            answer = page("signed_in.html", {"who": None, "notice": "", "name": who.name, "there": there})
            way_back.forget(request, answer)
            name = self._door.sessions.begin(who, self._door.now(), word=word)
            secure = self._secure or self._door.secure(request)
            answer.set_cookie(COOKIE, name, httponly=True, samesite="strict", secure=secure, path="/")
        except Problem as problem:
            answer = _turned_away(problem)
        except LedgerError as error:
            answer = _turned_away(
                Problem(HTTPStatus.SERVICE_UNAVAILABLE, "the ledger is in trouble", str(error))
            )
        answer.delete_cookie(ARRIVAL, PATH)
        return answer

    async def _vouched(self, request: Request) -> tuple[Who, str, Word]:
        """Who is back, their subject at the issuer, and its word. Raises Problem, once the failure is on record."""
        given = dict(request.query_params) if len(request.url.query) <= ANSWER_MAX else {}
        shown = request.cookies.get(ARRIVAL, "")
        errand = self._vouching.arrivals.receive(given.get("state", ""), shown, self._door.now())
        if errand is None:
            raise await self._refused(request, Problem(HTTPStatus.BAD_REQUEST, "not signed in", _NOT_SENT))
        try:
            person = await self._vouching.issuer.person(errand, given)
            people = self._vouching.people()
        except PortError as error:
            raise await self._refused(request, self._told(error), str(error)) from error
        try:
            return welcomed(person, people, self._door.book), person.subject, word_of(person, people)
        except Problem as problem:
            raise await self._refused(request, problem, by=person.name) from problem

    async def _refused(self, request: Request, problem: Problem, why: str = "", by: str = "") -> Problem:
        """The refusal, counted and written down with `why`; 429 in its place after too many from one address."""
        try:
            await self._door.turned_away(request, why or problem.document.detail, by)
        except Problem as often:
            return often
        return problem

    def _told(self, error: PortError) -> Problem:
        """What a stranger is told of the trouble; what it is exactly stands in the ledger, for whoever may read it."""
        host = self._vouching.host
        if isinstance(error, Temporary):
            detail = f"{host} cannot be asked just now: try again in a moment."
            return Problem(HTTPStatus.BAD_GATEWAY, "not signed in", detail)
        detail = (
            f"{host} did not vouch for you in a way that counts here; the ledger says why. Try again, or ask "
        )
        return Problem(HTTPStatus.UNAUTHORIZED, "not signed in", f"{detail}whoever runs this Headgate.")


def _turned_away(problem: Problem) -> HTMLResponse:
    values = {"who": None, "notice": "", "problem": problem.document}
    answer = page("turned_away.html", values, problem.document.status)
    answer.headers.update(problem.headers)
    return answer
