"""Sentences for requests that failed, whoever implements the web: always in one form, never with a secret."""

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from headgate.ports.errors import Permanent, PortError, Temporary
from headgate.ports.redaction import Redaction
from headgate.ports.web import BODY_MAX_BYTES, Request

WORDS_MAX = 200
"""So many characters of an answer's body are shown."""

PASSING = frozenset({408, 425, 429})
_SERVER = 500
_CONTROLS = 0x20
_LOOKED_AT_MAX = 16 * 1024
"""So much of an answer's body is looked at for its first words; what is shown of it is far from its end."""

_UNSENDABLE = re.compile(r"[^\t\x20-\x7e]")
"""What may not stand in a header's value, or means something else to everybody (RFC 9110, section 5.5)."""

_HINTS = {
    400: "it does not understand the question: check the settings",
    401: "the credential is missing or not accepted: check where it is read from",
    403: "the credential does not allow this: give it the right to read what is asked",
    404: "there is nothing at this address: check the address",
    405: "this address does not take such a request: check the address",
    422: "it cannot carry out the question: check the query",
    429: "it is asked too often",
}


def origin_of(url: str) -> str:
    """Scheme, host and port of a URL; never its user, path or query."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def place(request: Request) -> str:
    """What was asked, fit to be shown: method, origin and path, without user, query and secrets."""
    return struck(
        f"{request.method} {origin_of(request.url)}{urlsplit(request.url).path or '/'}", request.secrets
    )


def struck(text: str, secrets: Iterable[str]) -> str:
    """`text` with every one of `secrets` struck out, in whatever form they are there."""
    return Redaction(unnamed=secrets).clean(text)


def first_words(body: bytes, secrets: Iterable[str]) -> str:
    """The beginning of an answer's body on one line, fit to be shown."""
    text = struck(body[:_LOOKED_AT_MAX].decode(errors="replace"), secrets)
    words = " ".join("".join(letter if letter.isprintable() else " " for letter in text[:4096]).split())
    return words if len(words) <= WORDS_MAX else f"{words[:WORDS_MAX]}..."


def refusal(request: Request, status: int, body: bytes = b"") -> PortError:
    """The error for an answer that is no answer: Temporary for 408, 425, 429 and 5xx, Permanent for any other."""
    words = first_words(body, request.secrets)
    hint = _HINTS.get(status, "it is in trouble itself" if status >= _SERVER else "")
    message = f"{place(request)} answered {status}" + (f" ({words})" if words else "")
    kind = Temporary if status >= _SERVER or status in PASSING else Permanent
    return kind(f"{message}: {hint}" if hint else message)


def require_sendable(request: Request) -> None:
    """Refuse what no header can hold, before anything is sent. Raises Permanent, which holds nothing of it.

    A client library would refuse it as well, and repeat the value while it does; one that does not would send a header
    of the value's own making.
    """
    places = {f"the header {name!r}": value for name, value in request.headers.items()}
    for where, value in (places | {"an address": request.url}).items():
        found = _UNSENDABLE.search(value)
        if found is not None:
            raise Permanent(
                f"{place(request)} is not asked: {where} cannot hold {_called(found[0])}: check what it is made of "
                "(is a secret of one line meant, and has its file more than one?)"
            )


def _called(letter: str) -> str:
    if letter in "\r\n":
        return "a line's end"
    return "a control character" if ord(letter) < _CONTROLS or letter == "\x7f" else "a letter beyond ASCII"


def too_large(request: Request, limit_bytes: int = BODY_MAX_BYTES) -> Permanent:
    """The error for an answer over the bound."""
    return Permanent(
        f"{place(request)} answered more than {limit_bytes // 1024} KiB: ask for less (fewer series, a shorter time)"
    )


def unanswered(request: Request, why: str) -> Temporary:
    """The error for no answer at all. `why` is struck of secrets here."""
    return Temporary(f"{place(request)}: {struck(why, request.secrets)}")


def out_of_reach(request: Request, why: str) -> Permanent:
    """The error for an address that may not be connected to. `why` is struck of secrets here."""
    return Permanent(f"{place(request)}: {struck(why, request.secrets)}")
