"""Grafana, played by its documentation: "Annotations HTTP API"."""

from typing import Any

from headgate.plugins.vendors import grafana
from headgate.ports.marker import Marker
from headgate.ports.web import Answer, Request
from headgate.ports.wires import Wires
from headgate.testing.markers import FROM_ENVIRONMENT, STARTED_AT, STORY
from tests.plugins.markers.systems import OverHttp, System, body, query, said


class Grafana(System):
    def __init__(self) -> None:
        super().__init__()
        self.routes = {
            ("GET", "/api/annotations"): self.find,
            ("POST", "/api/annotations"): self.create,
            ("PATCH", r"/api/annotations/(\d+)"): self.patch,
        }

    def find(self, request: Request) -> Answer:
        asked = query(request)
        tags = set(asked["tags"])
        return said(200, [one for one in self.kept if tags <= set(one["tags"])][: int(asked["limit"][0])])

    def create(self, request: Request) -> Answer:
        content = body(request)
        assert {"time", "tags", "text"} <= content.keys()
        self.kept.append({"id": len(self.kept) + 1} | content)
        return said(200, {"message": "Annotation added", "id": len(self.kept)})

    def patch(self, request: Request, number: str) -> Answer:
        content = body(request)
        assert content.keys() <= {"time", "timeEnd", "tags", "text", "data"}
        self.kept[int(number) - 1] |= content
        return said(200, {"message": "Annotation patched"})


class TestGrafana(OverHttp):
    finds_its_own = True

    def vendor(self) -> Grafana:
        return Grafana()

    def create(self, wires: Wires) -> Marker:
        return grafana.create(wires)

    def settings(self, origin: str) -> dict[str, Any]:
        return {
            "url": origin,
            "token": FROM_ENVIRONMENT,
            "tags": ["team:shop"],
            "dashboard": "shop",
            "panel": 3,
        }

    def test_it_is_a_region_with_the_outcome(self) -> None:
        system = self.vendor()
        self._told(system, STORY)
        (one,) = system.kept
        assert one["time"] == STARTED_AT * 1000
        assert one["timeEnd"] == (STARTED_AT + 42) * 1000
        assert {"headgate", "release:r7", "service:web", "rolled_back", "team:shop"} <= set(one["tags"])
        assert "rolled back" in one["text"]
        assert "9% errors, 1% on stable" in one["text"]
        assert (one["dashboardUID"], one["panelId"]) == ("shop", 3)
