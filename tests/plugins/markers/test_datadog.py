"""Datadog, played by its API reference: "Post an event"."""

from typing import Any

from headgate.plugins.vendors.datadog import marker as datadog
from headgate.ports.marker import Marker
from headgate.ports.web import Answer, Request
from headgate.ports.wires import Wires
from headgate.testing.markers import FROM_ENVIRONMENT, PROMOTED, SECRET, STARTED, STARTED_AT, STORY
from tests.plugins.markers.systems import OverHttp, System, body, said


class Datadog(System):
    def __init__(self) -> None:
        super().__init__()
        self.routes = {("POST", "/api/v1/events"): self.post}

    def admits(self, request: Request) -> bool:
        return request.headers.get("dd-api-key") == SECRET

    def post(self, request: Request) -> Answer:
        content = body(request)
        assert isinstance(content["date_happened"], int)
        assert content["alert_type"] in {"error", "warning", "info", "success", "user_update"}
        assert len(content["aggregation_key"]) <= 100
        assert len(content["text"]) <= 4000
        self.kept.append(content)
        return said(202, {"status": "ok", "event": {"id": 6_000_000 + len(self.kept)}})


class TestDatadog(OverHttp):
    moments_max = 2

    def vendor(self) -> Datadog:
        return Datadog()

    def create(self, wires: Wires) -> Marker:
        return datadog.create(wires)

    def settings(self, origin: str) -> dict[str, Any]:
        return {"url": origin, "api_key": FROM_ENVIRONMENT, "tags": ["team:shop"]}

    def test_two_events_are_grouped(self) -> None:
        system = self.vendor()
        self._told(system, STORY)
        start, end = system.kept
        assert start["aggregation_key"] == end["aggregation_key"] == "headgate/shop/production/r7"
        assert (start["alert_type"], start["date_happened"]) == ("info", STARTED_AT)
        assert (end["alert_type"], end["date_happened"]) == ("error", STARTED_AT + 42)
        assert {"env:production", "service:web", "release:r7", "team:shop"} <= set(end["tags"])
        assert "rolled back" in end["title"]

    def test_a_promotion_is_a_success(self) -> None:
        system = self.vendor()
        self._told(system, (STARTED, PROMOTED))
        assert system.kept[-1]["alert_type"] == "success"
