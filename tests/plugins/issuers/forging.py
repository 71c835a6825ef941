"""Statements that no good provider makes."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.plugins.issuers.provider import KEYS, SECRET, STRANGER, by_hand, public, signed

GOOD = {"alg": "RS256", "kid": "k1"}
PEM = KEYS["RS256"].public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

Forge = Callable[[dict[str, Any]], str]


def rs256(content: bytes, key: rsa.RSAPrivateKey | None = None) -> bytes:
    """A signature, well made."""
    signer: rsa.RSAPrivateKey = key or KEYS["RS256"]
    return signer.sign(content, padding.PKCS1v15(), hashes.SHA256())


def _mac(key: bytes) -> Callable[[bytes], bytes]:
    return lambda content: hmac.new(key, content, hashlib.sha256).digest()


def _with(seal: Callable[[bytes], bytes], **header: Any) -> Forge:  # noqa: ANN401 - JSON
    return lambda claims: by_hand(claims, header, seal)


FORGERIES: Mapping[str, Forge] = {
    "none": _with(lambda _: b"", alg="none", kid="k1"),
    "None": _with(lambda _: b"", alg="None"),
    "no algorithm": _with(lambda _: b"", kid="k1"),
    "an odd algorithm": _with(rs256, alg=["RS256"]),
    "HS256 with the public key": _with(_mac(PEM), alg="HS256", kid="k1"),
    "HS256 with the secret": _with(_mac(SECRET.encode()), alg="HS256"),
    "RS512": lambda claims: signed(claims, "RS512", key=KEYS["RS256"]),
    "another's key": lambda claims: signed(claims, key=STRANGER),
    "its own key": _with(lambda it: rs256(it, STRANGER), **GOOD, jwk=public("RS256", "k1", STRANGER)),
    "no signature": _with(lambda _: b"", **GOOD),
    "critical": _with(rs256, **GOOD, crit=["exp"], exp=1),
    "an unknown key": lambda claims: signed(claims, name="k2"),
    "an odd key": _with(rs256, alg="RS256", kid=1),
    "another kind": lambda claims: signed(claims, "ES256"),
    "no statement": lambda _: "not.a.statement",
    "nothing": lambda _: "",
}
