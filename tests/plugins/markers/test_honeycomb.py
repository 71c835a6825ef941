"""Honeycomb, played by its API documentation: "Markers"."""

from typing import Any

from headgate.plugins.vendors import honeycomb
from headgate.ports.marker import Marker
from headgate.ports.web import Answer, Request
from headgate.ports.wires import Wires
from headgate.testing.markers import FROM_ENVIRONMENT, SECRET, STARTED_AT, STORY
from tests.plugins.markers.systems import OverHttp, System, body, said


class Honeycomb(System):
    def __init__(self) -> None:
        super().__init__()
        self.routes = {
            ("GET", "/1/markers/__all__"): lambda _: said(200, self.kept),
            ("POST", "/1/markers/__all__"): self.create,
            ("PUT", "/1/markers/__all__/([0-9a-f]+)"): self.update,
        }

    def admits(self, request: Request) -> bool:
        return request.headers.get("x-honeycomb-team") == SECRET

    def create(self, request: Request) -> Answer:
        self.kept.append({"id": f"d1c84e{len(self.kept)}"} | body(request))
        return said(201, self.kept[-1])

    def update(self, request: Request, marker: str) -> Answer:
        found = next((one for one in self.kept if one["id"] == marker), None)
        if found is None:
            return said(404, {"error": "marker not found"})
        found.update(body(request))
        return said(200, found)


class TestHoneycomb(OverHttp):
    finds_its_own = True

    def vendor(self) -> Honeycomb:
        return Honeycomb()

    def create(self, wires: Wires) -> Marker:
        return honeycomb.create(wires)

    def settings(self, origin: str) -> dict[str, Any]:
        return {"url": origin, "api_key": FROM_ENVIRONMENT}

    def test_it_ends(self) -> None:
        system = self.vendor()
        self._told(system, STORY)
        (one,) = system.kept
        assert (one["start_time"], one["end_time"], one["type"]) == (STARTED_AT, STARTED_AT + 42, "deploy")
        assert "rolled back" in one["message"]
