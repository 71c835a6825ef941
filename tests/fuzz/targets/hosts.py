"""What processes of this machine answer: instances that are probed, the proxy, the other processes of a home."""

from __future__ import annotations

import io
import json
import struct
from collections.abc import Sequence
from functools import partial
from typing import Any, cast

import msgspec

from headgate.core.model import HttpCheck, JsonExpectation, Unit, Version
from headgate.ipc.frames import HEAD, Broken, framed, receive_frame
from headgate.ipc.messages import HowAreYou, Read, Refused, Report, question, reply, written
from headgate.kit import json_path
from headgate.kit.http_once import NoAnswer, ask_once
from headgate.plugins.signals import envoy
from headgate.plugins.targets.local import checks, deep_health, http_request, smoke
from headgate.plugins.targets.local.http_request import Reply, Unanswered
from headgate.plugins.traffic.envoy.admin import Admin
from headgate.ports.errors import UNREADABLE, PortError
from tests.fuzz.running import awaited
from tests.fuzz.target import Target

# --- instances -------------------------------------------------------------------------------------------------------

ANSWERS = (
    b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok",
    (
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
        b"3;a=b\r\nyes\r\n0\r\nx: y\r\n\r\n"
    ),
    b"HTTP/1.0 302 Found\r\nlocation: https://[::1]/a\r\n\r\n",
    b"\0\0\6\4\0\0\0\0\0",
)
HTTP_WORDS = (
    b"HTTP/1.1 ", b"\r\n", b"\r\n\r\n", b"content-length: ", b"transfer-encoding: chunked\r\n", b"0\r\n\r\n", b"100 ",
    b"-5", b"ffffffff", b"location: ", b"connection: close\r\n",
)  # fmt: skip
CHECK = HttpCheck(
    path="/health",
    method="GET",
    contains="ok",
    json=(JsonExpectation("$.a[0].b", 1), JsonExpectation("$['c']", "d")),
)


def answers(method: str, data: bytes) -> None:
    """An answer as it comes, in two parts, looked at as the target does; and what a redirect in it leads to."""
    due, received = http_request._Due(method), bytearray()
    found: Reply | None = None
    for part in (data[: len(data) // 2], data[len(data) // 2 :]):
        received += part
        if found is None and due.now(received):
            found = http_request.parse(bytes(received), method, whole=False)
    found = found or http_request.parse(bytes(received), method, whole=True)
    assert found is not None
    assert len(found.body) <= http_request.BODY_BYTES_MAX
    checks.objection("GET", "/health", {}, "127.0.0.1:80", found.status, found.location)


def bodies(data: bytes) -> None:
    """A health answer, what a check makes of it, and what a smoke test saves."""
    msgspec.json.encode(deep_health.findings(data, "readiness"))
    msgspec.json.encode(checks._objection(CHECK, Reply(200, data), "127.0.0.1:80"))
    for location in (data[:300].decode("latin-1"), data[:300].decode(errors="replace")):
        checks.objection("GET", "/", {}, "127.0.0.1:80", 302, location)
    try:
        saved = smoke._save({"id": "$.a[0].b"}, data)
        asked = smoke.filled(HttpCheck(path="/{id}", body='{"a": "{id}"}'), saved)
    except (*UNREADABLE, json_path.Missing, PortError):
        return
    asked.path.encode()
    asked.body.encode()


# --- the proxy -------------------------------------------------------------------------------------------------------

STATS = {
    "stats": [
        {"name": envoy._FLUSHES, "value": 0},
        {"name": "cluster.a.upstream_rq_total", "value": 7},
        {"name": "cluster.a.upstream_rq_completed", "value": 7},
        {
            "histograms": [
                {"name": "cluster.a.upstream_rq_time", "buckets": [{"upper_bound": 1, "cumulative": 3}]},
            ]
        },
    ]
}
CLUSTERS = {
    "cluster_statuses": [
        {
            "name": "a",
            "host_statuses": [
                {
                    "address": {"socket_address": {"address": "127.0.0.1", "port_value": 1}},
                    "stats": [{"name": "rq_success", "value": "7"}, {"name": "rq_error"}],
                }
            ],
        }
    ]
}


class Connected:
    """A connection on which these bytes come, and nothing more."""

    def __init__(self, received: bytes) -> None:
        self._left = io.BytesIO(received)
        self.recv_into = self._left.readinto
        self.close = self._left.close

    def sendall(self, asked: bytes) -> None:
        """Whatever is asked."""

    def gettimeout(self) -> float | None:
        return None

    def settimeout(self, seconds: float) -> None:
        """Nothing is waited for."""


def once(data: bytes) -> None:
    """What the door, Envoy, supervisord and instances answer to one request."""
    ask_once(
        cast("Any", Connected(data)),
        "GET",
        "/",
        within_s=60.0,
        max_bytes=http_request.BODY_BYTES_MAX,
    )


class Answering(Admin):
    """An admin interface that always says the same."""

    def __init__(self, said: bytes) -> None:
        self._said = said

    async def get(self, target: str) -> bytes:
        """See Admin."""
        return self._said


def statistics(data: bytes) -> None:
    """Counters, clusters and subscriptions, each as these bytes."""
    version = Version(Unit("shop", "production", "web"), "a" * 64, "b" * 64)
    last: PortError | None = None

    async def fetch(path: str) -> bytes:
        return (
            data
            if path == envoy._STATS or not data.startswith(b'{"stats"')
            else json.dumps(CLUSTERS).encode()
        )

    async def clusters(path: str) -> bytes:
        return json.dumps(STATS).encode() if path == envoy._STATS else data

    for work in (
        lambda: Answering(data).stats("a"),
        lambda: envoy.EnvoySignals(fetch, lambda _: "a").read(version),
        lambda: envoy.EnvoySignals(clusters, lambda _: "a").read(version),
    ):
        try:
            awaited(cast("Any", work()))
        except PortError as error:
            last = error
    if last is not None:
        raise last


# --- the other processes of a home -----------------------------------------------------------------------------------


class Wire:
    """A socket on which these bytes came, a few at a time."""

    def __init__(self, received: bytes) -> None:
        self._left = memoryview(received)

    def recv(self, size: int) -> bytes:
        part, self._left = bytes(self._left[: min(size, 65_536)]), self._left[min(size, 65_536) :]
        return part


def frames(data: bytes) -> None:
    """Frames one after another, each a question or a reply."""
    wire: Any = Wire(data)
    while True:
        content = receive_frame(wire)
        for read in (question, reply):
            try:
                read(content)
            except ValueError:
                continue


def messages(data: bytes) -> None:
    """The content of one frame."""
    try:
        question(data)
    except ValueError:
        reply(data)


def some_messages() -> Sequence[bytes]:
    version = Version(Unit("shop", "production", "web"), "a" * 64, "b" * 64)
    sent = (HowAreYou(), Report({"a": "b"}), Read(None, version, "host"), Refused("unknown", "no"))
    return [written(cast("Any", one)) for one in sent]


def some_frames() -> Sequence[bytes]:
    return (b"".join(map(framed, some_messages())), HEAD.pack(2**32 - 1) + b"x", struct.pack(">I", 0))


_SMALL = "an empty list or object is three bytes of JSON and 64 or more of Python"

TARGETS = (
    *(
        Target(
            f"http-answer-{method.lower()}", partial(answers, method), (Unanswered,),
            ("plugins/targets/local/http_request", "plugins/targets/local/checks"), lambda: ANSWERS, HTTP_WORDS,
            ms_per_mb=HTTP_MS_PER_MB,
            memory_times=30,
            because="http.client copies, and reads chunks one by one: a head has 64 KiB at most, a body a megabyte",
        )
        for method, HTTP_MS_PER_MB in (("GET", 3000.0), ("HEAD", 3000.0))
    ),
    Target(
        "health-answer", bodies, (),
        tuple(f"plugins/targets/local/{name}" for name in ("deep_health", "checks", "smoke")),
        lambda: [
            b'{"status":"UP","components":{"db":{"status":"DOWN","details":{"e":"x"}},"q":"ok"},"a":[{"b":1}],"c":"d"}',
            b'{"status":"pass","checks":{"db:time":[{"status":"fail","output":"x","critical":false}]}}',
            b'{"checks":[{"name":"a","status":true}]}', b"//[::1", b"https://127.0.0.1:99999/",
        ],
        ms_per_mb=300.0, memory_times=90, because=f"three readers; {_SMALL}, and a body has a megabyte at most",
    ),
    Target(
        "http-once", once, (NoAnswer,), ("kit/http_once",), lambda: ANSWERS, HTTP_WORDS, ms_per_mb=3000.0,
        memory_times=60, because="http.client reads chunks one by one, and a header is an object; there are 100",
    ),
    Target(
        "envoy-statistics", statistics, (PortError,), ("plugins/signals/envoy", "plugins/traffic/envoy/admin"),
        lambda: [msgspec.json.encode(STATS), msgspec.json.encode(CLUSTERS)], (b'"stats"', b'"histograms"', b"cluster."),
        ms_per_mb=2000.0, memory_times=120, because=f"read four times over; {_SMALL}",
    ),
    Target("frames", frames, (Broken,), ("ipc/frames", "ipc/messages"), some_frames, (b"\0\0\0\x02{}",),
           ms_per_mb=4000.0, memory_times=60, because="a frame may be of one byte"),
    Target("messages", messages, (ValueError,), ("ipc/messages",), some_messages, memory_times=60, because=_SMALL),
)  # fmt: skip
