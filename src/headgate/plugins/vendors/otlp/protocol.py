"""OTLP/HTTP's own words: bodies in protobuf and JSON, and every kind of answer (opentelemetry.io/docs/specs/otlp)."""

from base64 import b64encode
from typing import Any

import msgspec
from google.protobuf import json_format
from google.protobuf.message import DecodeError, Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsServiceRequest,
    ExportLogsServiceResponse,
)
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from headgate.ports.receiver import Reply

PROTOBUF, JSON = "application/x-protobuf", "application/json"

METRICS, TRACES, LOGS = "/v1/metrics", "/v1/traces", "/v1/logs"
PATHS = (METRICS, TRACES, LOGS)

_REQUESTS: dict[str, type[Message]] = {
    METRICS: ExportMetricsServiceRequest,
    TRACES: ExportTraceServiceRequest,
    LOGS: ExportLogsServiceRequest,
}
_ANSWERS: dict[str, tuple[type[Message], str]] = {
    METRICS: (ExportMetricsServiceResponse, "rejected_data_points"),
    TRACES: (ExportTraceServiceResponse, "rejected_spans"),
    LOGS: (ExportLogsServiceResponse, "rejected_log_records"),
}
_STATUS_MESSAGE = b"\x12"  # google.rpc.Status: the field `message`, number 2, length-delimited


class Malformed(ValueError):  # noqa: N818 - what a body is
    """A body that is not what its content type says."""


def decoded(path: str, content_type: str, body: bytes) -> Any:  # noqa: ANN401 - one of _REQUESTS, which share no type
    """The request in `body`. Raises Malformed."""
    request = _REQUESTS[path]()
    try:
        if content_type == JSON:
            json_format.Parse(body, request, ignore_unknown_fields=True)
        else:
            request.ParseFromString(body)
    except (DecodeError, json_format.ParseError, ValueError, RecursionError, TypeError) as error:
        kind = "JSON" if content_type == JSON else "protobuf"
        raise Malformed(f"not the {kind} of an OTLP request: {str(error)[:200]}") from None
    return request


def identity(raw: bytes, content_type: str) -> str:
    """An identity of a trace or span in lower-case hex.

    JSON has it in hex, where protobuf's own JSON would have base64: what was taken for base64 is turned back.
    """
    return b64encode(raw).decode().lower() if content_type == JSON else raw.hex()


def accepted(path: str, content_type: str, rejected: int = 0, why: str = "") -> Reply:
    """Success, or partial success where something was rejected."""
    kind, field = _ANSWERS[path]
    answer: Any = kind()
    if rejected:
        setattr(answer.partial_success, field, rejected)
        answer.partial_success.error_message = why
    if content_type == JSON:
        return Reply(200, JSON, json_format.MessageToJson(answer, indent=None).encode())
    return Reply(200, PROTOBUF, answer.SerializeToString())


def refused(content_type: str, status: int, reason: str) -> Reply:
    """A failure, as google.rpc.Status in the encoding of the request."""
    if content_type == JSON:
        return Reply(status, JSON, msgspec.json.encode({"message": reason}))
    text = reason.encode()
    return Reply(status, PROTOBUF, _STATUS_MESSAGE + _varint(len(text)) + text)


def _varint(n: int) -> bytes:
    encoded = bytearray()
    while n > 0x7F:  # noqa: PLR2004 - seven bits a byte
        encoded.append(n & 0x7F | 0x80)
        n >>= 7
    encoded.append(n)
    return bytes(encoded)
