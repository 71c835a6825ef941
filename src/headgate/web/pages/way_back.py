"""The page somebody wanted before they had to sign in: kept through every way in, and never outside this dashboard.

The address of the sign-in page has it (`?next=`), and so has the form; a cookie has it too, for the ways in that begin
anew: a link from the terminal, and an issuer that sends the browser back.
"""

import re
from typing import Final
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from starlette.requests import Request
from starlette.responses import Response

FIRST_PAGE: Final = "/"
SIGN_IN: Final = "/sign-in"
FIELD = "next"
WANTED = "headgate_wanted"
"""The cookie. Lax: it must be shown by a browser that an issuer sends back."""

WANTED_S = 600
PATH_MAX = 500
_PATH = re.compile(r"/(?![/\\])[A-Za-z0-9/_.~%?&=+,:@!$'()*;-]*")
"""A path of our own, as a browser sends it; `//elsewhere` would be another site's."""
_DEED = re.compile(r"(/releases/[^/]+)/([a-z]+)")


def wanted(request: Request) -> str:
    """The page that somebody wanted who must sign in first: this one, or for a form the page that the form is on."""
    if request.method == "GET":
        return safe(_path(str(request.url)))
    deed = _DEED.fullmatch(request.url.path)
    if deed is not None:  # never done by itself afterwards: only shown again, with its reason to be given
        return safe(f"{deed[1]}?do={deed[2]}#actions")
    parts = urlsplit(request.headers.get("referer", ""))
    here = parts.netloc == request.url.netloc
    return safe(_path(parts.geturl())) if here else FIRST_PAGE


def safe(path: str) -> str:
    """`path`, if it is one of the dashboard's own; else the first page."""
    place, _, _ = path.partition("#")
    good = len(path) <= PATH_MAX and _PATH.fullmatch(place) and not place.startswith(SIGN_IN)
    return path if good and place != "/sign-out" else FIRST_PAGE


def sign_in(path: str) -> str:
    """The address of the sign-in page, for somebody who wanted `path`."""
    return SIGN_IN if path == FIRST_PAGE else f"{SIGN_IN}?{FIELD}={quote(path, safe='/')}"


def asked(request: Request) -> str:
    """The page that the address of the sign-in page names."""
    given = dict(parse_qsl(request.url.query[: 4 * PATH_MAX], max_num_fields=20))
    return safe(given.get(FIELD, FIRST_PAGE))


def kept(request: Request, given: str) -> str:
    """Where to go once signed in: what the form says, else what the cookie says."""
    path = safe(given or FIRST_PAGE)
    return path if path != FIRST_PAGE else safe(unquote(request.cookies.get(WANTED, FIRST_PAGE)))


def keep(answer: Response, path: str, *, secure: bool) -> None:
    """Keep it in a cookie, for the ways in that begin anew."""
    if path != FIRST_PAGE:
        answer.set_cookie(
            WANTED, quote(path, safe=""), WANTED_S, path=SIGN_IN, secure=secure, httponly=True, samesite="lax"
        )


def forget(request: Request, answer: Response) -> None:
    """Forget the page that was wanted: its person is there."""
    if WANTED in request.cookies:
        answer.delete_cookie(WANTED, SIGN_IN)


def _path(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path
