"""What else may arrive at the address: other encodings, other paths, and rubbish of every kind, over real HTTP."""

import asyncio
import gzip
import json
import socket
import time
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from opentelemetry.proto.metrics.v1.metrics_pb2 import AggregationTemporality

from headgate.plugins.vendors.otlp.inbox import Inbox
from headgate.plugins.vendors.otlp.protocol import JSON, PATHS, PROTOBUF
from headgate.plugins.vendors.otlp.resource import RESOURCES_MAX, TEXT_MAX
from headgate.ports import Permanent, Temporary
from headgate.ports.receiver import DELIVERY_MAX_BYTES, Delivery
from headgate.web.http import receiving
from headgate.web.http.receiving import Receiving
from tests.plugins.signals.otlp.senders import OLD, Place, place

START = 10**18
MB = 1024 * 1024


def metrics(
    count: int = 3, *, version: str = OLD.key, start: int = 0, at: int = 0, **attributes: str
) -> ExportMetricsServiceRequest:
    now = time.time_ns()
    request = ExportMetricsServiceRequest()
    group = request.resource_metrics.add()
    named = {
        "service.name": "web",
        "service.version": version,
        "deployment.environment.name": "production",
        **attributes,
    }
    for key, value in named.items():
        group.resource.attributes.add(key=key).value.string_value = value
    metric = group.scope_metrics.add().metrics.add(name="http.server.request.duration", unit="s")
    metric.histogram.aggregation_temporality = AggregationTemporality.AGGREGATION_TEMPORALITY_CUMULATIVE
    point = metric.histogram.data_points.add(
        start_time_unix_nano=start or now, time_unix_nano=at or now + 1, count=count, explicit_bounds=[0.1]
    )
    point.bucket_counts.extend([count, 0])
    point.attributes.add(key="http.response.status_code").value.int_value = 200
    return request


def run(scenario: Callable[[Place, httpx2.AsyncClient], Awaitable[None]]) -> None:
    async def opened() -> None:
        async with place(time.time) as made:
            made.source()
            async with httpx2.AsyncClient(base_url=made.url, timeout=60, trust_env=False) as client:
                await scenario(made, client)

    asyncio.run(opened())


def said(answer: httpx2.Response) -> str:
    """The message of a google.rpc.Status: one field, number 2."""
    if answer.headers["content-type"] == JSON:
        return str(answer.json()["message"])
    body, length, shift = answer.content, 0, 0
    assert body[0] == 0x12
    for position, byte in enumerate(body[1:], start=2):
        length |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            assert len(body) == position + length
            return body[position:].decode()
    raise AssertionError(body)


def test_success_is_an_empty_answer_in_the_same_encoding() -> None:
    async def scenario(made: Place, client: httpx2.AsyncClient) -> None:
        body = metrics().SerializeToString()
        answer = await client.post("/v1/metrics", content=body, headers={"content-type": PROTOBUF})
        assert (answer.status_code, answer.headers["content-type"], answer.content) == (200, PROTOBUF, b"")
        assert (await made.source().read(OLD)).requests == 3

    run(scenario)


def test_json_is_read_as_the_specification_writes_it() -> None:
    """Identities in hex, numbers as texts or numbers, kinds as numbers, unknown keys ignored."""

    async def scenario(made: Place, client: httpx2.AsyncClient) -> None:
        source = made.source(measure="traces", errors="boundary")
        attributes = [
            {"key": key, "value": {"stringValue": value}}
            for key, value in (
                ("service.name", "web"),
                ("service.version", OLD.key),
                ("deployment.environment", "production"),
            )
        ]
        above = {
            "traceId": "5B8EFFF798038103D269B633813FC60C",
            "spanId": "EEE19B7EC3C1B174",
            "name": "GET /",
            "kind": 2,
            "startTimeUnixNano": str(START),
            "endTimeUnixNano": START + 5_000_000,
            "status": {"code": 2},
            "novel": {"a": [1]},
        }
        below = above | {
            "traceId": "5b8efff798038103d269b633813fc60c",
            "spanId": "EEE19B7EC3C1B175",
            "parentSpanId": "eee19b7ec3c1b174",
            "kind": 1,
        }
        sent = {
            "resourceSpans": [
                {"resource": {"attributes": attributes}, "scopeSpans": [{"spans": [above, below]}]}
            ]
        }
        answer = await client.post("/v1/traces", json=sent)
        assert (answer.status_code, answer.json()) == (200, {})
        made.clock.ahead_s = 11.0
        arm = await source.read(OLD)
        assert (arm.requests, arm.errors) == (1, 1)

    run(scenario)


def test_what_is_rejected_is_told_in_the_answer() -> None:
    async def scenario(made: Place, client: httpx2.AsyncClient) -> None:
        request = metrics()
        request.resource_metrics[0].scope_metrics[0].metrics[0].histogram.data_points[0].count = 7
        answer = await client.post(
            "/v1/metrics", content=request.SerializeToString(), headers={"content-type": PROTOBUF}
        )
        partial = ExportMetricsServiceResponse.FromString(answer.content).partial_success
        assert partial.rejected_data_points == 1
        assert "must add up to its count" in partial.error_message
        with pytest.raises(Temporary, match="must add up"):
            await made.source().read(OLD)
        nobody: dict[str, object] = {"resourceSpans": [{"scopeSpans": [{"spans": [{}, {}]}]}]}
        answer = await client.post("/v1/traces", json=nobody)
        assert answer.json()["partialSuccess"]["rejectedSpans"] == "2"
        answer = await client.post("/v1/traces", content=b"", headers={"content-type": PROTOBUF})
        assert not ExportTraceServiceResponse.FromString(answer.content).HasField("partial_success")

    run(scenario)


@pytest.mark.parametrize("kind", [PROTOBUF, JSON, "Application/X-Protobuf; charset=x"])
def test_what_cannot_be_decoded_is_a_bad_request(kind: str) -> None:
    async def scenario(made: Place, client: httpx2.AsyncClient) -> None:
        whole = metrics().SerializeToString()
        for body in (
            whole[:-5],
            b"\xff" * 100,
            b"{",
            b"[" * 100_000,
            b'{"resourceMetrics": 7, "resourceSpans": 7, "resourceLogs": 7}',
        ):
            for path in PATHS:
                answer = await client.post(path, content=body, headers={"content-type": kind})
                assert answer.status_code == 400
                assert "not the" in said(answer)

    run(scenario)


def test_other_types_encodings_paths_and_methods_are_refused() -> None:
    async def scenario(made: Place, client: httpx2.AsyncClient) -> None:
        for headers in ({"content-type": "text/plain"}, {}, {"content-type": "application/grpc"}):
            answer = await client.post("/v1/metrics", content=b"x", headers=headers)
            assert (answer.status_code, said(answer)) == (415, f"send {PROTOBUF} or {JSON}")
        headers = {"content-type": PROTOBUF, "content-encoding": "br"}
        assert (await client.post("/v1/metrics", content=b"x", headers=headers)).status_code == 415
        assert (await client.post("/v1/other", content=b"x")).status_code == 404
        answer = await client.get("/v1/metrics")
        assert (answer.status_code, answer.headers["allow"]) == (405, "POST")

    run(scenario)


def test_a_body_of_100_mb_is_turned_away() -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield bytes(MB)

    async def scenario(made: Place, client: httpx2.AsyncClient) -> None:
        for content in (endless(), bytes(100 * MB)):
            try:
                answer = await client.post("/v1/metrics", content=content, headers={"content-type": PROTOBUF})
            except httpx2.TransportError:  # it hung up on us in the middle: as good
                continue
            assert answer.status_code == 413
            assert "smaller batches" in said(answer)
        head = f"POST /v1/logs HTTP/1.1\r\nhost: x\r\ncontent-length: {100 * MB}\r\n\r\n"
        assert await _status(made, head.encode()) == 413  # before anything of it was sent
        assert await _still_works(made, client)

    run(scenario)


def test_a_zip_bomb_stays_small() -> None:
    async def scenario(made: Place, client: httpx2.AsyncClient) -> None:
        headers = {"content-type": PROTOBUF, "content-encoding": "gzip"}
        bomb = gzip.compress(bytes(40 * MB))
        assert len(bomb) < DELIVERY_MAX_BYTES
        answer = await client.post("/v1/metrics", content=bomb, headers=headers)
        assert (answer.status_code, "unpacked" in said(answer)) == (413, True)
        for body in (bomb[:200], b"no gzip", gzip.compress(b"") * 1000, b""):
            answer = await client.post("/v1/metrics", content=body, headers=headers)
            assert answer.status_code == 400
        two = gzip.compress(metrics().SerializeToString()[:9]) + gzip.compress(
            metrics().SerializeToString()[9:]
        )
        assert (await client.post("/v1/metrics", content=two, headers=headers)).status_code in (200, 400)
        assert await _still_works(made, client)

    run(scenario)


def test_hostile_attributes_take_no_room() -> None:
    async def scenario(made: Place, client: httpx2.AsyncClient) -> None:
        headers = {"content-type": PROTOBUF}
        long = metrics(version="v" * (TEXT_MAX + 1)).SerializeToString()
        answer = await client.post("/v1/metrics", content=long, headers=headers)
        partial = ExportMetricsServiceResponse.FromString(answer.content).partial_success
        assert f"more than {TEXT_MAX} characters" in partial.error_message
        huge = metrics(blob="x" * (7 * MB)).SerializeToString()
        assert (await client.post("/v1/metrics", content=huge, headers=headers)).status_code == 200
        assert (await made.source().read(OLD)).requests == 3
        with pytest.raises(Temporary) as raised:
            await made.source(service="other").read(OLD)
        assert len(str(raised.value)) < 1000

    run(scenario)


def test_resources_of_one_delivery_are_bounded() -> None:
    """An empty one is two bytes, and as much work as any."""

    async def scenario(made: Place, client: httpx2.AsyncClient) -> None:
        for path in PATHS:
            answer = await client.post(
                path, content=b"\x0a\x00" * (RESOURCES_MAX + 7), headers={"content-type": PROTOBUF}
            )
            assert answer.status_code == 200
            assert f"over {RESOURCES_MAX} resources" in answer.content.decode(errors="replace")

    run(scenario)


def test_too_much_at_once_is_told_when_to_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(made: Place, client: httpx2.AsyncClient) -> None:
        monkeypatch.setattr(receiving, "UNDER_WAY_MAX", 0)
        body, headers = metrics().SerializeToString(), {"content-type": PROTOBUF}
        answer = await client.post("/v1/metrics", content=body, headers=headers)
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "1")
        monkeypatch.undo()
        monkeypatch.setattr(receiving, "UNDER_WAY_MAX_BYTES", 10)
        answer = await client.post("/v1/metrics", content=body, headers=headers)
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "1")
        monkeypatch.undo()
        assert await _still_works(made, client)

    run(scenario)


def test_a_delivery_that_never_ends_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(made: Place, client: httpx2.AsyncClient) -> None:
        monkeypatch.setattr(receiving, "DELIVERY_MAX_S", 0.05)
        head = b"POST /v1/logs HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n"
        assert await _status(made, head + b"{") == 408
        monkeypatch.undo()
        assert await _still_works(made, client)

    run(scenario)


@given(st.sampled_from(PATHS), st.sampled_from([PROTOBUF, JSON]), st.binary(max_size=300))
def test_any_bytes_are_answered(path: str, kind: str, body: bytes) -> None:
    reply = asyncio.run(Inbox(time.time).receive(Delivery(path, kind, body)))
    assert reply.status in (200, 400)


@given(st.data())
def test_any_damage_is_answered(data: st.DataObject) -> None:
    whole = bytearray(metrics(start=START, at=START + 1).SerializeToString())
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    inbox = Inbox(time.time)
    inbox.attend("http.server.request.duration", 1.0)
    assert asyncio.run(inbox.receive(Delivery("/v1/metrics", PROTOBUF, bytes(whole)))).status in (200, 400)


JSONS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["resourceSpans", "scopeSpans", "spans", "traceId", "kind", "resource", "attributes"]
            ),
            inner,
            max_size=3,
        )
    ),
    max_leaves=10,
)


@given(JSONS)
def test_any_json_is_answered(document: object) -> None:
    body = json.dumps({"resourceSpans": document}).encode()
    assert asyncio.run(Inbox(time.time).receive(Delivery("/v1/traces", JSON, body))).status in (200, 400)


def test_sources_share_an_address_and_only_one_process_has_it() -> None:
    async def scenario() -> None:
        async with place(time.time) as made:
            first, second = made.source(), made.source(measure="logs")
            assert first.listen() is second.listen()
            other = Receiving()
            with pytest.raises(Temporary, match=r"cannot listen at .*: Address already in use"):
                other.serve(made.listen, "otlp", lambda: Inbox(time.time))
            await other.aclose()
        with socket.create_server(("127.0.0.1", int(made.listen.split(":")[1]))):
            pass  # it is free again

    asyncio.run(scenario())


@pytest.mark.parametrize(
    "listen", ["", "4318", "example.test:4318", "127.0.0.1:0", "127.0.0.1:99999", "::1", "[::1]:x"]
)
def test_an_address_that_is_none(listen: str) -> None:
    with pytest.raises(Permanent, match="no address to listen at"):
        Receiving().serve(listen, "otlp", lambda: Inbox(time.time))


def test_without_a_controller_nothing_listens() -> None:
    with pytest.raises(Temporary, match="before the controller runs"):
        Receiving().serve("127.0.0.1:4318", "otlp", lambda: Inbox(time.time))


async def _still_works(made: Place, client: httpx2.AsyncClient) -> bool:
    body = zlib.compress(metrics(5).SerializeToString(), wbits=31)
    headers = {"content-type": PROTOBUF, "content-encoding": "gzip"}
    answer = await client.post("/v1/metrics", content=body, headers=headers)
    return answer.status_code == 200 and (await made.source().read(OLD)).requests >= 5


async def _status(made: Place, message: bytes) -> int:
    host, port = made.listen.split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(message)
    line = await reader.readline()
    writer.close()
    return int(line.split()[1])
