"""AWS Signature Version 4: a request with the header that proves who sends it.

Source: AWS General Reference, "Create a signed AWS API request" (canonical request, string to sign, signing key); the
tests hold the vectors of AWS's published `aws-sig-v4-test-suite`.
"""

import hashlib
import hmac
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from urllib.parse import parse_qsl, quote, urlsplit

from headgate.ports.web import Request

ALGORITHM = "AWS4-HMAC-SHA256"
_UNRESERVED = "-_.~"
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Credentials:
    """Who signs. `token` belongs to temporary credentials only."""

    key_id: str
    secret: str = field(repr=False)
    token: str = field(default="", repr=False)


@dataclass(frozen=True)
class Scope:
    """What a signature is good for: a service (`monitoring`) in a region (`eu-west-1`)."""

    region: str
    service: str


def signed(request: Request, credentials: Credentials, scope: Scope, at: float) -> Request:
    """`request` with `host`, `x-amz-date` and `authorization`, valid for minutes around `at` (seconds since the epoch).

    What must never be shown is among its `secrets`.
    """
    stamp = datetime.fromtimestamp(at, UTC).strftime("%Y%m%dT%H%M%SZ")
    headers = {name.lower(): value for name, value in request.headers.items()}
    headers |= {"host": _host(request.url), "x-amz-date": stamp}
    if credentials.token:
        headers["x-amz-security-token"] = credentials.token
    names = ";".join(sorted(headers))
    place = f"{stamp[:8]}/{scope.region}/{scope.service}/aws4_request"
    canonical = canonical_request(request, headers)
    to_sign = "\n".join((ALGORITHM, stamp, place, _sha256(canonical.encode())))
    signature = hmac.new(
        _key(credentials.secret, stamp[:8], scope), to_sign.encode(), hashlib.sha256
    ).hexdigest()
    headers["authorization"] = (
        f"{ALGORITHM} Credential={credentials.key_id}/{place}, SignedHeaders={names}, Signature={signature}"
    )
    secrets = tuple(secret for secret in (credentials.secret, credentials.token, signature) if secret)
    return replace(request, headers=headers, secrets=(*request.secrets, *secrets))


def canonical_request(request: Request, headers: dict[str, str]) -> str:
    """The request in the one form that both sides hash; `headers` are in lower case and are all signed."""
    parts = urlsplit(request.url)
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    query = "&".join(f"{name}={value}" for name, value in sorted((_quoted(n), _quoted(v)) for n, v in pairs))
    return "\n".join(
        (
            request.method.upper(),
            quote(parts.path or "/", safe=f"/{_UNRESERVED}"),
            query,
            *(f"{name}:{' '.join(value.split())}" for name, value in sorted(headers.items())),
            "",
            ";".join(sorted(headers)),
            _sha256(request.body),
        )
    )


def _host(url: str) -> str:
    parts = urlsplit(url)
    default = parts.port in (None, _PORTS.get(parts.scheme))
    return parts.hostname or "" if default else f"{parts.hostname}:{parts.port}"


def _key(secret: str, day: str, scope: Scope) -> bytes:
    key = f"AWS4{secret}".encode()
    for word in (day, scope.region, scope.service, "aws4_request"):
        key = hmac.new(key, word.encode(), hashlib.sha256).digest()
    return key


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _quoted(text: str) -> str:
    return quote(text, safe=_UNRESERVED)
