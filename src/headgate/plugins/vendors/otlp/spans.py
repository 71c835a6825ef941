"""Spans as core.traces has them, and log records as counts."""

from collections.abc import Iterable
from urllib.parse import urlsplit

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, SeverityNumber
from opentelemetry.proto.trace.v1.trace_pb2 import Span as Sent
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from headgate.core.model import Counts
from headgate.core.traces import Kind, Party, Span
from headgate.plugins.vendors.otlp.protocol import identity
from headgate.plugins.vendors.otlp.resource import Batch, attribute, party, status

SPANS_MAX = 20_000
"""So many spans of one delivery are taken."""

AIM_MAX = 300
_TRACE_HEX, _SPAN_HEX = 32, 16
_SERVER_ERROR = 500
_KINDS: dict[int, Kind] = {
    Sent.SPAN_KIND_SERVER: "entry",
    Sent.SPAN_KIND_CONSUMER: "entry",
    Sent.SPAN_KIND_CLIENT: "exit",
    Sent.SPAN_KIND_PRODUCER: "exit",
}
_MESSAGES = frozenset({Sent.SPAN_KIND_CONSUMER, Sent.SPAN_KIND_PRODUCER})
_BAD_LEVELS = frozenset({"ERROR", "FATAL", "CRITICAL", "SEVERE", "EMERGENCY", "ALERT"})


def read(request: ExportTraceServiceRequest, content_type: str) -> Batch:
    """Every span that can be placed in a trace."""
    batch = Batch()
    for group in batch.some(request.resource_spans):
        sender = party(group.resource)
        sent = [span for scope in group.scope_spans for span in scope.spans]
        if isinstance(sender, str):
            batch.reject(len(sent), sender)
            continue
        batch.heard.add(sender)
        room = SPANS_MAX - len(batch.spans)
        batch.reject(
            len(sent) - room if len(sent) > room else 0, f"over {SPANS_MAX} spans in one request", sender
        )
        for one in sent[:room]:
            span = _span(one, sender, content_type)
            if span is None:
                batch.reject(1, "a span without identity, or one that ends before it begins", sender)
            else:
                batch.spans.append(span)
    return batch


def _span(sent: Sent, sender: Party, content_type: str) -> Span | None:
    trace, name = identity(sent.trace_id, content_type), identity(sent.span_id, content_type)
    parent = identity(sent.parent_span_id, content_type)
    duration_ns = sent.end_time_unix_nano - sent.start_time_unix_nano
    if len(trace) != _TRACE_HEX or len(name) != _SPAN_HEX or not trace.strip("0") or not name.strip("0"):
        return None
    if duration_ns < 0 or not sent.start_time_unix_nano:
        return None
    kind = _KINDS.get(sent.kind, "inner")
    return Span(
        trace,
        name,
        parent if len(parent) == _SPAN_HEX and parent.strip("0") else "",
        sender,
        kind,
        sent.end_time_unix_nano,
        duration_ns,
        failed=_failed(sent),
        aim=_aim(sent) if kind == "exit" else "",
        waits=sent.kind not in _MESSAGES,
    )


def _failed(sent: Sent) -> bool:
    code = status(sent.attributes) if sent.kind == Sent.SPAN_KIND_SERVER else None
    return sent.status.code == Status.STATUS_CODE_ERROR or (code is not None and code >= _SERVER_ERROR)


def _aim(sent: Sent) -> str:
    """What is asked of whom: two calls with the same aim are two tries of one."""
    found = (
        sent.name,
        _address(sent.attributes),
        attribute(sent.attributes, "rpc.method", "db.operation.name"),
    )
    return " ".join(found)[:AIM_MAX]


def _address(attributes: Iterable[KeyValue]) -> str:
    url = attribute(attributes, "url.full", "http.url")
    if url:
        try:
            parts = urlsplit(url[: 2 * AIM_MAX])
        except ValueError:
            return ""
        return f"{parts.netloc.rpartition('@')[2]}{parts.path}"
    host = attribute(attributes, "server.address", "net.peer.name", "peer.service")
    return f"{host}:{attribute(attributes, 'server.port', 'net.peer.port')}"


def logged(request: ExportLogsServiceRequest) -> Batch:
    """How many log records each party wrote, and how many of them say ERROR or worse."""
    batch = Batch()
    for group in batch.some(request.resource_logs):
        sender = party(group.resource)
        records = [record for scope in group.scope_logs for record in scope.log_records]
        if isinstance(sender, str):
            batch.reject(len(records), sender)
            continue
        batch.heard.add(sender)
        before = batch.logged.get(sender, Counts(0, 0))
        bad = sum(map(_is_error, records))
        batch.logged[sender] = Counts(before.requests + len(records), before.errors + bad)
    return batch


def _is_error(record: LogRecord) -> bool:
    if record.severity_number:
        return record.severity_number >= SeverityNumber.SEVERITY_NUMBER_ERROR
    return record.severity_text.strip().upper() in _BAD_LEVELS
