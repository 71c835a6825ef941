"""Whatever reads bytes that others made does work in proportion to them: each row is a parser and a kind of malice.

A new parser of foreign bytes gets a target in tests/fuzz/targets, which looks for whatever it is that breaks it; and a
row here where its work could grow faster than its input. Two sizes are compared by their best times, taken in turn, so
that a busy machine slows both: work that grows by the square would be 64 times as much at 8 times the size.
"""

import contextlib
import time
from collections.abc import Callable

import pytest
from starlette.requests import Request

from headgate.kit import json_path
from headgate.kit.novelty import fingerprint
from headgate.plugins.signals.scrape.exposition import parse
from headgate.plugins.targets.local.http_request import Reply, _Due
from headgate.plugins.targets.local.http_request import parse as parse_answer
from headgate.ports.errors import Permanent
from headgate.web.api.live import StreamQuery
from headgate.web.doors.dispatch import query_of
from headgate.web.http.problems import Problem

SMALL, FACTOR, RATIO_MAX, ROUNDS = 2000, 8, 24.0, 7


def page(line: str) -> None:
    with pytest.raises(ValueError, match="no metric"):
        parse(line.encode())


def found(text: str, names: set[str]) -> None:
    with contextlib.suppress(ValueError):
        parse(text.encode(), names)


def query(text: str) -> None:
    scope = {"type": "http", "query_string": text.encode(), "headers": [], "path": "/", "method": "GET"}
    with pytest.raises(Problem):
        query_of(Request(scope), StreamQuery)


def drip(head: bytes, size: int) -> None:
    """An answer that comes byte by byte: how often it is looked at may not grow with it."""
    due, received, looks = _Due("GET"), bytearray(head), 0
    for _ in range(size):
        received += b"\n"
        if due.now(received):
            looks += 1
            parse_answer(bytes(received), "GET", whole=False)
    assert looks < 100


def lines(text: str) -> None:
    for _ in range(20):
        fingerprint(text)


def path(text: str) -> None:
    with pytest.raises(Permanent):
        json_path.parse(text)


MALICE: dict[str, Callable[[int], None]] = {
    "a metric and spaces": lambda n: page("x" + " " * n + "x"),
    "a value and spaces": lambda n: page("x 1" + " " * n + "x"),
    "an open label": lambda n: page('x{a="' + "\\\\" * n),
    "labels without end": lambda n: page("x{" + 'a="b",' * n),
    "spaces in labels": lambda n: page("x{" + " " * n),
    "one name of two on every line": lambda n: found("a 1\n" * n, {"a", "b"}),
    "names in one line": lambda n: found("a" * n, {"a", "b"}),
    "a name at each line's end": lambda n: found("x a\n" * n, {"a", "b"}),
    "names in a query": lambda n: query("&".join(f"a{i}=1" for i in range(n))),
    "one name in a query": lambda n: query("a=1&" * n),
    "an answer that drips": lambda n: drip(b"HTTP/1.1 200 OK\r\ncontent-length: 999999\r\n\r\n", n),
    "chunks that drip": lambda n: drip(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nfffff\r\n", n),
    "a body without end": lambda n: drip(b"HTTP/1.1 200 OK\r\n\r\n", n),
    "announcements": lambda n: drip(b"HTTP/1.1 100 Continue\r\n\r\n" * 3, n),
    "a log line of names": lambda n: lines("a." * (n // 4)),
    "a log line of quotes": lambda n: lines("'\"" * (n // 4)),
    "a path of brackets": lambda n: path("$" + "['a'" * n),
}


def best(work: Callable[[int], None], size: int) -> float:
    began = time.process_time()
    work(size)
    return time.process_time() - began


@pytest.mark.parametrize("name", MALICE)
def test_work_grows_with_what_is_sent(name: str) -> None:
    work = MALICE[name]
    small, large = list[float](), list[float]()
    for _ in range(ROUNDS):
        small.append(best(work, SMALL))
        large.append(best(work, SMALL * FACTOR))
    assert min(large) < RATIO_MAX * max(min(small), 0.002), (min(small), min(large))


def test_an_answer_that_came_bit_by_bit_is_the_answer() -> None:
    whole = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nyes\r\n0\r\n\r\n"
    due, received, found = _Due("GET"), bytearray(), list[Reply]()
    for byte in whole:
        received.append(byte)
        if due.now(received) and (reply := parse_answer(bytes(received), "GET", whole=False)):
            found.append(reply)
    assert found == [Reply(200, b"yes")]
