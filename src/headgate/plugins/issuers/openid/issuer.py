"""The port: sends a browser to the provider, and has what it brings back turned into a person."""

import base64
import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from urllib.parse import quote_plus, urlencode

import msgspec

from headgate.core.model import SecretSource
from headgate.plugins.issuers.openid.discovery import CHALLENGE, TIMEOUT_S, Document, ask, discover
from headgate.plugins.issuers.openid.keys import Key, Keys
from headgate.plugins.issuers.openid.statement import verified
from headgate.ports.errors import Permanent
from headgate.ports.issuer import Person, SignInAttempt
from headgate.ports.registry import settings_of
from headgate.ports.secrets import read_secret
from headgate.ports.web import Request, Web
from headgate.ports.wires import Wires

AGE_MAX_S = 3600.0
"""How long what the issuer says of itself is believed."""

SCOPES = ("openid", "email", "profile", "groups")
"""What is asked for; the last one only where the issuer knows it."""

_CODE = re.compile(r"[a-z_]{1,60}")


class Settings(msgspec.Struct, frozen=True):
    """`secret` None: the issuer knows us as a public client, which PKCE alone protects."""

    issuer: str
    client_id: str
    secret: SecretSource | None = None


class _Tokens(msgspec.Struct, frozen=True):
    """What the token endpoint answers; the access token is of no use to us."""

    id_token: str


class _KeySet(msgspec.Struct, frozen=True):
    keys: tuple[dict[str, object], ...]


class OpenId:
    """Implements ports.Issuer."""

    def __init__(self, settings: Settings, web: Web, now: Callable[[], float]) -> None:
        self._settings = settings
        self._web = web
        self._now = now
        self._keys = Keys(self._fetched, now)
        self._document: Document | None = None
        self._until = float("-inf")

    @property
    def url(self) -> str:
        """See Issuer."""
        return self._settings.issuer

    async def address(self, attempt: SignInAttempt) -> str:
        """See Issuer."""
        document = await self._known()
        supported = document.scopes_supported or ()
        asked = {
            "response_type": "code",
            "client_id": self._settings.client_id,
            "redirect_uri": attempt.back,
            "scope": " ".join((*SCOPES[:-1], *(scope for scope in SCOPES[-1:] if scope in supported))),
            "state": attempt.state,
            "nonce": attempt.nonce,
            "code_challenge": _challenge(attempt.verifier),
            "code_challenge_method": CHALLENGE,
        }
        endpoint = document.authorization_endpoint
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(asked)}"

    async def person(self, attempt: SignInAttempt, answer: Mapping[str, str]) -> Person:
        """See Issuer. Who has no good answer yet is asked for nothing."""
        document = await self._known()
        why = self._objection(document, answer)
        if why:
            raise Permanent(why)
        tokens = await ask(self._web, self._exchange(document, attempt, answer["code"]), _Tokens)
        settings = self._settings
        return await verified(tokens.id_token, self._keys, settings.issuer, settings.client_id, attempt.nonce)

    def _objection(self, document: Document, answer: Mapping[str, str]) -> str:
        given = answer.get("iss")
        if given is None and document.authorization_response_iss_parameter_supported:
            return "the browser's answer does not say which issuer it is from, and this one always does"
        if given not in (None, self.url):
            return "the browser's answer is from another issuer"
        error = answer.get("error", "")
        if error:
            return f"the issuer did not sign you in: {error if _CODE.fullmatch(error) else 'it does not say why'}"
        return "" if answer.get("code") else "the browser brought no code back"

    def _exchange(self, document: Document, attempt: SignInAttempt, code: str) -> Request:
        """The request that turns the code into a statement. It is sent once: a code is good once."""
        settings = self._settings
        fields = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": attempt.back,
            "code_verifier": attempt.verifier,
        }
        headers = {"accept": "application/json", "content-type": "application/x-www-form-urlencoded"}
        secrets = [code, attempt.verifier, attempt.nonce]
        if settings.secret is None:
            fields["client_id"] = settings.client_id
        else:
            secret = read_secret(settings.secret)
            both = f"{quote_plus(settings.client_id)}:{quote_plus(secret)}"  # RFC 6749, section 2.3.1
            shown = base64.b64encode(both.encode()).decode()
            headers["authorization"] = f"Basic {shown}"
            secrets += [secret, shown]
        body = urlencode(fields).encode()
        return Request(
            "POST", document.token_endpoint, headers, body, TIMEOUT_S, retry=False, secrets=tuple(secrets)
        )

    async def _known(self) -> Document:
        """What the issuer says of itself. Raises PortError."""
        if self._document is None or self._now() >= self._until:
            secret = self._settings.secret is not None
            self._document = await discover(self._web, self._settings.issuer, secret=secret)
            self._until = self._now() + AGE_MAX_S
        return self._document

    async def _fetched(self) -> Sequence[Key]:
        """The issuer's keys. Raises PortError."""
        document = await self._known()
        request = Request("GET", document.jwks_uri, {"accept": "application/json"}, timeout_s=TIMEOUT_S)
        return (await ask(self._web, request, _KeySet)).keys


def _challenge(verifier: str) -> str:
    """RFC 7636, section 4.2."""
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def create(wires: Wires) -> OpenId:
    """The plugin. Raises Permanent for settings that do not fit, a secret that is not there, or without a web."""
    if wires.web is None:
        raise Permanent("an OpenID provider is asked over the web, and there is none")
    settings = settings_of(wires, Settings)
    if settings.secret is not None:
        read_secret(settings.secret)  # told now, not when the first person wants to come in
    return OpenId(settings, wires.web, wires.now)
