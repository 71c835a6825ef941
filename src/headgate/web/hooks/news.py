"""What a delivery says, whoever sent it: alerts, pushes, or something that leads to nothing."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import TypeVar
from urllib.parse import parse_qs

import msgspec

from headgate.core.home.hooks import Alert
from headgate.core.model import Push
from headgate.ports.unreadable import UNREADABLE, why
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
