"""How a request that was not answered well is told, whoever implements the web: always the same way, never a secret."""

import re
from collections.abc import Iterable
from urllib.parse import quote, urlsplit

from headgate.ports.errors import Permanent, PortError, Temporary
from headgate.ports.web import BODY_MAX_BYTES, Request

STRUCK = "***"
WORDS_MAX = 200
"""So many characters of an answer's body are shown."""

PASSING = frozenset({408, 425, 429})
_SERVER = 500
_SECRET_MIN = 3
"""A secret shorter than this is struck only as a whole word: else hardly a letter would be left."""

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
    """`text` with every one of `secrets` struck out, also where it was quoted for a URL."""
    forms = {form for secret in secrets for form in (secret, quote(secret), quote(secret, safe="")) if form}
    for form in sorted(forms, key=len, reverse=True):
        pattern = re.escape(form) if len(form) >= _SECRET_MIN else rf"\b{re.escape(form)}\b"
        text = re.sub(pattern, STRUCK, text)
    return text


def first_words(body: bytes, secrets: Iterable[str]) -> str:
    """The beginning of an answer's body on one line, fit to be shown."""
    text = struck(body[:BODY_MAX_BYTES].decode(errors="replace"), secrets)
    words = " ".join("".join(letter if letter.isprintable() else " " for letter in text[:4096]).split())
    return words if len(words) <= WORDS_MAX else f"{words[:WORDS_MAX]}..."


def refusal(request: Request, status: int, body: bytes = b"") -> PortError:
    """The error for an answer that is no answer: Temporary for 408, 425, 429 and 5xx, Permanent for any other."""
    words = first_words(body, request.secrets)
    hint = _HINTS.get(status, "it is in trouble itself" if status >= _SERVER else "")
    message = f"{place(request)} answered {status}" + (f" ({words})" if words else "")
    kind = Temporary if status >= _SERVER or status in PASSING else Permanent
    return kind(f"{message}: {hint}" if hint else message)


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
