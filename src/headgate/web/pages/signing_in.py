"""Coming in: by a link that is good once, or by a token."""

from http import HTTPStatus
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from headgate.web.access.front import COOKIE, FrontDoor
from headgate.web.access.tokens import token_id
from headgate.web.dispatch import read_body
from headgate.web.pages.render import HEADERS, page
from headgate.web.problems import Problem, malformed

FIELDS_MAX = 50
TICKET_MAX = 200


class SigningIn:
    """The page for whoever has no session yet."""

    def __init__(self, door: FrontDoor) -> None:
        self._door = door

    def routes(self) -> list[BaseRoute]:
        """The page, and its form."""
        return [Route("/sign-in", self._show), Route("/sign-in", self._enter, methods=["POST"])]

    async def _show(self, request: Request) -> Response:
        ticket = request.query_params.get("ticket", "")[:TICKET_MAX]
        return page("sign_in.html", {"who": None, "notice": "", "ticket": ticket})

    async def _enter(self, request: Request) -> Response:
        try:
            name = await self._begin(request, await fields(request))
        except Problem as problem:
            values = {"who": None, "notice": problem.document.detail, "ticket": ""}
            return page("sign_in.html", values, problem.document.status)
        answer = RedirectResponse("/", HTTPStatus.SEE_OTHER, headers=dict(HEADERS))
        secure = request.url.scheme == "https"
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
        text = (await read_body(request)).decode()
        return dict(
            parse_qsl(text, keep_blank_values=True, strict_parsing=bool(text), max_num_fields=FIELDS_MAX)
        )
    except (UnicodeDecodeError, ValueError) as error:
        raise malformed(f"the form cannot be read: {error}") from error
