"""A little OpenID provider: real keys and statements, answers over loopback HTTP; it can be made to lie."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote_plus, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from headgate.ports.web import Answer, Request

CLIENT = "headgate at the shop"
SECRET = "s3cr3t/of:the+client%"
SUBJECT = "s-1"
ADA: Mapping[str, Any] = {
    "sub": SUBJECT,
    "preferred_username": "ada",
    "email": "Ada@example.com",
    "email_verified": True,
    "groups": ["shop", "release"],
}

KEYS: dict[str, Any] = {
    "RS256": rsa.generate_private_key(65537, 2048),
    "ES256": ec.generate_private_key(ec.SECP256R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate(),
}
KEYS["PS256"] = KEYS["RS256"]
STRANGER = rsa.generate_private_key(65537, 2048)
SHORT = rsa.generate_private_key(65537, 1024)  # noqa: S505 - to be refused

_TO_JWK: dict[str, Any] = {
    "RS256": RSAAlgorithm,
    "PS256": RSAAlgorithm,
    "ES256": ECAlgorithm,
    "EdDSA": OKPAlgorithm,
}


def public(algorithm: str, name: str | None, key: Any = None) -> dict[str, Any]:  # noqa: ANN401 - any kind of key
    """A public key as the provider publishes it."""
    made: dict[str, Any] = _TO_JWK[algorithm].to_jwk((key or KEYS[algorithm]).public_key(), as_dict=True)
    made.pop("key_ops", None)
    return made | ({"kid": name} if name is not None else {}) | {"use": "sig"}


class Provider:
    """Answers as `http_server`'s script. `origin` is set once it is known.

    `changed` changes claims before they are signed (None takes one away), `said` the document; `signs` makes the
    statement of the claims, `keys` are published; `answers` answers a path in place of the provider.
    """

    def __init__(self, *, secret: str | None = SECRET) -> None:
        self.origin = ""
        self.path = "/realms/shop"
        self.secret = secret
        self.asked: list[Request] = []
        self.claims: Mapping[str, Any] = ADA
        self.changed: Mapping[str, Any] = {}
        self.said: Mapping[str, Any] = {}
        self.keys: list[dict[str, Any]] = [public("RS256", "k1")]
        self.signs: Callable[[dict[str, Any]], str] = signed
        self.answers: dict[str, Callable[[Request], Answer]] = {}
        self._codes: dict[str, dict[str, str]] = {}

    @property
    def issuer(self) -> str:
        return f"{self.origin}{self.path}"

    @property
    def base(self) -> str:
        return self.issuer.removesuffix("/")

    def count(self, path: str) -> int:
        """How often a path was asked for."""
        return sum(request.url.removeprefix(self.base) == path for request in self.asked)

    def sent_to(self, address: str) -> str:
        """Where the provider sends the browser back to, as `address` asks."""
        return dict(parse_qsl(urlsplit(address).query))["redirect_uri"]

    def agree(self, address: str) -> dict[str, str]:
        """A person says yes at the provider's page; returns what their browser brings back."""
        asked = dict(parse_qsl(urlsplit(address).query, strict_parsing=True))
        assert address.startswith(f"{self.base}/authorize?")
        assert (asked["response_type"], asked["client_id"]) == ("code", CLIENT)
        assert "openid" in asked["scope"].split()
        assert (asked["code_challenge_method"], len(asked["code_challenge"])) == ("S256", 43)
        code = secrets.token_urlsafe()
        self._codes[code] = asked
        return {"state": asked["state"], "code": code}

    def script(self, request: Request) -> Answer:
        """See testing.web."""
        self.asked.append(request)
        path = request.url.removeprefix(self.base).partition("?")[0]
        if path in self.answers:
            return self.answers[path](request)
        match path:
            case "/.well-known/openid-configuration":
                return _json(self._document())
            case "/keys":
                return _json({"keys": self.keys})
            case "/token":
                return self._token(request)
            case _:
                return _json({"error": "not_found"}, 404)

    def _document(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.base}/authorize",
            "token_endpoint": f"{self.base}/token",
            "jwks_uri": f"{self.base}/keys",
            "response_types_supported": ["code"],
            "code_challenge_methods_supported": ["plain", "S256"],
            "scopes_supported": ["openid", "groups"],
        } | dict(self.said)

    def _token(self, request: Request) -> Answer:
        given = dict(parse_qsl(request.body.decode(), strict_parsing=True))
        if not self._client(request, given):
            return _json({"error": "invalid_client"}, 401)
        asked = self._codes.pop(given["code"], None)
        digest = hashlib.sha256(given["code_verifier"].encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if asked is None or (asked["redirect_uri"], asked["code_challenge"]) != (
            given["redirect_uri"],
            challenge,
        ):
            return _json({"error": "invalid_grant", "error_description": f"no code {given['code']}"}, 400)
        now = int(time.time())
        claims = {"iss": self.issuer, "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": asked["nonce"]}
        claims |= dict(self.claims) | dict(self.changed)
        statement = self.signs({name: value for name, value in claims.items() if value is not None})
        return _json({"token_type": "Bearer", "access_token": "unused", "id_token": statement})

    def _client(self, request: Request, given: Mapping[str, str]) -> bool:
        if self.secret is None:
            return given.get("client_id") == CLIENT and "authorization" not in request.headers
        kind, _, shown = request.headers.get("authorization", "").partition(" ")
        client, _, secret = base64.b64decode(shown).decode().partition(":")
        return (kind, unquote_plus(client), unquote_plus(secret)) == ("Basic", CLIENT, self.secret)


def signed(
    claims: dict[str, Any], algorithm: str = "RS256", name: str | None = "k1", key: object = None
) -> str:
    """A statement."""
    headers = {"kid": name} if name is not None else {}
    return jwt.encode(claims, key or KEYS[algorithm], algorithm, headers)  # type: ignore[arg-type]


def by_hand(claims: dict[str, Any], header: dict[str, Any], seal: Callable[[bytes], bytes]) -> str:
    """A statement that no library would make."""
    parts = [_part(json.dumps(one).encode()) for one in (header, claims)]
    return ".".join([*parts, _part(seal(".".join(parts).encode()))])


def _part(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _json(content: object, status: int = 200) -> Answer:
    return Answer(status, {"content-type": "application/json"}, json.dumps(content).encode())


def query(answer: Mapping[str, str]) -> str:
    """As the browser brings it back."""
    return urlencode(answer)
