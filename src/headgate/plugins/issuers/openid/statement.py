"""What an issuer signed of a person (the ID token: OpenID Connect Core 1.0, section 3.1.3.7), verified or refused."""

from collections.abc import Mapping
from typing import Any, cast

import jwt

from headgate.plugins.issuers.openid.keys import SHAPES, Key, Keys
from headgate.ports.errors import Permanent
from headgate.ports.issuer import SUBJECT_MAX, Person

LEEWAY_S = 60
"""By so much may two clocks differ."""

VALUES_MAX = 2000
_PUBLIC = frozenset({"kty", "crv", "n", "e", "x", "y"})
_REQUIRED = ["iss", "sub", "aud", "exp", "iat", "nonce"]

Claims = Mapping[str, Any]


async def verified(text: str, keys: Keys, issuer: str, client: str, nonce: str) -> Person:
    """Whom the statement vouches for, to `client`, on the attempt of `nonce`. Raises PortError."""
    try:
        header = jwt.get_unverified_header(text)
    except jwt.PyJWTError as error:
        raise _refused(str(error)) from None
    algorithm, name = header.get("alg"), header.get("kid")
    if not isinstance(algorithm, str) or algorithm not in SHAPES:
        raise _refused(f"it is signed by {str(algorithm)[:40]!r}, and only {', '.join(SHAPES)} will do")
    key = await keys.find(name, algorithm)
    claims = _decoded(text, key, algorithm, issuer, client)
    why = _objection(claims, client, nonce)
    if why:
        raise _refused(why)
    return _person(claims, issuer)


def _decoded(text: str, key: Key, algorithm: str, issuer: str, client: str) -> Claims:
    try:
        return jwt.decode(
            text,
            jwt.PyJWK({name: value for name, value in key.items() if name in _PUBLIC}, algorithm),
            algorithms=[algorithm],
            issuer=issuer,
            audience=client,
            leeway=LEEWAY_S,
            options={"require": _REQUIRED, "enforce_minimum_key_length": True},
        )
    except jwt.PyJWTError as error:
        raise _refused(str(error)) from None


def _objection(claims: Claims, client: str, nonce: str) -> str:
    audience, subject = claims["aud"], claims["sub"]
    if isinstance(audience, list) and len(cast("list[object]", audience)) > 1 and "azp" not in claims:
        return "it is for several, and does not say who asked for it (azp)"
    if claims.get("azp", client) != client:
        return "somebody else asked for it (azp)"
    if claims["nonce"] != nonce:
        return "it was made for another sign-in (nonce)"
    if not 0 < len(subject) <= SUBJECT_MAX or not subject.isprintable() or not subject.isascii():
        return f"its subject is not 1 to {SUBJECT_MAX} characters of ASCII"
    return ""


def _person(claims: Claims, issuer: str) -> Person:
    texts = {name: found for name, value in claims.items() if name != "email" and (found := _texts(value))}
    email, username = claims.get("email"), claims.get("preferred_username")
    if not isinstance(email, str) or claims.get("email_verified") is not True:
        email = ""
    if email:
        texts["email"] = (email.lower(),)
    return Person(issuer, claims["sub"], email, username if isinstance(username, str) else "", texts)


def _texts(value: object) -> tuple[str, ...]:
    """What is said in words: a text, or the texts in a list."""
    values = cast("list[object]", value) if isinstance(value, list) else [value]
    return tuple(one for one in values[:VALUES_MAX] if isinstance(one, str))


def _refused(why: str) -> Permanent:
    return Permanent(f"the issuer's statement of who this is (its ID token) is not taken: {why}")
