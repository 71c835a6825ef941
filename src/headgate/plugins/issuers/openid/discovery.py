"""What an issuer says of itself (OpenID Connect Discovery 1.0)."""

from typing import TypeVar

import msgspec

from headgate.kit.refusals import place, too_large
from headgate.ports.errors import UNREADABLE, Permanent, why
from headgate.ports.issuer import ANSWER_MAX_BYTES, guarded
from headgate.ports.web import Request, Web

PATH = "/.well-known/openid-configuration"
BASIC = "client_secret_basic"
CHALLENGE = "S256"


class Document(msgspec.Struct, frozen=True):
    """The part of the document that signing in needs. What is None is not said."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    scopes_supported: tuple[str, ...] | None = None
    token_endpoint_auth_methods_supported: tuple[str, ...] | None = None
    code_challenge_methods_supported: tuple[str, ...] | None = None
    authorization_response_iss_parameter_supported: bool = False


async def discover(web: Web, issuer: str, *, secret: bool) -> Document:
    """The issuer's document, if it can be used. `secret`: whether we have one. Raises PortError."""
    request = Request(
        "GET", issuer.removesuffix("/") + PATH, {"accept": "application/json"}, timeout_s=TIMEOUT_S
    )
    document = await ask(web, request, Document)
    why = _objection(document, issuer, secret=secret)
    if why:
        raise Permanent(f"{issuer} cannot be used to sign in: {why}")
    return document


def _objection(document: Document, issuer: str, *, secret: bool) -> str:
    if document.issuer != issuer:
        return f"it calls itself {document.issuer[:200]!r}, and what was declared must be that to the letter"
    for url in (document.authorization_endpoint, document.token_endpoint, document.jwks_uri):
        if not guarded(url):
            return f"its address {url[:200]!r} has no TLS"
    challenges = document.code_challenge_methods_supported
    if challenges is not None and CHALLENGE not in challenges:
        return f"it does not take PKCE with {CHALLENGE}, but {', '.join(challenges)[:200] or 'nothing'}"
    methods = document.token_endpoint_auth_methods_supported
    if secret and methods is not None and BASIC not in methods:
        return f"it does not take a secret by {BASIC}, but by {', '.join(methods)[:200] or 'nothing'}"
    return ""


# One question to an issuer, and its answer as a type: bounded in time and size.

TIMEOUT_S = 5.0

T = TypeVar("T")


async def ask(web: Web, request: Request, kind: type[T]) -> T:
    """The answer to `request`. Raises PortError; its message shows nothing of an answer that was understood."""
    answer = await web.ask(request)
    if len(answer.body) > ANSWER_MAX_BYTES:
        raise too_large(request, ANSWER_MAX_BYTES)
    try:
        return msgspec.json.decode(answer.body, type=kind)
    except UNREADABLE as error:
        raise Permanent(f"{place(request)} answered what cannot be understood: {why(error)}") from None
