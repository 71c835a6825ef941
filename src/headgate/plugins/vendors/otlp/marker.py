"""A release as a trace, sent by OTLP/HTTP when it has ended: the release, its steps, what was said in each.

Every id follows from the release, so that what is sent again is the same trace.

Source: OpenTelemetry Protocol specification 1.x, "OTLP/HTTP" with the JSON encoding (ids in hex, 64-bit numbers as
text, `partialSuccess`); semantic conventions `deployment.*`, `cicd.*`, `service.*`, `vcs.*`, `error.type`.
"""

import hashlib
from collections.abc import Mapping
from typing import Any

import msgspec

from headgate.core.model import SecretSource
from headgate.core.story.timeline import Remark, TimelinePart
from headgate.kit.marking import Asking, Secret, decoded, settings_of, web_of
from headgate.ports.errors import Permanent
from headgate.ports.marker import Mark
from headgate.ports.wires import Wires

PATH = "/v1/traces"
INTERNAL, UNSET, OK, ERROR = 1, 0, 1, 2
SENT = "sent"


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`url` is an OTLP/HTTP endpoint without its path (http://localhost:4318); `headers` hold secrets only.

    `service_name` is who the trace is from.
    """

    url: str
    headers: dict[str, SecretSource] = {}
    service_name: str = "headgate"


class _Partial(msgspec.Struct, rename="camel"):
    rejected_spans: str | int = 0
    error_message: str = ""


class _Answer(msgspec.Struct, rename="camel"):
    partial_success: _Partial | None = None


class OtlpMarker:
    """One trace a release, at its end."""

    def __init__(self, asking: Asking, service_name: str) -> None:
        self._asking = asking
        self._service_name = service_name

    async def mark(self, mark: Mark, reference: str) -> str:
        """As the port says; the reference says that it was sent. Before the end there is nothing to send."""
        if mark.moment != "ended" or reference == SENT:
            return reference
        sent = await self._asking.send("POST", PATH, request(mark, self._service_name))
        partial = decoded(sent, _Answer, self._asking.name).partial_success
        if partial is not None and partial.rejected_spans not in ("", "0", 0):
            said = self._asking.told(partial.error_message)
            raise Permanent(f"the OTLP endpoint rejected {partial.rejected_spans} spans: {said}")
        return SENT


def request(mark: Mark, service_name: str) -> dict[str, Any]:
    """The ExportTraceServiceRequest of a release, in JSON."""
    resource = {"service.name": service_name, "deployment.environment.name": mark.environment}
    spans: dict[str, Any] = {"scope": {"name": "headgate"}, "spans": _spans(mark)}
    return {"resourceSpans": [{"resource": {"attributes": _attributes(resource)}, "scopeSpans": [spans]}]}


def _spans(mark: Mark) -> list[dict[str, Any]]:
    trace = _id(mark.name, str(mark.started_at))
    root = _id(trace, "release")[:16]
    end = mark.ended_at or mark.at
    known = {service.name: service for service in mark.services}
    spans = [
        _span(trace, root, f"release {mark.name}", (mark.started_at, end), _release(mark))
        | _status("" if mark.good else mark.reason or mark.state, good=mark.good)
    ]
    for number, part in enumerate(mark.parts):
        service = known.get(part.service)
        attributes = {"cicd.pipeline.task.name": part.name, "headgate.part": part.kind}
        if service is not None:
            attributes |= {"headgate.service": service.name, "headgate.version": service.after}
        ended = part.ended_at if part.ended_at is not None else end
        span = _span(trace, _id(trace, str(number))[:16], part.name, (part.began_at, ended), attributes)
        spans.append(span | {"parentSpanId": root, "events": _events(part)} | _failed(part))
    return spans


def _release(mark: Mark) -> dict[str, str]:
    attributes = {
        "deployment.id": mark.release,
        "deployment.name": mark.name,
        "deployment.status": "succeeded" if mark.good else "failed",
        "deployment.environment.name": mark.environment,
        "cicd.pipeline.name": f"{mark.project}/{mark.environment}",
        "cicd.pipeline.run.id": mark.release,
        "cicd.pipeline.result": "success" if mark.good else "failure",
        "headgate.outcome": mark.outcome or "",
        "headgate.author": mark.author,
        "headgate.ledger": mark.head,
        "headgate.reason": mark.reason,
        "url.full": mark.link,
    }
    if len(mark.services) == 1:
        (service,) = mark.services
        attributes |= {
            "headgate.service": service.name,
            "headgate.version": service.after,
            "headgate.baseline": service.before,
            "vcs.ref.head.revision": service.commit,
        }
    else:
        attributes |= {f"headgate.version.{service.name}": service.after for service in mark.services}
    return attributes


def _span(
    trace: str, span: str, name: str, time: tuple[float, float], attributes: Mapping[str, str]
) -> dict[str, Any]:
    began, ended = time
    return {
        "traceId": trace,
        "spanId": span,
        "name": name,
        "kind": INTERNAL,
        "startTimeUnixNano": _nanos(began),
        "endTimeUnixNano": _nanos(max(began, ended)),
        "attributes": _attributes(attributes),
    }


def _failed(part: TimelinePart) -> dict[str, Any]:
    return _status(part.failed, good=False) if part.failed else {"status": {"code": UNSET}}


def _status(message: str, *, good: bool) -> dict[str, Any]:
    return {"status": {"code": OK} if good else {"code": ERROR, "message": message}}


def _events(part: TimelinePart) -> list[dict[str, Any]]:
    return [_event(remark) for remark in part.remarks]


def _event(remark: Remark) -> dict[str, Any]:
    details = {f"headgate.{name}": value for name, value in remark.details.items()}
    return {"name": remark.name, "timeUnixNano": _nanos(remark.at), "attributes": _attributes(details)}


def _attributes(found: Mapping[str, str]) -> list[dict[str, Any]]:
    return [{"key": key, "value": {"stringValue": value}} for key, value in found.items() if value]


def _nanos(at: float) -> str:
    return str(round(at * 1e6) * 1000)


def _id(*words: str) -> str:
    return hashlib.sha256("\0".join(words).encode()).hexdigest()[:32]


def create(wires: Wires) -> OtlpMarker:
    """The plugin's factory."""
    settings = settings_of(wires, Settings)
    secrets = {name.lower(): Secret(source) for name, source in settings.headers.items()}
    return OtlpMarker(
        Asking(web_of(wires), "the OTLP endpoint", settings.url, secrets, {}), settings.service_name
    )
