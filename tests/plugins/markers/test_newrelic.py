"""New Relic, played by its documentation: "Track changes using NerdGraph"."""

from typing import Any

import pytest

from headgate.plugins.vendors.newrelic import marker as newrelic
from headgate.ports.errors import Permanent
from headgate.ports.marker import Marker
from headgate.ports.web import Answer, Request
from headgate.ports.wires import Wires
from headgate.testing.markers import COMMIT, FROM_ENVIRONMENT, SECRET, STARTED, STARTED_AT, STORY
from tests.plugins.markers.systems import OverHttp, System, body, said


class NewRelic(System):
    def __init__(self, *, refuses: bool = False) -> None:
        super().__init__()
        self.refuses = refuses
        self.routes = {("POST", "/graphql"): self.graphql}

    def admits(self, request: Request) -> bool:
        return request.headers.get("api-key") == SECRET

    def graphql(self, request: Request) -> Answer:
        content = body(request)
        assert "changeTrackingCreateEvent(changeTrackingEvent: $event)" in content["query"]
        if self.refuses:
            return said(200, {"data": None, "errors": [{"message": f"Entity not found by {SECRET}"}]})
        self.kept.append(content["variables"]["event"])
        made = {"changeTrackingEvent": {"changeTrackingId": f"id-{len(self.kept)}"}, "messages": []}
        return said(200, {"data": {"changeTrackingCreateEvent": made}})


class TestNewRelic(OverHttp):
    moments_max = 2

    def vendor(self) -> NewRelic:
        return NewRelic()

    def create(self, wires: Wires) -> Marker:
        return newrelic.create(wires)

    def settings(self, origin: str) -> dict[str, Any]:
        return {"url": origin, "api_key": FROM_ENVIRONMENT, "entities": {"web": "MTIzNHxBUE0"}}

    def test_it_is_a_deployment_of_the_entity(self) -> None:
        system = self.vendor()
        self._told(system, STORY)
        start, end = system.kept
        assert start["entitySearch"] == {"query": "id = 'MTIzNHxBUE0'"}
        kind, fields = (start["categoryAndTypeData"][key] for key in ("kind", "categoryFields"))
        assert kind == {"category": "deployment", "type": "basic"}
        assert fields["deployment"] == {"version": STARTED.services[0].after, "commit": COMMIT}
        assert (start["timestamp"], end["timestamp"]) == (STARTED_AT * 1000, (STARTED_AT + 42) * 1000)
        assert start["groupId"] == end["groupId"]
        assert "rolled back" in end["shortDescription"]

    def test_errors_come_with_200(self) -> None:
        error = self._refused(NewRelic(refuses=True).answer)
        assert isinstance(error, Permanent)
        assert "Entity not found" in str(error)


def test_an_unnamed_entity_is_found_by_its_service(monkeypatch: pytest.MonkeyPatch) -> None:
    event = newrelic.NewRelicMarker(None, {})._event(STARTED, STARTED.services[0])  # type: ignore[arg-type]
    assert event["entitySearch"]["query"] == "name = 'web' AND domain = 'APM' AND type = 'APPLICATION'"
