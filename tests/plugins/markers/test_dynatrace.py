"""Dynatrace, played by its documentation: "Events API v2 - POST an event"."""

from typing import Any

from headgate.plugins.vendors.dynatrace import marker as dynatrace
from headgate.ports.errors import Permanent
from headgate.ports.marker import Marker
from headgate.ports.web import Answer, Request
from headgate.ports.wires import Wires
from headgate.testing.markers import FROM_ENVIRONMENT, SECRET, STARTED, STARTED_AT, STORY
from tests.plugins.markers.systems import OverHttp, System, body, said


class Dynatrace(System):
    def __init__(self, status: str = "OK") -> None:
        super().__init__()
        self.status = status
        self.routes = {("POST", "/api/v2/events/ingest"): self.ingest}

    def admits(self, request: Request) -> bool:
        return request.headers.get("authorization") == f"Api-Token {SECRET}"

    def ingest(self, request: Request) -> Answer:
        content = body(request)
        assert content["eventType"] == "CUSTOM_DEPLOYMENT"
        assert content["startTime"] < content["endTime"]
        allowed = ("dt.event.", "headgate.", "vcs.")
        assert all(key.startswith(allowed) and len(key) <= 100 for key in content["properties"])
        if self.status == "OK":
            self.kept.append(content)
        results = [{"correlationId": f"c{len(self.kept)}", "status": self.status}]
        return said(201, {"reportCount": 1, "eventIngestResults": results})


class TestDynatrace(OverHttp):
    moments_max = 2

    def vendor(self) -> Dynatrace:
        return Dynatrace()

    def create(self, wires: Wires) -> Marker:
        return dynatrace.create(wires)

    def settings(self, origin: str) -> dict[str, Any]:
        return {"url": origin, "token": FROM_ENVIRONMENT}

    def test_the_end_spans_the_release(self) -> None:
        system = self.vendor()
        self._told(system, STORY)
        _, end = system.kept
        assert (end["startTime"], end["endTime"]) == (STARTED_AT * 1000, (STARTED_AT + 42) * 1000)
        assert end["entitySelector"] == 'type(SERVICE),entityName.equals("web")'
        properties = end["properties"]
        assert properties["dt.event.deployment.version"] == STARTED.services[0].after
        assert properties["headgate.state"] == "rolled back"

    def test_201_may_hold_a_refusal(self) -> None:
        error = self._refused(Dynatrace("INVALID_ENTITY_TYPE").answer)
        assert isinstance(error, Permanent)
        assert "INVALID_ENTITY_TYPE" in str(error)
