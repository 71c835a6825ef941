"""An OTLP/HTTP endpoint that takes what the protocol's JSON says, and nothing else."""

import json
from typing import Any

from headgate.plugins.vendors.otlp import marker as otlp
from headgate.ports.errors import Permanent
from headgate.ports.marker import Marker
from headgate.ports.web import Answer, Request
from headgate.ports.wires import Wires
from headgate.testing.markers import FROM_ENVIRONMENT, ROLLED_BACK, SECRET, STORY
from tests.plugins.markers.systems import OverHttp, System, body, said


class Collector(System):
    """Shows the roots of traces as marks: the same ids are the same trace."""

    def __init__(self, rejected: int = 0) -> None:
        super().__init__()
        self.rejected = rejected
        self.spans: dict[str, dict[str, Any]] = {}
        self.routes = {("POST", "/v1/traces"): self.export}

    def admits(self, request: Request) -> bool:
        return request.headers.get("x-team") == SECRET

    def export(self, request: Request) -> Answer:
        (resource,) = body(request)["resourceSpans"]
        assert _values(resource["resource"]["attributes"])["service.name"] == "headgate"
        for scope in resource["scopeSpans"]:
            for span in scope["spans"]:
                assert len(bytes.fromhex(span["traceId"])) == 16
                assert len(bytes.fromhex(span["spanId"])) == 8
                assert int(span["startTimeUnixNano"]) <= int(span["endTimeUnixNano"])
                self.spans[span["spanId"]] = span
        if self.rejected:
            partial = {"rejectedSpans": str(self.rejected), "errorMessage": f"too old {SECRET}"}
            return said(200, {"partialSuccess": partial})
        return said(200, {})

    def marks(self) -> list[dict[str, Any]]:
        return [span for span in self.spans.values() if "parentSpanId" not in span]


def _values(attributes: list[dict[str, Any]]) -> dict[str, str]:
    return {one["key"]: one["value"]["stringValue"] for one in attributes}


class TestOtlp(OverHttp):
    tells_at_the_end = True
    refuses_empty_answers = False

    def vendor(self) -> Collector:
        return Collector()

    def create(self, wires: Wires) -> Marker:
        return otlp.create(wires)

    def settings(self, origin: str) -> dict[str, Any]:
        return {"url": origin, "headers": {"X-Team": FROM_ENVIRONMENT}}

    def test_a_release_is_a_trace(self) -> None:
        system = self.vendor()
        self._told(system, STORY)
        (root,) = system.marks()
        attributes = _values(root["attributes"])
        assert attributes["deployment.id"] == "r7"
        assert attributes["deployment.status"] == "failed"
        assert attributes["deployment.environment.name"] == "production"
        assert root["status"] == {"code": 2, "message": "9% errors, 1% on stable"}
        steps = [span for span in system.spans.values() if span.get("parentSpanId") == root["spanId"]]
        assert [step["name"] for step in steps] == ["canary 5%", "bake 30 s"]
        (verdict,) = steps[1]["events"]
        assert (verdict["name"], _values(verdict["attributes"])["headgate.kind"]) == ("verdict", "fail")
        assert {span["traceId"] for span in system.spans.values()} == {root["traceId"]}

    def test_the_same_release_has_the_same_ids(self) -> None:
        once, again = (json.dumps(otlp.request(ROLLED_BACK, "headgate")) for _ in range(2))
        assert once == again

    def test_rejected_spans_are_told(self) -> None:
        error = self._refused(Collector(rejected=3).answer)
        assert isinstance(error, Permanent)
        assert "too old" in str(error)
