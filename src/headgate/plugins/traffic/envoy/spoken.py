"""What an instance speaks, found by asking it: HTTP/2 without TLS by its preface, HTTP/1.1 by a request for nothing.

A server of HTTP/1.1 answers the preface as any request that it cannot read (400 or 505), or hangs up: nothing of the
application hears of it. A server of HTTP/2 must answer with its SETTINGS (RFC 9113, section 3.4).
"""

import asyncio
import contextlib
import re
from typing import Literal

from headgate.core.model import UpstreamProtocol

Spoken = Literal["", "http1", "h2c", "both", "unknown"]
"""Empty: nobody was there to be asked."""

WITHIN_S = 5.0
"""An instance that says nothing for so long is taken to wait for a request of HTTP/1.1. Servers that speak answer at
once, but for a loaded machine; and what is found out here holds for as long as the version lives."""

BOTH_WITHIN_S = 1.0
"""Whoever speaks HTTP/2 may be spoken to so in any case: that he speaks HTTP/1.1 as well is not waited for."""

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes((0, 0, 0, 4, 0, 0, 0, 0, 0))
_FRAME_HEAD_BYTES, _KIND_AT, _SETTINGS = 9, 3, 4
_NOTHING = b"OPTIONS * HTTP/1.1\r\nHost: localhost\r\nUser-Agent: headgate-probe\r\nConnection: close\r\n\r\n"
_STATUS_BYTES = len("HTTP/1.1 200")
_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})")
_ANOTHER_PROTOCOL = (b"400", b"403", b"415", b"426", b"464", b"505")
"""What servers that speak HTTP/2 only answer to HTTP/1.1, where they answer at all."""

_ONLY = {"http1": "HTTP/1.1", "h2c": "HTTP/2 without TLS (as gRPC does)"}


async def spoken_at(address: str) -> Spoken:
    """What the instance at `address` speaks."""
    answered = await _answer(address, PREFACE, WITHIN_S)
    if answered is None:
        return ""
    if not _is_http2(answered):
        return "http1" if _STATUS.match(answered) else "unknown"
    other = _STATUS.match(await _answer(address, _NOTHING, BOTH_WITHIN_S) or b"")
    return "both" if other is not None and other[1] not in _ANOTHER_PROTOCOL else "h2c"


def objection(declared: UpstreamProtocol, spoken: Spoken) -> str:
    """Why instances cannot be spoken to as declared; empty: they can, or nobody knows."""
    if declared == "auto" or spoken not in _ONLY or declared == spoken:
        return ""
    return (
        f"the application speaks only {_ONLY[spoken]}, and `proxy.protocol: {declared}` asks for {_ONLY[declared]}: "
        f"write `protocol: {spoken}`, or leave it out"
    )


def _is_http2(answered: bytes) -> bool:
    return (
        len(answered) >= _FRAME_HEAD_BYTES
        and answered[_KIND_AT] == _SETTINGS
        and not any(answered[_KIND_AT + 2 : _FRAME_HEAD_BYTES])
    )


async def _answer(address: str, sent: bytes, within_s: float) -> bytes | None:
    """The beginning of what is answered, perhaps nothing; None where no connection is made."""
    host, _, port = address.rpartition(":")
    try:
        async with asyncio.timeout(within_s):
            reader, writer = await asyncio.open_connection(host.strip("[]"), int(port))
    except OSError:  # TimeoutError is one, too
        return None
    received = b""
    try:
        async with asyncio.timeout(within_s):
            writer.write(sent)
            while not (_is_http2(received) or len(received) >= _STATUS_BYTES):
                chunk = await reader.read(1024)
                received += chunk
                if not chunk:
                    break
    except OSError:
        return received  # it hung up, or says no more: what came until then is what it has to say
    finally:
        writer.transport.abort()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
    return received
