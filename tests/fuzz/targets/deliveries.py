"""What others send to us: hooks, telemetry, and requests as the front door parses them."""

from __future__ import annotations

import contextlib
import hashlib
import zlib
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, cast

import msgspec
from google.protobuf import json_format
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from starlette.requests import Request

from headgate.core.home.facts import HookAdded
from headgate.core.model import Vendor
from headgate.core.release.submission import Submission
from headgate.judge import Judge
from headgate.ledger.memory import MemoryLedger
from headgate.plugins.vendors.otlp import inbox, protocol
from headgate.ports.errors import UNREADABLE, PortError
from headgate.ports.receiver import Delivery
from headgate.web.api.live import StreamQuery
from headgate.web.api.records import VerdictsQuery
from headgate.web.doors.dispatch import _decoded, query_of, read_body
from headgate.web.doors.front_door import FrontDoor
from headgate.web.doors.tokens import HomeBook
from headgate.web.hooks import alerts, git, news, proofs
from headgate.web.http.connections import _beyond
from headgate.web.http.endpoint import Reply
from headgate.web.http.idempotency import Keys
from headgate.web.http.problems import Problem
from headgate.web.http.receiving import Refused, _gunzip, place
from headgate.web.judge_server import Bench, Desk
from headgate.web.pages import way_back
from headgate.web.pages.signing_in import fields
from tests.fuzz.running import NOW, awaited
from tests.fuzz.target import Target
from tests.web import payloads

# --- hooks -----------------------------------------------------------------------------------------------------------

NEWS: dict[Vendor, tuple[object, ...]] = {
    "github": (payloads.github_push(), payloads.github_push("refs/tags/v1"), payloads.github_merge()),
    "gitea": (payloads.gitea_push(),),
    "gitlab": (payloads.gitlab_push(), payloads.gitlab_tag(), payloads.gitlab_merge()),
    "bitbucket": (payloads.bitbucket_push(), payloads.bitbucket_push(None), payloads.bitbucket_merge()),
}
EVENTS: dict[Vendor, list[str]] = {
    vendor: [event for one, event in git._READERS if one == vendor] for vendor in NEWS
}
VENDORS: tuple[Vendor, ...] = (*NEWS, "alertmanager")
HEADERS = sorted({*proofs.PROOFS, "webhook-id", "webhook-timestamp", "content-type"})


def git_news(vendor: Vendor, data: bytes) -> None:
    """Each event that means something, and one that does not."""
    for event in (*EVENTS[vendor], "ping"):
        try:
            git.read(vendor, event, data)
        except Problem:
            if event == "ping":
                raise


def delivered(data: bytes) -> None:
    """Whether a delivery (a head of lines `name: value`, and a body) is proven, and what is in it."""
    head, _, body = data.partition(b"\n\n")
    lines = [line.partition(":") for line in head.decode("latin-1").splitlines()]
    headers = {name.strip().lower(): value.strip() for name, _, value in lines}
    sent = proofs.Sent(headers, body)
    for vendor in VENDORS:
        added = HookAdded(
            at=0.0, by="ada", hook="h", vendor=vendor, does="note", digest="0" * 64,
            environments=("production",),
        )  # fmt: skip
        proofs.proven(added, "whsec_c2VjcmV0", sent, NOW)
        sent.first(proofs.EVENTS[vendor] + proofs.DELIVERIES[vendor])
    news.content(headers.get("content-type", ""), body)


# --- telemetry -------------------------------------------------------------------------------------------------------

RESOURCE = {
    "attributes": [
        {"key": "service.name", "value": {"stringValue": "web"}},
        {"key": "service.version", "value": {"stringValue": "a" * 12}},
        {"key": "deployment.environment.name", "value": {"stringValue": "production"}},
    ]
}
METRIC = "http.server.request.duration"
SENT: dict[str, tuple[type[Any], dict[str, Any]]] = {
    protocol.METRICS: (
        ExportMetricsServiceRequest,
        {
            "resourceMetrics": [
                {
                    "resource": RESOURCE,
                    "scopeMetrics": [
                        {
                            "metrics": [
                                {
                                    "name": METRIC,
                                    "unit": "s",
                                    "histogram": {
                                        "aggregationTemporality": 2,
                                        "dataPoints": [
                                            {
                                                "startTimeUnixNano": "1",
                                                "timeUnixNano": "5",
                                                "count": "3",
                                                "bucketCounts": ["1", "2", "0"],
                                                "explicitBounds": [0.1, 0.5],
                                            }
                                        ],
                                    },
                                },
                                {
                                    "name": METRIC,
                                    "unit": "ms",
                                    "exponentialHistogram": {
                                        "aggregationTemporality": 1,
                                        "dataPoints": [
                                            {
                                                "timeUnixNano": "5",
                                                "count": "3",
                                                "scale": 3,
                                                "zeroCount": "1",
                                                "positive": {"offset": -2, "bucketCounts": ["1", "1"]},
                                            }
                                        ],
                                    },
                                },
                                {
                                    "name": METRIC,
                                    "sum": {
                                        "isMonotonic": True,
                                        "aggregationTemporality": 2,
                                        "dataPoints": [
                                            {"timeUnixNano": "5", "asInt": "7"},
                                            {"asDouble": 1.0},
                                        ],
                                    },
                                },
                            ]
                        }
                    ],
                }
            ]
        },
    ),
    protocol.TRACES: (
        ExportTraceServiceRequest,
        {
            "resourceSpans": [
                {
                    "resource": RESOURCE,
                    "scopeSpans": [
                        {
                            "spans": [
                                {
                                    "traceId": "AAAAAAAAAAAAAAAAAAAAAQ==",
                                    "spanId": "AAAAAAAAAAE=",
                                    "parentSpanId": "AAAAAAAAAAI=",
                                    "kind": kind,
                                    "name": "GET /",
                                    "startTimeUnixNano": "1",
                                    "endTimeUnixNano": "5",
                                    "status": {"code": 2},
                                    "attributes": [
                                        {"key": "url.full", "value": {"stringValue": "http://[::1]:80/a"}},
                                        {"key": "http.response.status_code", "value": {"intValue": "500"}},
                                    ],
                                }
                                for kind in (2, 3)
                            ]
                        }
                    ],
                }
            ]
        },
    ),
    protocol.LOGS: (
        ExportLogsServiceRequest,
        {
            "resourceLogs": [
                {
                    "resource": RESOURCE,
                    "scopeLogs": [{"logRecords": [{"severityNumber": 17}, {"severityText": "error"}]}],
                }
            ]
        },
    ),
}


def telemetry(path: str, content_type: str, data: bytes) -> None:
    """A delivery decoded, counted, and answered."""
    received = inbox.Inbox(lambda: NOW)
    received.attend(METRIC, 1.0)
    batch = inbox._read(Delivery(path, content_type, data), frozenset({METRIC}))
    awaited(received._count(batch, inbox._MEASURES[path]))
    for name in received.names():
        found = awaited(received.known(name))
        for column in found.tallies if found else ():
            assert found is not None
            found.arm(column)
    protocol.accepted(path, content_type, batch.rejected, batch.why)


def sent(path: str, content_type: str) -> Sequence[bytes]:
    kind, document = SENT[path]
    if content_type == protocol.JSON:
        return (msgspec.json.encode(document),)
    return (json_format.ParseDict(document, kind()).SerializeToString(),)


def otlp(path: str, content_type: str) -> Target:
    form = content_type.rpartition("/")[2].removeprefix("x-")
    modules = tuple(
        f"plugins/vendors/otlp/{name}"
        for name in (
            "protocol",
            "metrics",
            "spans",
            "resource",
            "inbox",
            "spread",
            "streams",
            "book",
        )
    )
    seeds: Callable[[], Sequence[bytes]] = partial(sent, path, content_type)
    return Target(
        f"otlp-{path.rpartition('/')[2]}-{form}", partial(telemetry, path, content_type), (protocol.Malformed,),
        modules, seeds,
        ms_per_mb=OTLP_MS_PER_MB[content_type], memory_times=60,
        because="one delivery is decoded at a time, in a thread of the relay; points and spans are counted to 20,000",
    )  # fmt: skip


OTLP_MS_PER_MB = {protocol.JSON: 1500.0, protocol.PROTOBUF: 1000.0}


def unpacked(data: bytes) -> None:
    """A delivery that says that it is gzip, and where it says to listen."""
    _gunzip(bytearray(data))


def address(data: bytes) -> None:
    place(data.decode(errors="replace"))


def packed() -> Sequence[bytes]:
    def gzip(content: bytes) -> bytes:
        made = zlib.compressobj(wbits=31)
        return made.compress(content) + made.flush()

    return gzip(b"hello" * 10), gzip(b"a") + gzip(b"b"), gzip(bytes(100_000))


INTERVALS = (
    '{"at":1,"stable":{"requests":10,"errors":0},"canary":{"requests":10,"errors":1}}',
    (
        '[{"at":1,"stable":{"requests":10,"errors":0,"latency_ms":{"le":[1,2],"count":[1,5]},"means":{"m":{"sum":1,"n":2}}}'
        ',"canary":{"requests":10,"errors":1,"instances":[{"requests":3}]},"weight":5},{"at":2}]'
    ),
)
KAYENTA = (
    '{"canaryConfig":{"metrics":[{"name":"a","groups":["g"],"analysisConfigurations":{"canary":{"direction":"increase"}}}],'
    '"classifier":{"groupWeights":{"g":100}}},"scoreThresholds":{"pass":75,"marginal":50},'
    '"metricSetPairList":[{"name":"a","id":"1","values":{"control":[1,"NaN",null,2],"experiment":[2,1,3]}}]}'
)

# --- the front door --------------------------------------------------------------------------------------------------

REQUEST = b"""GET /v1/releases/r1/verdicts?after=3&limit=10
authorization: Bearer hg_abc
cookie: headgate=abc; a="b\\054c"
content-type: application/json
content-length: 2
idempotency-key: "k1"
if-none-match: W/"a", "b"
x-forwarded-for: 10.0.0.1, 10.0.0.2
forwarded: for="[::1]:80";proto=https
host: [::1]:443

a=b&c=%C3%A4&token=x"""


def scoped(data: bytes) -> Request:
    """A request as the server hands it on: a line, headers, an empty line, a body."""
    head, _, body = data.partition(b"\n\n")
    first, *lines = head.split(b"\n")
    method, _, target = first.partition(b" ")
    path, _, query = target.partition(b"?")
    pairs = [line.partition(b":") for line in lines]

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    scope = {
        "type": "http",
        "method": method.decode("latin-1"),
        "path": path.decode(errors="replace") or "/",
        "raw_path": path,
        "query_string": query,
        "headers": [(name.strip().lower(), value.strip()) for name, _, value in pairs if name.strip()],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
        "scheme": "http",
    }
    return Request(scope, receive)


def asked(data: bytes) -> None:
    """Who asks, what for, and with which key: each refused by itself."""
    request = scoped(data)
    if _beyond(cast("Any", request.scope)) is not None:
        return
    door = FrontDoor(HomeBook(MemoryLedger()), lambda: NOW)
    door.session(request)
    for work in (door.identify(request), read_body(request), fields(scoped(data)), once(request)):
        try:
            awaited(cast("Any", work))
        except Problem as problem:
            problem.response()
    _ = (request.url.path, request.url.query, request.url.hostname, request.cookies)
    assert way_back.safe(way_back.asked(request)) == way_back.asked(request)
    way_back.wanted(request)
    for kind in (StreamQuery, VerdictsQuery):
        query_of(request, kind)


async def once(request: Request) -> None:
    async def act() -> Reply:
        return Reply(None)

    key = request.headers.get("idempotency-key", "")
    digest = hashlib.sha256(request.url.path.encode()).hexdigest()
    await Keys().once(("door:ada", "steer", key), digest, act)


def bodies(data: bytes) -> None:
    """What the API takes, by the largest of its types."""
    _decoded(data, Submission)


def judged(data: bytes) -> None:
    """A body that is sent to `headgate judge --serve`, the place before it."""
    place, _, body = data.partition(b"\n")
    desk = Desk(Bench(Judge))
    kind, _, name = place.decode(errors="replace").partition("/")
    works = {"intervals": desk.intervals, "flagger": desk.flagger, "judge": desk.arrays}
    with contextlib.suppress(*UNREADABLE):
        works.get(kind, desk.intervals)(name, body)


def posted(place: str, *documents: str) -> list[bytes]:
    return [f"{place}\n{one}".encode() for one in documents]


def wishes() -> Sequence[bytes]:
    from tests.controller.house import ONE, wish  # noqa: PLC0415 - the simulation's house, for a seed

    return (msgspec.json.encode(wish(ONE)),)


TARGETS = (
    *(
        Target(
            f"hook-{vendor}", partial(git_news, vendor), (Problem,), ("web/hooks/git", "web/hooks/news"),
            partial(lambda found: [msgspec.json.encode(one) for one in found], NEWS[vendor]),
            ms_per_mb=100.0 * (len(EVENTS[vendor]) + 1),
            because="every event is read, where a delivery is one", memory_times=60,
        )
        for vendor in NEWS
    ),
    Target(
        "hook-alertmanager", alerts.read, (Problem,), ("web/hooks/alerts", "web/hooks/news"),
        lambda: [msgspec.json.encode(payloads.group(payloads.alert(), payloads.over(payloads.alert())))],
        memory_times=60, because="alerts are objects with labels; a body has 4 MiB at most",
    ),
    Target(
        "hook-delivery", delivered, (Problem,), ("web/hooks/proofs", "web/hooks/news"),
        lambda: [
            b"content-type: application/x-www-form-urlencoded\nx-hub-signature-256: sha256=ab\n\npayload=%7B%7D&a=b",
            (
                b"content-type: application/json; charset=x\nwebhook-id: 1\nwebhook-timestamp: 1700000000\n"
                b"webhook-signature: v1,a v1,b\nauthorization: Bearer x\n\n{}"
            ),
        ],
        tuple(f"{name}: ".encode() for name in HEADERS), ms_per_mb=500.0,
        memory_times=30,
        because="it is proven for every vendor, where a delivery has one; a body has 4 MiB at most",
    ),
    *(otlp(path, form) for path in protocol.PATHS for form in (protocol.PROTOBUF, protocol.JSON)),
    Target("otlp-gzip", unpacked, (Refused,), ("web/http/receiving",), packed, memory_times=2200,
           because="gzip packs 1000 to 1; unpacked, a delivery has DELIVERY_MAX_BYTES at most"),
    Target("listen-address", address, (PortError,), ("web/http/receiving",),
           lambda: [b"127.0.0.1:4318", b"[::1]:80"], input_max=8192),
    Target(
        "request", asked, (Problem,),
        ("web/doors/dispatch", "web/doors/front_door", "web/http/connections", "web/http/idempotency",
        "web/pages/signing_in",
         "web/pages/way_back"),
        lambda: [REQUEST, REQUEST.replace(b"Bearer hg_", b"Basic ")],
        (b"%", b"%FF", b"&", b";", b"after=", b"cookie: ", b"authorization: Bearer ", b"content-length: ", b"=",
         b"\n\n"),
        ms_per_mb=1000.0, memory_times=80,
        because="a head is split five times here; the server's own has 64 KiB at most, a form 1 MiB",
    ),
    Target("api-body", bodies, (Problem,), ("web/doors/dispatch",), wishes, memory_times=60,
           because="a body has 4 MiB at most"),
    Target("judge-server", judged, (), ("web/judge_server", "judge/kayenta", "judge/judge", "judge/interval"),
           lambda: [*posted("intervals/web", *INTERVALS), *posted("judge", KAYENTA),
                    *posted("flagger/rollout", '{"name":"web","namespace":"shop"}')],
           (b"intervals/", b"judge\n", b'"requests":'),
           ms_per_mb=20_000, memory_times=60,
           because="each interval is a step of the judge; a body has 8 MiB at most"),
)  # fmt: skip
