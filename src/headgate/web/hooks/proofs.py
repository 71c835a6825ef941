"""Proofs of deliveries: how each vendor signs one, and how it names it.

Sources:
* GitHub, "Validating webhook deliveries": `X-Hub-Signature-256` is `sha256=` and the HMAC-SHA256 (hex) of the raw body.
  "Webhook events and payloads", delivery headers: `X-GitHub-Event`, `X-GitHub-Delivery`.
* GitLab, "Webhooks": `X-Gitlab-Token` is the secret token itself; `X-Gitlab-Event`, `X-Gitlab-Event-UUID`, and
  `Idempotency-Key`, which stays the same when a delivery is tried again. A signing token (merge request 230944 of
  gitlab-org/gitlab; `whsec_` and base64) signs as "Standard Webhooks" says: `webhook-signature` is `v1,` and the
  HMAC-SHA256 (base64) of `webhook-id.webhook-timestamp.body`; several stand apart by spaces.
* Gitea, "Webhooks", and Forgejo, "Webhooks": `X-Gitea-Signature`, `X-Forgejo-Signature`, HMAC-SHA256 (hex) of the raw
  body, without a mark before it; `X-Gitea-Event`, `X-Gitea-Delivery`, and the same with `X-Forgejo-`.
* Bitbucket Cloud, "Manage webhooks", "Event payloads": `X-Hub-Signature` is `sha256=` and the HMAC-SHA256 (hex) of the
  raw body; `X-Event-Key`, `X-Request-UUID`.
* Alertmanager, "Configuration", `webhook_config` and `http_config`: `authorization` with a type (`Bearer`) and
  credentials. Nothing signs the body.
"""

import binascii
import hashlib
import hmac
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass

from headgate.core.home.facts import HookAdded
from headgate.core.model import Vendor
from headgate.web.hooks.vault import PREFIX, new_secret

WINDOW_S = 300.0
"""A signature with a time in it is good for so long, before and after (Standard Webhooks leaves it open)."""

NAME_MAX_CHARACTERS = 100

EVENTS: dict[Vendor, tuple[str, ...]] = {
    "github": ("x-github-event",),
    "gitlab": ("x-gitlab-event",),
    "gitea": ("x-forgejo-event", "x-gitea-event"),
    "bitbucket": ("x-event-key",),
    "alertmanager": (),
}
DELIVERIES: dict[Vendor, tuple[str, ...]] = {
    "github": ("x-github-delivery",),
    "gitlab": ("webhook-id", "idempotency-key", "x-gitlab-event-uuid"),
    "gitea": ("x-forgejo-delivery", "x-gitea-delivery"),
    "bitbucket": ("x-request-uuid",),
    "alertmanager": (),
}
PROOFS: dict[str, str] = {
    "x-hub-signature-256": "GitHub's signature",
    "x-hub-signature": "Bitbucket's signature",
    "x-gitea-signature": "Gitea's signature",
    "x-forgejo-signature": "Forgejo's signature",
    "x-gitlab-token": "GitLab's secret token",
    "webhook-signature": "GitLab's signature by a signing token, of `webhook-id`, `webhook-timestamp` and the body",
    "authorization": "Alertmanager's credentials (`Bearer`)",
}
"""What proves a delivery, by header; for people."""

Headers = Mapping[str, str]
_NOBODYS_SECRET = new_secret()


@dataclass(frozen=True)
class Sent:
    """A request as it came: `headers` by their names in lower case, and the raw body."""

    headers: Headers
    body: bytes

    def first(self, names: tuple[str, ...]) -> str:
        """What the first of these headers that is there says, cut short and without what cannot be shown."""
        text = next((self.headers[name] for name in names if self.headers.get(name)), "")
        return "".join(letter for letter in text[:NAME_MAX_CHARACTERS] if letter.isprintable())

    @property
    def digest(self) -> str:
        """The body's SHA-256 in hex."""
        return hashlib.sha256(self.body).hexdigest()


def proven(added: HookAdded | None, secret: str, sent: Sent, at: float) -> bool:
    """Whether the sender has the hook's secret. `secret` may be empty where a digest is enough.

    Takes as long for a hook that is not there: the body is signed once and the credentials hashed once in any case.
    """
    signature = _signature(secret or _NOBODYS_SECRET, sent)
    shown = _shown(added.vendor if added else None, sent.headers)
    hashed = hashlib.sha256(shown).hexdigest()
    if added is None:
        return False
    if added.vendor == "alertmanager" or (added.vendor == "gitlab" and not _is_standard(sent)):
        return _same(hashed, added.digest) and shown != b""
    return secret != "" and _carried(added.vendor, sent, signature, at)


def _carried(vendor: Vendor, sent: Sent, signature: bytes, at: float) -> bool:
    """Whether the delivery carries this signature, as the vendor writes it."""
    headers = sent.headers
    match vendor:
        case "github":
            return _same(headers.get("x-hub-signature-256", ""), f"sha256={signature.hex()}")
        case "bitbucket":
            return _same(headers.get("x-hub-signature", ""), f"sha256={signature.hex()}")
        case "gitea":
            return _same(
                headers.get("x-forgejo-signature") or headers.get("x-gitea-signature", ""), signature.hex()
            )
        case _:
            wanted = f"v1,{b64encode(signature).decode()}"
            given = headers.get("webhook-signature", "").split(" ")
            return any(_same(one, wanted) for one in given) and _timely(headers, at)


def _signature(secret: str, sent: Sent) -> bytes:
    if not _is_standard(sent):
        return hmac.digest(secret.encode(), sent.body, "sha256")
    head = f"{sent.headers.get('webhook-id', '')}.{sent.headers.get('webhook-timestamp', '')}."
    return hmac.digest(_key(secret), head.encode("latin-1", "replace") + sent.body, "sha256")


def _key(secret: str) -> bytes:
    try:
        return b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        return secret.encode()


def _is_standard(sent: Sent) -> bool:
    return "webhook-signature" in sent.headers


def _timely(headers: Headers, at: float) -> bool:
    stamp = headers.get("webhook-timestamp", "")
    return stamp.isascii() and stamp.isdigit() and abs(int(stamp[:20]) - at) <= WINDOW_S


def _shown(vendor: Vendor | None, headers: Headers) -> bytes:
    """The credentials that the headers show, where the vendor has them."""
    if vendor == "gitlab":
        return headers.get("x-gitlab-token", "").encode()
    scheme, _, credentials = headers.get("authorization", "").partition(" ")
    return credentials.strip().encode() if scheme.lower() == "bearer" else b""


def _same(given: str, expected: str) -> bool:
    """Compare in constant time."""
    return hmac.compare_digest(given.encode(), expected.encode())
