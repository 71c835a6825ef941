"""Coming in: by a link that is good once, or by a token."""

from http import HTTPStatus
from urllib.parse import parse_qsl, quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from headgate.web.doors.dispatch import read_body
from headgate.web.doors.front import COOKIE, FrontDoor
from headgate.web.doors.tokens import token_id
from headgate.web.http.problems import Problem, malformed
from headgate.web.pages import way_back
from headgate.web.pages.render import HEADERS, page
from headgate.web.pages.signing_in_elsewhere import SigningInElsewhere

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
