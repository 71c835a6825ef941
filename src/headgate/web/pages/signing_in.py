"""Sign-in pages: by a link that is good once, by a token, or by an issuer."""

from http import HTTPStatus
from urllib.parse import parse_qsl, quote

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from headgate.ledger import LedgerError
from headgate.ports.errors import PortError, Temporary
from headgate.ports.issuer import SignInAttempt
from headgate.web.doors.dispatch import read_body
from headgate.web.doors.front_door import COOKIE, FrontDoor
from headgate.web.doors.limits import AGE_MAX_S
from headgate.web.doors.sessions import IssuerClaim
from headgate.web.doors.tokens import token_id
from headgate.web.doors.vouching import BACK, ELSEWHERE, Vouching, welcomed, word_of
from headgate.web.http.problems import Problem, malformed
from headgate.web.http.who import Who
from headgate.web.pages import way_back
from headgate.web.pages.render import HEADERS, page

FIELDS_MAX = 50
FORM_MAX_BYTES = 1024 * 1024
"""Room for a project file, quoted. Anybody may send a form, and it costs many times its size to take one apart."""
TICKET_MAX = 200


class SigningIn:
    """The page for whoever has no session yet."""

    def __init__(self, door: FrontDoor) -> None:
        self._door = door

    def routes(self) -> list[BaseRoute]:
        """The page, its form, and the way by an issuer where there is one."""
        vouching = self._door.vouching
        return [
            Route("/sign-in", self._show),
            Route("/sign-in", self._enter, methods=["POST"]),
            *(SigningInElsewhere(self._door, vouching).routes() if vouching is not None else ()),
        ]

    async def _show(self, request: Request) -> Response:
        ticket = request.query_params.get("ticket", "")[:TICKET_MAX]
        return self._page(ticket=ticket, wanted=way_back.asked(request))

    def _page(
        self,
        notice: str = "",
        ticket: str = "",
        status: int = HTTPStatus.OK,
        wanted: str = way_back.FIRST_PAGE,
    ) -> Response:
        values = {"who": None, "notice": notice, "ticket": ticket, "elsewhere": self._door.vouching}
        named = "" if wanted == way_back.FIRST_PAGE else wanted
        return page(
            "sign_in.html", values | {"wanted": named, "wanted_query": quote(named, safe="/")}, status
        )

    async def _enter(self, request: Request) -> Response:
        given = dict[str, str]()
        try:
            given = await fields(request)
            name = await self._begin(request, given)
        except Problem as problem:
            wanted = way_back.safe(given.get(way_back.FIELD, way_back.FIRST_PAGE))
            return self._page(problem.document.detail, status=problem.document.status, wanted=wanted)
        there = way_back.kept(request, given.get(way_back.FIELD, ""))
        answer = RedirectResponse(there, HTTPStatus.SEE_OTHER, headers=dict(HEADERS))
        way_back.forget(request, answer)
        secure = self._door.secure(request)
        answer.set_cookie(COOKIE, name, httponly=True, samesite="strict", secure=secure, path="/")
        return answer

    async def _begin(self, request: Request, given: dict[str, str]) -> str:
        """A new session's name. Raises Problem: 401, 429."""
        door, now = self._door, self._door.now()
        if given.get("ticket"):
            who, token = door.tickets.redeem(given["ticket"], now), ""
        else:
            text = given.get("token", "").strip()
            who, token = door.tokens.who(text, now), token_id(text)
        if who is None:
            door.failed(request)
            raise Problem(
                HTTPStatus.UNAUTHORIZED, "who are you?", "that opens nothing (any more): ask for another"
            )
        await door.signed_in(who, "token" if token else "ticket")
        return door.sessions.begin(who, now, token)


async def fields(request: Request) -> dict[str, str]:
    """The fields of a form. Raises Problem: 413, 422."""
    try:
        text = (await read_body(request, FORM_MAX_BYTES)).decode()
        return dict(
            parse_qsl(text, keep_blank_values=True, strict_parsing=bool(text), max_num_fields=FIELDS_MAX)
        )
    except (UnicodeDecodeError, ValueError) as error:
        raise malformed(f"the form cannot be read: {error}") from error


# Coming in by the word of an issuer: away to it by a plain link, and back.
#
# The way back is a page of our own that leads on: a browser that was just sent here by another site does not show the
# session's cookie (SameSite=Strict) before it moves on by itself.

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
            attempt, shown = self._vouching.arrivals.send(self._vouching.back, self._door.now())
            address = await self._address(request, attempt)
        except Problem as problem:
            return _turned_away(problem)
        answer = RedirectResponse(address, HTTPStatus.SEE_OTHER, headers=dict(HEADERS))
        age = int(AGE_MAX_S)
        answer.set_cookie(ARRIVAL, shown, age, path=PATH, secure=self._secure, httponly=True, samesite="lax")
        way_back.keep(answer, way_back.asked(request), secure=self._secure)
        return answer

    async def _address(self, request: Request, attempt: SignInAttempt) -> str:
        try:
            return await self._vouching.issuer.address(attempt)
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

    async def _vouched(self, request: Request) -> tuple[Who, str, IssuerClaim]:
        """Who is back, their subject at the issuer, and its claim. Raises Problem, once the failure is on record."""
        given = dict(request.query_params) if len(request.url.query) <= ANSWER_MAX else {}
        shown = request.cookies.get(ARRIVAL, "")
        attempt = self._vouching.arrivals.receive(given.get("state", ""), shown, self._door.now())
        if attempt is None:
            raise await self._refused(request, Problem(HTTPStatus.BAD_REQUEST, "not signed in", _NOT_SENT))
        try:
            person = await self._vouching.issuer.person(attempt, given)
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
        """The refusal that a stranger is shown; its cause stands in the ledger, for those who may read it."""
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
