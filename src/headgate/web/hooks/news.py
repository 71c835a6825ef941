"""The content of a delivery, whoever sent it: alerts, pushes, or something that leads to nothing."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import TypeVar
from urllib.parse import parse_qs

import msgspec

from headgate.core.home.hooks import Alert
from headgate.core.model import Push
from headgate.ports.errors import UNREADABLE, why
from headgate.web.http.problems import Problem, malformed

T = TypeVar("T", bound=msgspec.Struct)

FORM_FIELDS_MAX = 10
TEXT_MAX_CHARACTERS = 200

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class News:
    """`event` is what the vendor calls it. `alerts` None: it is not about alerts. `unknown`: nothing is made of it."""

    event: str
    alerts: tuple[Alert, ...] | None = None
    pushes: tuple[Push, ...] = ()
    unknown: bool = False


def content(media_type: str, body: bytes) -> bytes:
    """The JSON in a body, which GitHub and Gitea may send as the field `payload` of a form. Raises Problem."""
    kind = media_type.partition(";")[0].strip().lower()
    if kind == JSON:
        return body
    if kind != FORM:
        given = kind[:TEXT_MAX_CHARACTERS] or "of no stated type"
        detail = f"the body is {given}; send {JSON}, or {FORM} with the field `payload`"
        raise Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "unsupported media type", detail)
    try:
        found = parse_qs(body.decode(), max_num_fields=FORM_FIELDS_MAX, errors="strict").get("payload", [])
    except ValueError as error:
        raise malformed("the form cannot be read", "body") from error
    if len(found) != 1:
        raise malformed("the form has not one field `payload`", "body")
    return found[0].encode()


def decoded(body: bytes, kind: type[T]) -> T:
    """The body as `kind` has it; what it does not name is not looked at. Raises Problem."""
    try:
        return msgspec.json.decode(body, type=kind)
    except UNREADABLE as error:
        raise malformed(why(error), "body") from error


def brief(text: str | None) -> str:
    """A text of somebody else's as we write it down: short, on one line."""
    shown = "".join(
        letter if letter.isprintable() else " " for letter in (text or "")[: 2 * TEXT_MAX_CHARACTERS]
    )
    return " ".join(shown.split())[:TEXT_MAX_CHARACTERS]


# Bodies that arrive before it is known who sends them: bounded in time and number, so that nobody keeps others out.
#
# Whoever is slow makes room for whoever comes: of an address that has too many under way the oldest goes, and where
# there are too many in all, the oldest of the address that has most.

BODY_S = 10.0
"""How long a body may take: Git hosts and Alertmanager wait no longer for all of it."""

UNDER_WAY_MAX = 32
"""So many at once, of at most 4 MiB each."""

PER_ADDRESS_MAX = 16
RETRY_AFTER_S = 5


class Bodies:
    """The bodies that are being read now."""

    def __init__(self, body_s: float = BODY_S) -> None:
        self._body_s = body_s
        self._under_way: dict[asyncio.Future[bytes], str] = {}

    async def receive(self, address: str, read: Callable[[], Awaitable[bytes]]) -> bytes:
        """The body that `read` gives. Raises Problem: 408 too slow, 503 made to give way, what `read` raises."""
        self._make_room(address)
        arriving = asyncio.ensure_future(read())
        self._under_way[arriving] = address
        try:
            done, _ = await asyncio.wait({arriving}, timeout=self._body_s)
        finally:
            gave_way = self._under_way.pop(arriving, None) is None
            arriving.cancel()
            await asyncio.wait({arriving})  # nothing of it is under way any more
        if gave_way:
            raise later("too many deliveries at once", "this one took long, and others came: send it again")
        if not done:
            detail = f"the body was not there within {self._body_s:g} s"
            raise Problem(HTTPStatus.REQUEST_TIMEOUT, "too slow", detail)
        return arriving.result()

    def _make_room(self, address: str) -> None:
        by_address = Counter(self._under_way.values())
        if by_address[address] >= PER_ADDRESS_MAX:
            self._cut(address)
        elif len(self._under_way) >= UNDER_WAY_MAX:
            self._cut(by_address.most_common(1)[0][0])

    def _cut(self, address: str) -> None:
        """The oldest that comes from there."""
        oldest = next(one for one, where in self._under_way.items() if where == address)
        del self._under_way[oldest]
        oldest.cancel()


def later(title: str, detail: str) -> Problem:
    """503, with when to come again."""
    problem = Problem(HTTPStatus.SERVICE_UNAVAILABLE, title, detail)
    problem.headers["retry-after"] = str(RETRY_AFTER_S)
    return problem
