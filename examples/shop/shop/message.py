"""HTTP/1.1 messages: bytes to `Request`, `Response` to bytes. No I/O."""

import json
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

HEAD_BYTES_MAX = 16 * 1024
BODY_BYTES_MAX = 64 * 1024

_END_OF_HEAD = b"\r\n\r\n"


class RefusedError(Exception):
    """The request cannot be served as it was sent; `status` says why (400 to 499, or 501)."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Request:
    """One whole request. `path` is decoded and has no query; header names are in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    keep_alive: bool

    def json(self) -> dict[str, Any]:
        """The body as a JSON object; raises `RefusedError` (400) for anything else."""
        try:
            value = json.loads(self.body or b"{}")
        except ValueError as error:
            raise RefusedError(400, f"the body is not JSON: {error}") from None
        if not isinstance(value, dict):
            raise RefusedError(400, "the body must be a JSON object")
        return value


@dataclass(frozen=True, slots=True)
class Response:
    """An answer. `headers` come on top of those that every answer has."""

    status: int
    body: bytes
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)

    def render(self, *, keep_alive: bool, with_body: bool = True) -> bytes:
        """The bytes to send; `with_body=False` answers a HEAD request."""
        head = [
            f"HTTP/1.1 {self.status} {HTTPStatus(self.status).phrase}",
            f"content-type: {self.content_type}",
            f"content-length: {len(self.body)}",
            f"connection: {'keep-alive' if keep_alive else 'close'}",
            *(f"{name}: {value}" for name, value in self.headers.items()),
        ]
        return "\r\n".join(head).encode("latin-1") + _END_OF_HEAD + (self.body if with_body else b"")


def as_json(value: object, status: int = 200) -> Response:
    """`value` as a JSON answer."""
    return Response(status, json.dumps(value, separators=(",", ":")).encode())


def take_request(buffer: bytearray) -> Request | None:
    """Remove one whole request from the front of `buffer`; None while it is not all there. Raises `RefusedError`."""
    end = buffer.find(_END_OF_HEAD)
    if end > HEAD_BYTES_MAX or (end < 0 and len(buffer) > HEAD_BYTES_MAX):
        raise RefusedError(431, f"the head of a request has at most {HEAD_BYTES_MAX} bytes")
    if end < 0:
        return None
    first, *lines = bytes(buffer[:end]).decode("latin-1").split("\r\n")
    method, path, version = _request_line(first)
    headers = _headers(lines)
    length = _content_length(headers)
    start = end + len(_END_OF_HEAD)
    if len(buffer) < start + length:
        return None
    body = bytes(buffer[start : start + length])
    del buffer[: start + length]
    return Request(method, path, headers, body, _keeps_alive(version, headers))


def _request_line(line: str) -> tuple[str, str, str]:
    parts = line.split(" ")
    if len(parts) != 3 or not parts[2].startswith("HTTP/1."):
        raise RefusedError(400, "not an HTTP/1 request line")
    return parts[0], unquote(parts[1].partition("?")[0]), parts[2]


def _headers(lines: list[str]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not name or name != name.strip():
            raise RefusedError(400, "a header line is not `name: value`")
        key = name.lower()
        if key == "content-length" and key in headers:
            raise RefusedError(400, "content-length is given twice")
        headers[key] = value.strip()
    return headers


def _content_length(headers: dict[str, str]) -> int:
    if "transfer-encoding" in headers:
        raise RefusedError(501, "send a content-length: transfer encodings are not understood here")
    text = headers.get("content-length", "0")
    if not (text.isascii() and text.isdigit()):
        raise RefusedError(400, "content-length is not a number")
    if int(text) > BODY_BYTES_MAX:
        raise RefusedError(413, f"a body has at most {BODY_BYTES_MAX} bytes")
    return int(text)


def _keeps_alive(version: str, headers: dict[str, str]) -> bool:
    tokens = {token.strip().lower() for token in headers.get("connection", "").split(",")}
    return "close" not in tokens if version == "HTTP/1.1" else "keep-alive" in tokens
