"""A signed webhook: one POST a message, in JSON, for whatever you run yourself.

Headers and signature as in the specification "Standard Webhooks" (`kit.signature`); the body has its recommended
shape: `type` (`release.rolled_back`), `timestamp` (ISO 8601) and `data`. `webhook-id` is the message's identity: it is
the same each time the same message is sent, and `idempotency-key` says it again. `data.thread` is the same for every
message of a release.
"""

import hashlib
import re
from datetime import UTC, datetime
from typing import Any

import msgspec

from headgate.core.model import SecretSource
from headgate.kit.signature import signature
from headgate.ports.errors import Permanent
from headgate.ports.notifier import Message
from headgate.ports.registry import settings_of
from headgate.ports.secrets import read_secret
from headgate.ports.web import Request
from headgate.ports.wires import Wires

SIGNATURE = "webhook-signature"
TIMEOUT_S = 10.0
_PARTS = re.compile(r"[/?&=]")


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`secret` signs (`whsec_...`, or any 16 characters or more).

    While it is being changed, `secret_before` signs too: whoever still has the old one can verify. A `url` that holds a
    token of its own is named like a secret.
    """

    url: str | SecretSource
    secret: SecretSource
    secret_before: SecretSource | None = None


class WebhookNotifier:
    """One address."""

    def __init__(self, wires: Wires, settings: Settings) -> None:
        if wires.web is None:
            raise Permanent(f"{wires.name or 'the webhook'} needs the web, which it was not given")
        self._web = wires.web
        self._settings = settings
        self._now = wires.now

    async def send(self, message: Message, thread: str) -> str:
        """See Notifier. The thread is the identity of the release's first message."""
        name = identity(message.key)
        thread = thread or name
        settings = self._settings
        body = msgspec.json.encode(_content(message, thread))
        secrets = [read_secret(one) for one in (settings.secret, settings.secret_before) if one is not None]
        signed = [signature(secret, name, self._now(), body) for secret in secrets]
        headers = {
            "content-type": "application/json",
            "idempotency-key": name,
            **signed[0],
            SIGNATURE: " ".join(one[SIGNATURE] for one in signed),
        }
        url = settings.url
        if isinstance(url, SecretSource):
            url = read_secret(url)
            secrets += [url, *_PARTS.split(url)[3:]]
        struck = tuple(secret for secret in secrets if secret)
        # Whoever queued it tries again, and knows better than we how long.
        await self._web.ask(
            Request("POST", url, headers, body, timeout_s=TIMEOUT_S, retry=False, secrets=struck)
        )
        return thread


def identity(key: str) -> str:
    """A message's key as a `webhook-id`: without dots, which separate what is signed."""
    return f"msg_{hashlib.sha256(key.encode()).hexdigest()[:32]}"


def _content(message: Message, thread: str) -> dict[str, Any]:
    at = datetime.fromtimestamp(message.at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {
        "type": f"release.{message.moment}",
        "timestamp": at,
        "data": {
            "thread": thread,
            "release": message.release,
            "moment": message.moment,
            "severity": message.severity,
            "title": message.title,
            "lines": message.lines,
            "facts": dict(message.facts),
            "link": message.link,
        },
    }


def create(wires: Wires) -> WebhookNotifier:
    """The webhook that the settings name."""
    return WebhookNotifier(wires, settings_of(wires, Settings))
