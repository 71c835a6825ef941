"""Refusals, as problem documents (RFC 9457): what is wrong, and what to do about it."""

from http import HTTPStatus

import msgspec
from starlette.responses import Response

from headgate.ports.redaction import KNOWN


class ProblemDocument(msgspec.Struct, frozen=True, omit_defaults=True):
    """The body of a refusal. `title` says what kind it is, `detail` what of this request, `where` which part of it."""

    title: str
    status: int
    detail: str = ""
    where: str = ""


class Problem(Exception):  # noqa: N818 - the term of RFC 9457
    """Raised anywhere below an endpoint; becomes the answer."""

    def __init__(self, status: int, title: str, detail: str = "", *, where: str = "") -> None:
        super().__init__(f"{status} {title}: {detail}")
        self.document = ProblemDocument(title, status, KNOWN.clean(detail), where)
        self.headers: dict[str, str] = {}

    def response(self) -> Response:
        """The answer."""
        return Response(
            msgspec.json.encode(self.document),
            self.document.status,
            headers=self.headers,
            media_type="application/problem+json",
        )


def unknown(noun: str, name: str) -> Problem:
    """404: there is no such thing."""
    return Problem(HTTPStatus.NOT_FOUND, f"unknown {noun}", f"there is no {noun} {name!r}")


def malformed(detail: str, where: str = "") -> Problem:
    """422: what was sent cannot be understood."""
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "malformed request", detail, where=where)
