"""Signs what is sent to a webhook, so that whoever receives it knows that it is ours, whole, and new.

Source: the specification "Standard Webhooks" (headers webhook-id, webhook-timestamp, webhook-signature; HMAC-SHA256 of
`id.timestamp.body`, in base64, marked `v1,`). Its libraries verify it in most languages.
"""

import base64
import binascii
import hashlib
import hmac

from headgate.ports.errors import Permanent

PREFIX = "whsec_"
KEY_MIN_BYTES = 16


def signature(secret: str, message: str, at: float, body: bytes) -> dict[str, str]:
    """The three headers. `message` names the message, `at` is when it is sent (seconds since the epoch).

    `secret` with the prefix `whsec_` is base64, any other is taken as it is. Raises Permanent for one that is no key.
    """
    stamp = str(int(at))
    signed = hmac.new(_key(secret), f"{message}.{stamp}.".encode() + body, hashlib.sha256).digest()
    return {
        "webhook-id": message,
        "webhook-timestamp": stamp,
        "webhook-signature": f"v1,{base64.b64encode(signed).decode()}",
    }


def _key(secret: str) -> bytes:
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX)) if secret.startswith(PREFIX) else secret.encode()
    except (ValueError, binascii.Error):
        raise Permanent(f"the webhook's secret begins with {PREFIX} and is not base64") from None
    if len(key) < KEY_MIN_BYTES:
        raise Permanent(f"the webhook's secret is too short: at least {KEY_MIN_BYTES} bytes, at random")
    return key
