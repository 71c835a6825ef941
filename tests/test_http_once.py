"""One request, one answer: whole, in time and of an allowed size, or none at all. Over real sockets."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Sequence

import pytest

from headgate.kit.http_once import Answer, NoAnswer, ask_once

OK = b"HTTP/1.1 200 OK\r\n"
MAX_BYTES = 1000


def answered(
    pieces: Sequence[bytes],
    *,
    every_s: float = 0.0,
    within_s: float = 30.0,
    pause_s: float = 30.0,
    hang: bool = False,
) -> tuple[Answer, bytes]:
    """What comes of these pieces, sent one by one, and what was asked; `hang` leaves the connection open."""
    ours, theirs = socket.socketpair()
    ours.settimeout(pause_s)
    heard = bytearray()

    def serve() -> None:
        while not heard.endswith(b"\r\n\r\n{}"):
            heard.extend(theirs.recv(65536))
        with contextlib.suppress(OSError):  # whoever has asked has heard enough
            for piece in pieces:
                theirs.sendall(piece)
                time.sleep(every_s)
            if not hang:
                theirs.shutdown(socket.SHUT_WR)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        with theirs:
            found = ask_once(
                ours, "POST", "/a?b=c", b"{}", {"x-who": "ada"}, within_s=within_s, max_bytes=MAX_BYTES
            )
            thread.join()
            return found, bytes(heard)
    finally:
        thread.join()
        assert ours.fileno() < 0, "the connection has ended, whatever came of it"


def test_an_answer_is_its_status_and_body() -> None:
    found, heard = answered([OK, b"content-length: 2\r\n\r\n", b"ok"], hang=True)
    assert found == (200, b"ok")
    assert heard.startswith(b"POST /a?b=c HTTP/1.1\r\nHost: headgate\r\n")
    assert b"x-who: ada\r\n" in heard
    chunked = [
        b"HTTP/1.1 100 Continue\r\n\r\n",
        OK,
        b"transfer-encoding: chunked\r\n\r\n3\r\nyes\r\n0\r\n\r\n",
    ]
    assert answered(chunked, hang=True)[0] == (200, b"yes")
    assert answered([b"HTTP/1.0 200 OK\r\n\r\nto the end"])[0] == (200, b"to the end")


def test_a_redirect_and_a_refusal_are_answers() -> None:
    assert answered([b"HTTP/1.1 302 Found\r\nlocation: /b\r\ncontent-length: 0\r\n\r\n"])[0] == (302, b"")
    assert answered([b"HTTP/1.1 503 No\r\ncontent-length: 4\r\n\r\nlate"])[0] == (503, b"late")


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (b"", "closed connection"),
        (b"\0\0\6\4\0\0\0\0\0", "\0"),
        (OK + b"content-length: 9\r\n\r\nshort", "broke off"),
        (OK + b"transfer-encoding: chunked\r\n\r\n9\r\nshort", "Incomplete"),
        (OK + b"transfer-encoding: chunked\r\n\r\nzz\r\n", "Incomplete"),
        (OK + b"\r\n" + b"x" * (MAX_BYTES + 1), "larger than 1000 bytes"),
        (OK + b"content-length: 1001\r\n\r\n" + b"x" * (MAX_BYTES + 1), "larger than 1000 bytes"),
        (OK + b"a: b\r\n" * 1000, "more than 100 headers"),
        (OK + b"a" * 100_000, "header line"),
    ],
)
def test_what_is_no_whole_answer_is_none(answer: bytes, why: str) -> None:
    with pytest.raises(NoAnswer, match=why):
        answered([answer])


@pytest.mark.parametrize("begin", [OK, OK + b"content-length: 900\r\n\r\n"])
def test_who_sends_bit_by_bit_has_no_more_time(begin: bytes) -> None:
    began = time.monotonic()
    with pytest.raises(NoAnswer, match="timed out"):
        answered([begin, *[b"a"] * 50], every_s=0.05, within_s=0.3)
    assert time.monotonic() - began < 30


def test_nor_who_says_nothing() -> None:
    with pytest.raises(NoAnswer, match="timed out"):
        answered([], hang=True, pause_s=0.1)


@pytest.mark.parametrize("target", ["/a b", "/a\r\nx: y", "/\u00e4"])
def test_what_would_not_be_one_request_is_not_sent(target: str) -> None:
    ours, theirs = socket.socketpair()
    with theirs, pytest.raises(NoAnswer):
        ask_once(ours, "GET", target, within_s=1.0, max_bytes=MAX_BYTES)
    assert ours.fileno() < 0
