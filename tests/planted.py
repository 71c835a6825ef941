"""Secrets to plant, and every form that libraries make of them: none of these may be in anything that is written."""

import base64
import html
import json
import re
import shlex
import textwrap
from collections.abc import Iterator
from email.message import EmailMessage
from urllib.parse import quote, quote_plus, urlencode
from xml.sax.saxutils import quoteattr

SECRETS = {
    "token": "pl4nted-token-9f3c",
    "urlish": "pl4nted/hidden+with&many=signs?#%41",
    "lines": "pl4nted-1st-p4rt\npl4nted 2nd-p4rt\r\npl4nted\t3rd",
    "quotes": "pl4nted'with\"quotes\\and<tags>&amp;",
    "letters": "pl\u00e4nted-s\u00eb\u010dret-\u20ac",
    "emoji": "planted-\U0001f511-key-\U0001f511",
    "cyrillic": "\u0441\u0435\u043a\u0440\u0435\u0442-\u043d\u0430-7",
    "bell": "pl4nted\x07with\x1b[31mcontrols\x7f",
    "spaces": "pl4nted words of a pass phrase",
    "windows": "C:\\new\\tools\\pl4nted",
}


def forms(secret: str) -> Iterator[str]:
    """What `secret` becomes in a message, a log line or a dump."""
    encoded = secret.encode()
    yield from (secret, repr(secret), ascii(secret), repr(encoded), repr(repr(secret)), str({"k": [secret]}))
    yield from (
        json.dumps(secret),
        json.dumps(secret, ensure_ascii=False),
        json.dumps(json.dumps({"k": secret})),
    )
    yield json.dumps(secret).replace("/", "\\/")
    yield from (quote(secret), quote(secret, safe=""), quote_plus(secret), quote(quote(secret, safe="")))
    yield from (re.sub("%..", lambda found: found[0].lower(), quote(secret)), urlencode({"k": secret}))
    yield "".join(f"%{byte:02X}" for byte in encoded)
    yield from (html.escape(secret), html.escape(secret, quote=False), quoteattr(secret))
    yield "".join(f"&#{ord(letter)};" if not letter.isalnum() else letter for letter in secret)
    yield from (encoded.hex(), encoded.hex().upper(), encoded.hex(" "), encoded.hex(":"))
    yield "".join(f"\\x{byte:02x}" for byte in encoded)
    yield from (secret.encode("unicode_escape").decode(), secret.encode("ascii", "backslashreplace").decode())
    yield from (shlex.quote(secret), encoded.decode("latin-1"), " ".join(secret.split()))
    yield "\n    ".join(textwrap.wrap(secret, 9))
    yield "\r\n".join(secret[at : at + 7] for at in range(0, len(secret), 7))
    for before in ("", "u", "us", "user:"):
        for after in ("", "x", ":yz"):
            pair = f"{before}{secret}{after}".encode()
            for coded in (base64.b64encode(pair).decode(), base64.urlsafe_b64encode(pair).decode()):
                yield from (f"Basic {coded}", quote(coded, safe=""), json.dumps({"authorization": coded}))
    yield base64.encodebytes((secret * 5).encode()).decode()
    mail = EmailMessage()
    mail.set_content(secret, cte="base64")
    yield mail.as_string()


def traces(secret: str, text: str) -> list[str]:
    """Which parts of `secret` are left in `text`: any six letters of it, or eight of its base64 or hex."""
    encoded = secret.encode()
    found = [secret[at : at + 6] for at in range(len(secret) - 5) if secret[at : at + 6] in text]
    for offset in range(3):
        coded = base64.b64encode(b"\0" * offset + encoded).decode()[
            -(-8 * offset // 6) : 8 * (offset + len(encoded)) // 6
        ]
        flat = "".join(text.split()).translate(str.maketrans("-_", "+/"))
        found += [coded[at : at + 8] for at in range(len(coded) - 7) if coded[at : at + 8] in flat]
    digits = encoded.hex()
    return found + [
        digits[at : at + 12] for at in range(0, len(digits) - 11, 2) if digits[at : at + 12] in text.lower()
    ]
